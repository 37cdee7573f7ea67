"""What the page of a classifier tells."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from featurestore.reading import snapshot
from featurestore.reading.examples import Examples
from featurestore.reading.snapshot import Snapshot
from flows.operations.site_contents.judgements import (
    challenger_of,
    decision_commits,
    read_decision,
)
from flows.operations.site_contents.site_paths import named_models
from flows.operations.site_contents.strips import Strips, collect_strips
from modeling.evaluation.curves import History
from modeling.evaluation.site.gallery import Gallery, GalleryItem, arrange
from modeling.evaluation.site.model_page import Model, ScoreRow
from modeling.learning.inputs.batching import missing_views
from modeling.models import comparing, registry, stored_model
from modeling.models.stored_config import StoredConfig
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import ReelstoreError
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy, parse_taxonomy

_SHOWN_ID_CHARS = 16


def model_sources(store: Store, model: Commit) -> list[str]:
    """Name what the page of a model is made from.

    Itself, its decisions, the named models, and what it learned from as it is now: forgetting a
    video puts others in the place of those commits.
    """
    pinned = stored_model.read_config(model, "classifier").snapshot_id
    learned_from = commits.commit_by_id(store, pinned).facts.get("made_from", {})
    present = [commits.follow(store, each) for each in learned_from.values()]
    decided = [each.id for each in decision_commits(store) if challenger_of(each) == model.id]
    named = [f"{alias} {commit.id}" for alias, commit in sorted(named_models(store).items())]
    read = ["-" if commit is None else commit.id for commit in present]
    return [model.id, *decided, *named, str(registry.is_provisional(store)), *read]


def read_model(store: Store, commit: Commit) -> tuple[Model, Strips]:
    """Read what the page of a classifier tells, and ask it for its validation videos.

    Args:
        store: Where it is.
        commit: The classifier's.
    """
    config = stored_model.read_config(commit, "classifier")
    measured = _read_json(commit, "metrics.json")
    model = Model(
        facts=_facts(store, commit, config),
        taxonomy=parse_taxonomy(
            commits.read_bytes(commit, "taxonomy.csv"),
            config.taxonomy_name or "",
            str(commit.folder),
        ),
        scores=_scores(store, commit, measured),
        slices=measured["slices"],
        calibration=measured["calibration"],
        categories=measured["categories"],
        num_validation=measured["num_validation_examples"],
        histories=_histories(_read_json(commit, "history.json")),
        decisions=[
            read_decision(each)
            for each in decision_commits(store)
            if challenger_of(each) == commit.id
        ],
        card=commits.read_bytes(commit, "README.md").decode(),
    )
    try:
        gallery, strips = _validation(store, commit, model.taxonomy)
    except ReelstoreError as error:
        why = f"The model could not be asked for its validation videos: {error}"
        return replace(model, without_predictions=why), Strips()
    return replace(model, gallery=gallery), strips


def _facts(store: Store, commit: Commit, config: StoredConfig) -> dict[str, str]:
    aliases = [name for name, named in named_models(store).items() if named.id == commit.id]
    facts = {
        "model": commit.id[:_SHOWN_ID_CHARS],
        "alias": ", ".join(aliases) or "none",
        "recipe": config.recipe.name,
        "views": ", ".join(config.views),
        "snapshot": config.snapshot_id[:_SHOWN_ID_CHARS],
        "published": f"{commit.created_at:%Y-%m-%d %H:%M} UTC",
    }
    if config.held_out_twin is not None:
        facts["held-out twin"] = (
            f"{config.held_out_twin[:_SHOWN_ID_CHARS]}, of which the figures of this page tell"
        )
    return facts


def _scores(store: Store, commit: Commit, measured: Mapping[str, Any]) -> list[ScoreRow]:
    rows = [ScoreRow("this model", measured["validation"], measured["intervals"])]
    rows += [
        ScoreRow(name, baseline["scores"], baseline["intervals"])
        for name, baseline in measured["baselines"].items()
    ]
    champion = registry.champion(store)
    if champion is not None and champion.id != commit.id:
        theirs = _read_json(champion, "metrics.json")
        rows.append(ScoreRow("the champion", theirs["validation"], theirs["intervals"]))
    return rows


def _histories(stored: Mapping[str, Any]) -> dict[str, History]:
    names = {"finetuning": "cross encoder", "pretraining": "pretraining"}
    return {
        name: stored[phase]
        for phase, name in names.items()
        if stored.get(phase) and stored[phase]["steps"]
    }


def _validation(store: Store, commit: Commit, taxonomy: Taxonomy) -> tuple[Gallery, Strips]:
    """Ask the twin that never learned from the validation videos for all of them."""
    loaded = stored_model.load_model(registry.held_out(store, commit))
    pinned = snapshot.load(commits.commit_by_id(store, loaded.config.snapshot_id))
    examples = Examples(store, pinned, taxonomy)
    rows = np.flatnonzero((examples.labels >= 0) & examples.is_validation)
    said = comparing.predict_held_out(loaded, examples, rows)
    video_ids = [examples.video_ids[row] for row in rows]
    partitions = _partitions(store, pinned, rows)
    shown = _grouped(partitions, video_ids)
    strips = collect_strips(store, loaded.fingerprints["frames"], shown)
    titles = _titles(store, pinned, shown)
    categories = taxonomy.categories
    items = [
        GalleryItem(
            video_id=video_id,
            title=titles[partition, video_id],
            predicted=categories[chosen],
            probability=float(shares[chosen]),
            true=categories[label],
            strip=strips.paths.get((partition, video_id)),
            missing_views=tuple(missing),
        )
        for video_id, partition, chosen, shares, label, missing in zip(
            video_ids,
            partitions,
            said.chosen.tolist(),
            said.shares,
            examples.labels[rows].tolist(),
            missing_views(examples, rows),
            strict=True,
        )
    ]
    return arrange(items, taxonomy), strips


def _partitions(store: Store, pinned: Snapshot, rows: npt.NDArray[np.int64]) -> list[str]:
    """Name the partition of each row."""
    sizes = [commits.commit_by_id(store, pin.videos).num_rows for pin in pinned.pins]
    places = np.searchsorted(np.cumsum(sizes), rows, side="right")
    return [pinned.pins[place].partition for place in places]


def _grouped(partitions: Sequence[str], video_ids: Sequence[str]) -> dict[str, set[str]]:
    grouped: dict[str, set[str]] = {}
    for partition, video_id in zip(partitions, video_ids, strict=True):
        grouped.setdefault(partition, set()).add(video_id)
    return grouped


def _titles(
    store: Store, pinned: Snapshot, shown: Mapping[str, set[str]]
) -> dict[tuple[str, str], str]:
    titles: dict[tuple[str, str], str] = {}
    for pin in pinned.pins:
        if pin.partition not in shown:
            continue
        videos = tables.scan_table(commits.commit_by_id(store, pin.videos), "videos")
        is_shown = pl.col("video_id").is_in(sorted(shown[pin.partition]))
        rows = videos.select("video_id", "title").filter(is_shown).collect()
        titles |= {(pin.partition, video_id): title for video_id, title in rows.iter_rows()}
    return titles


def _read_json(commit: Commit, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(commits.read_bytes(commit, name))
    return content
