"""The operation of each flow, found by the flow's name and called with the settings."""

# ruff: noqa: PLC0415 - a flow imports what it runs

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from flows.operations.engine import Engine
from flows.settings import Settings, recipe_of
from warehouse.errors import Invalid
from warehouse.identifiers import name_right_ones, shown
from warehouse.store import Store, open_existing_store

UPDATE_PARTITION = "update-partition"

_SECTIONS = ("Args:", "Returns:", "Raises:")


@dataclass(frozen=True)
class Call:
    """An operation that waits for its parameters."""

    parameters: type[BaseModel]
    operation: Callable[..., Any]
    run: Callable[[Settings, Any, Engine], Any]
    """Calls the operation with what the settings name."""

    @property
    def description(self) -> str:
        """What the operation does, without its arguments and errors."""
        lines = inspect.getdoc(self.operation) or ""
        for section in _SECTIONS:
            lines = lines.partition(f"\n\n{section}")[0]
        return lines


def find_call(flow: str) -> Call:
    """Find the operation of a flow.

    Raises:
        Invalid: There is no such flow.
    """
    if flow not in _CALLS:
        raise Invalid(f"there is no flow {flow!r}; the flows are {', '.join(FLOWS)}")
    return _CALLS[flow]()


def parse_parameters(flow: str, words: Mapping[str, object]) -> BaseModel:
    """Check the parameters of a flow.

    Args:
        flow: Its name.
        words: Values by name; a text stands for a number or a moment too.

    Raises:
        Invalid: There is no such flow, or a parameter is unknown, missing or wrong.
    """
    model = find_call(flow).parameters
    try:
        return model.model_validate(words)
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0])
        if fault["type"] == "extra_forbidden":
            right = name_right_ones(name, model.model_fields)
            raise Invalid(f"{flow} has no parameter {shown(name)}: {right}") from error
        if fault["type"] == "missing":
            raise Invalid(f"{flow} needs the parameter {name}: give {name}=VALUE") from error
        raise Invalid(f"parameter {name} of {flow} is wrong: {fault['msg']}") from error


def _ingest_videos() -> Call:
    from warehouse.ingest.operation import IngestParameters, ingest_videos

    def run(settings: Settings, parameters: IngestParameters, engine: Engine) -> Any:
        return ingest_videos(
            settings.root,
            settings.catalog_url,
            parameters,
            datetime.now(UTC),
            taxonomy=settings.taxonomy,
            reporter=engine.reporter,
        )

    return Call(IngestParameters, ingest_videos, run)


def _extract_features() -> Call:
    from flows.operations.extract import ExtractParameters, extract_features

    def run(settings: Settings, parameters: ExtractParameters, engine: Engine) -> Any:
        return extract_features(
            _store(settings),
            settings,
            parameters,
            datetime.now(UTC),
            map_chunks=engine.map_chunks,
            run_shares=engine.run_shares,
            reporter=engine.reporter,
        )

    return Call(ExtractParameters, extract_features, run)


def _extract_chunks() -> Call:
    from flows.operations.chunk_shares import ExtractChunksParameters, extract_chunks

    def run(settings: Settings, parameters: ExtractChunksParameters, engine: Engine) -> Any:
        return extract_chunks(
            _store(settings),
            settings,
            parameters,
            datetime.now(UTC),
            map_chunks=engine.map_chunks,
            reporter=engine.reporter,
        )

    return Call(ExtractChunksParameters, extract_chunks, run)


def _pretrain_encoder() -> Call:
    from modeling.pretrain import PretrainParameters, pretrain_encoder

    return _training(PretrainParameters, pretrain_encoder)


def _train_classifier() -> Call:
    from modeling.train import TrainParameters, train_classifier

    return _training(TrainParameters, train_classifier)


def _training(parameters_class: type[BaseModel], operation: Callable[..., Any]) -> Call:
    def run(settings: Settings, parameters: BaseModel, engine: Engine) -> Any:
        return operation(
            _store(settings),
            recipe_of(settings),
            parameters,
            datetime.now(UTC),
            language_model=settings.text_model,
            num_devices=settings.training_devices,
            reporter=engine.reporter,
        )

    return Call(parameters_class, operation, run)


def _retrain() -> Call:
    from flows.operations.retraining import RetrainParameters, retrain

    def run(settings: Settings, parameters: RetrainParameters, engine: Engine) -> Any:
        return retrain(
            _store(settings), settings, parameters, datetime.now(UTC), reporter=engine.reporter
        )

    return Call(RetrainParameters, retrain, run)


def _score_partitions() -> Call:
    from modeling.score import ScoreParameters, score_partitions

    def run(settings: Settings, parameters: ScoreParameters, engine: Engine) -> Any:
        return score_partitions(
            _store(settings),
            parameters,
            datetime.now(UTC),
            run_shares=engine.run_shares,
            reporter=engine.reporter,
        )

    return Call(ScoreParameters, score_partitions, run)


def _score_chunks() -> Call:
    from modeling.block_shares import ScoreChunksParameters, score_chunks

    def run(settings: Settings, parameters: ScoreChunksParameters, engine: Engine) -> Any:
        return score_chunks(
            _store(settings), parameters, datetime.now(UTC), reporter=engine.reporter
        )

    return Call(ScoreChunksParameters, score_chunks, run)


def _update() -> Call:
    from flows.operations.updating import UpdateParameters, update

    return _updating(UpdateParameters, update)


def _update_partition() -> Call:
    from flows.operations.partition_update import PartitionParameters, update_partition

    return _updating(PartitionParameters, update_partition)


def _backfill() -> Call:
    from flows.operations.backfilling import BackfillParameters, backfill

    return _updating(BackfillParameters, backfill)


def _updating(parameters_class: type[BaseModel], operation: Callable[..., Any]) -> Call:
    def run(settings: Settings, parameters: BaseModel, engine: Engine) -> Any:
        return operation(settings, parameters, datetime.now(UTC), engine=engine)

    return Call(parameters_class, operation, run)


def _store(settings: Settings) -> Store:
    return open_existing_store(settings.root, settings.catalog_url)


_CALLS: dict[str, Callable[[], Call]] = {
    "ingest-videos": _ingest_videos,
    "extract-features": _extract_features,
    "extract-chunks": _extract_chunks,
    "pretrain-encoder": _pretrain_encoder,
    "train-classifier": _train_classifier,
    "retrain": _retrain,
    "score-partitions": _score_partitions,
    "score-chunks": _score_chunks,
    "update": _update,
    UPDATE_PARTITION: _update_partition,
    "backfill": _backfill,
}

FLOWS = tuple(_CALLS)
"""The name of each flow, which is that of its deployment too."""
