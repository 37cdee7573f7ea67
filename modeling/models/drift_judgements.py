"""Judgements of drift in the store: what a scored partition looks like, and what came of it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from featurestore.reading.snapshot import DATASET as SNAPSHOTS
from modeling.evaluation.drift.day_statistics import DayStatistics
from modeling.evaluation.drift.verdict import JudgedStatistic, Verdict
from modeling.models import scored_partitions
from modeling.models.model_facts import PredictionFacts
from modeling.models.stored_model import MODELS
from warehouse import commits, formats
from warehouse.commits import Address, Commit, Draft, Facts
from warehouse.store import Store

FORMAT_VERSION: Final = 1
DRIFT, DRIFT_FILE = "drift", "drift.json"


class DriftFacts(Facts):
    """What a commit of drift is: `made_from` names `model` and `predictions`."""

    verdict: Verdict | None
    """None where the partition was described, as one of the days that others are judged by."""
    unusual: tuple[str, ...]
    """The numbers that raise the alarm, the least probable first."""


class StoredDrift(BaseModel):
    """What `drift.json` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = FORMAT_VERSION
    num_videos: int
    described: DayStatistics
    """The partition's own numbers."""
    judged: dict[str, JudgedStatistic]
    """The same compared with other days; empty where it was described alone."""
    days: tuple[str, ...]
    """The partitions that it was compared with."""


def address(model_id: str, partition: str) -> Address:
    """Where the judgement of a partition that a model has scored is."""
    return Address(_dataset(model_id), partition)


def of_model(store: Store, model_id: str) -> dict[str, Commit]:
    """List what is known of the partitions that a model has scored as they are now.

    Args:
        store: Where it is.
        model_id: The model's, 64 hexadecimal digits.

    Returns:
        Their commits by partition, judged or only described. Forgetting a video of a partition
        leaves what is known of the others, and so the judgement.
    """
    scored = scored_partitions.of_model(store, model_id)
    return {
        name: commit
        for commit in commits.heads(store, _dataset(model_id))
        if (name := commit.address.column) in scored and is_of(store, commit, scored[name])
    }


def is_of(store: Store, judgement: Commit, predictions: Commit) -> bool:
    """Whether a judgement is of predictions, or of those whose place they took.

    Args:
        store: Where both are.
        judgement: Of the same model and partition.
        predictions: As they are now.
    """
    judged_id = DriftFacts.of(judgement).made_from["predictions"]
    if judged_id == predictions.id:
        return True
    successor = commits.follow(store, judged_id)
    return successor is not None and successor.id == predictions.id


def is_known(store: Store, predictions: Commit) -> bool:
    """Whether an alarm was raised for what a partition lists, by an earlier champion.

    Args:
        store: Where the judgements are.
        predictions: Of the partition, by the champion.
    """
    partition = predictions.address.column
    listing = PredictionFacts.of(predictions).made_from["videos"]
    for dataset in commits.datasets(store):
        if not dataset.startswith(f"{DRIFT}/"):
            continue
        judgement = commits.head(store, Address(dataset, partition))
        if judgement is None or DriftFacts.of(judgement).verdict != "alarm":
            continue
        judged = commits.follow(store, DriftFacts.of(judgement).made_from["predictions"])
        if judged is None or judged.id == predictions.id:
            continue
        if PredictionFacts.of(judged).made_from["videos"] == listing:
            return True
    return False


def read(commit: Commit) -> StoredDrift:
    """Read a judgement.

    Raises:
        Corrupt: The file differs from its digest.
        Invalid: It has another format version.
    """
    payload = commits.read_bytes(commit, DRIFT_FILE)
    content = formats.read_json(payload, FORMAT_VERSION, commit.folder / DRIFT_FILE)
    return StoredDrift.model_validate(content)


def publish(
    store: Store, predictions: Commit, drift: StoredDrift, facts: DriftFacts, now: datetime
) -> Commit:
    """Publish a judgement, or what a partition looks like.

    Args:
        store: Where to.
        predictions: Of the partition.
        drift: What the file says.
        facts: What is known without opening it.
        now: In UTC.
    """
    payload = json.dumps(drift.model_dump(mode="json"), sort_keys=True, indent=1, allow_nan=False)
    partition = predictions.address.column
    return commits.publish_files(
        store,
        address(facts.made_from["model"], partition),
        {DRIFT_FILE: payload.encode()},
        Draft(facts=facts, num_rows=0),
        now,
    )


def trained_on(store: Store, model: Commit) -> set[str]:
    """Find every partition that had a part in a model's training.

    Those of its own snapshot, and of the models that it began from or learned from.

    Args:
        store: Where the model is.
        model: A classifier.
    """
    partitions: set[str] = set()
    seen, waiting = {model.id}, [model]
    while waiting:
        made_from: Mapping[str, str] = waiting.pop().facts.get("made_from", {})
        partitions |= {name.split("/")[0] for name in made_from if "/" in name}
        for commit_id in made_from.values():
            if commit_id in seen:
                continue
            seen.add(commit_id)
            commit = commits.find(store, commit_id)
            if commit is not None and commit.address.dataset in (MODELS, SNAPSHOTS):
                waiting.append(commit)
    return partitions


def _dataset(model_id: str) -> str:
    return f"{DRIFT}/model={model_id[:16]}"
