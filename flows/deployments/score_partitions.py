"""The deployment `score-partitions`.

A model and a partition's stored features become predictions.
"""

import functools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import polars as pl

from featurestore.reading import snapshot
from featurestore.reading.examples import Examples
from flows.deployments import artifacts
from flows.deployments.deployment import deployment
from flows.deployments.parameters import ModelId, Partition
from flows.operations.each import each, fail_with
from flows.settings import load_settings
from modeling.models import predictions, registry, stored_model
from modeling.models.scoring import score
from modeling.models.stored_model import LoadedModel
from warehouse import commits, tables
from warehouse.store import Store, open_existing_store


@deployment("score-partitions")
def score_partitions(partition: Partition = None, model: ModelId = None) -> list[dict[str, Any]]:
    """Score every partition of role score that lacks up-to-date predictions.

    Each listed video once.
    """
    settings = load_settings()
    store = open_existing_store(settings.root, settings.catalog_url)
    commits.settle(store)
    commit = registry.require(store, model)
    names = (
        [partition]
        if partition
        else [found.name for found in tables.video_partitions(store, "score")]
    )
    load = functools.cache(lambda: stored_model.load_model(commit))

    def score_one(name: str) -> dict[str, Any] | None:
        pinned = snapshot.pin(store, [name], commit.facts["fingerprints"])
        if predictions.are_current(store, commit.id, pinned.pins[0]):
            return None
        return _score(store, load(), pinned)

    made, errors = each(names, score_one)
    rows = [row for row in made if row]
    lines = [f"{row['partition']}: {row['videos']} videos" for row in rows]
    artifacts.leave("score", lines or ["nothing to do: every partition is scored"], rows)
    fail_with(errors)
    return rows


def _score(store: Store, loaded: LoadedModel, pinned: snapshot.Snapshot) -> dict[str, Any]:
    examples, pin = Examples(store, pinned), pinned.pins[0]
    with artifacts.progress(f"score {pin.partition}") as show:
        blocks = _counted(score(loaded, examples), len(examples), show)
        commit = predictions.publish(store, loaded.model_id, pin, blocks, datetime.now(UTC))
    return {
        "partition": pin.partition,
        "videos": commit.num_rows,
        "frames_missing": int((~examples.has_frames).sum()),
        "text_missing": int((examples.num_tokens == 0).sum()),
        "model": loaded.model_id,
        "predictions": commit.id,
    }


def _counted(
    blocks: Iterator[pl.DataFrame], total: int, show: artifacts.Show
) -> Iterator[pl.DataFrame]:
    done = 0
    for block in blocks:
        yield block
        done += len(block)
        show(done, total)
