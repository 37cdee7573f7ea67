"""What the first page tells: days by views, models, decisions, alarms."""

import json
from collections.abc import Mapping, Sequence

from featurestore.progress.coverage import Coverage
from flows.operations.landing_notes import LandingNote
from flows.operations.site_contents.judgements import (
    challenger_of,
    decision_commits,
    drift_commit,
    read_decision,
    read_drift,
)
from flows.operations.site_contents.site_paths import (
    day_place,
    model_path,
    named_models,
    shown_models,
)
from flows.operations.status import PartitionStatus, StoreStatus
from modeling.evaluation.site.home_page import Alarm, DayRow, Home, ModelRow, ViewCell
from modeling.models import registry, scored_partitions, stored_model
from modeling.models.model_facts import ClassifierFacts
from warehouse import commits
from warehouse.commits import Address, Commit
from warehouse.store import Store
from warehouse.tables import VIDEOS

_NUM_DECISIONS = 5
_NUM_DRIFT_ALARMS = 30
"""Of the newest days; older ones stand in the matrix alone."""


def view_cells(status: PartitionStatus, fingerprints: Mapping[str, str]) -> dict[str, ViewCell]:
    """How far the views of a partition are made.

    Args:
        status: Of the partition.
        fingerprints: The recipe that is shown where two are in use, by view.
    """
    cells: dict[str, Coverage] = {}
    for coverage in status.views:
        is_shown = fingerprints.get(coverage.view) in (None, coverage.fingerprint)
        if is_shown or coverage.view not in cells:
            cells[coverage.view] = coverage
    return {
        name: ViewCell(coverage.state, coverage.ok, coverage.failed)
        for name, coverage in cells.items()
    }


def shown_fingerprints(store: Store) -> dict[str, str]:
    """The champion's recipes, by view; none before there is a champion."""
    champion = registry.champion(store)
    return {} if champion is None else dict(ClassifierFacts.of(champion).fingerprints)


def read_overview(store: Store, status: StoreStatus, notes: Sequence[LandingNote] = ()) -> Home:
    """Read what the first page tells.

    Args:
        store: Where it is.
        status: Of that store.
        notes: What is wrong where days land.
    """
    fingerprints = shown_fingerprints(store)
    rows = [_day(store, partition, fingerprints) for partition in status.partitions]
    moments = [row.listed_at for row in rows if row.listed_at is not None]
    return Home(
        days=sorted(rows, key=lambda row: (row.role == "score", row.partition), reverse=True),
        views=tuple(dict.fromkeys(str(recipe["view"]) for recipe in status.recipes)),
        models=[
            _model(store, alias, commit) for alias, commit in reversed(named_models(store).items())
        ],
        decisions=[
            read_decision(commit, _page_of(store, challenger_of(commit)))
            for commit in decision_commits(store)[:_NUM_DECISIONS]
        ],
        alarms=_alarms(status, notes, rows),
        newest=max(moments, default=None),
    )


def _day(store: Store, status: PartitionStatus, fingerprints: Mapping[str, str]) -> DayRow:
    champion = registry.champion(store)
    judged = scored_at = None
    if champion is not None and status.role == "score":
        place = scored_partitions.address(champion.id, status.partition)
        judged = drift_commit(store, champion.id, commits.head(store, place))
        scored_at = commits.head_moved_at(store, place)
    return DayRow(
        partition=status.partition,
        path=day_place(status.partition).path,
        role=status.role,
        listed=status.listed,
        views=view_cells(status, fingerprints),
        predictions=status.predictions,
        drift=None if judged is None else read_drift(judged),
        listed_at=commits.head_moved_at(store, Address(VIDEOS, status.partition)),
        scored_at=scored_at,
    )


def _model(store: Store, alias: str, commit: Commit) -> ModelRow:
    measured = json.loads(commits.read_bytes(commit, "metrics.json"))
    low, high = measured["intervals"]["mean_f1"]
    return ModelRow(
        alias=alias,
        is_provisional=alias == registry.CHAMPION and registry.is_provisional(store),
        model_id=commit.id,
        path=model_path(commit.id),
        recipe=stored_model.read_config(commit, "classifier").recipe.name,
        mean_f1=measured["validation"]["mean_f1"],
        interval=(low, high),
        published=commit.created_at,
    )


def _page_of(store: Store, model_id: str) -> str | None:
    has_page = any(commit.id == model_id for commit in shown_models(store))
    return model_path(model_id) if has_page else None


def _alarms(
    status: StoreStatus, notes: Sequence[LandingNote], rows: Sequence[DayRow]
) -> list[Alarm]:
    sentences = [status.journal, *status.outdated]
    alarms = [Alarm("store", sentence) for sentence in sentences if sentence]
    alarms += [Alarm(note.partition, note.sentence) for note in notes if note.kind != "waiting"]
    drifted = [row for row in rows if row.drift is not None and row.drift.is_alarm]
    newest = sorted(drifted, key=lambda row: row.partition)[-_NUM_DRIFT_ALARMS:]
    alarms += [
        Alarm(row.partition, f"drift. {row.drift.sentence}", row.path)
        for row in reversed(newest)
        if row.drift is not None
    ]
    for row in rows:
        for view, cell in row.views.items():
            if cell.state == "refused":
                sentence = (
                    f"{cell.num_failed} videos failed for {view}, so it is not published: see"
                    " reelstore status"
                )
                alarms.append(Alarm(row.partition, sentence, row.path))
    return alarms + _unscored(rows)


def _unscored(rows: Sequence[DayRow]) -> list[Alarm]:
    """One sentence, since a promotion leaves every day without the new champion's predictions."""
    lacking = [row for row in rows if row.predictions in ("missing", "stale")]
    if not lacking:
        return []
    newest = max(lacking, key=lambda row: row.partition)
    sentence = (
        f"it and {len(lacking) - 1} more lack the champion's predictions: run score-partitions"
        if len(lacking) > 1
        else "it lacks the champion's predictions: run score-partitions"
    )
    return [Alarm(newest.partition, sentence, newest.path)]
