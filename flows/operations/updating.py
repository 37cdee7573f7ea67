"""The operation: what landed becomes features and predictions, day after day."""

# ruff: noqa: PLC0415 - what makes pages is loaded when all else is done

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from flows.operations.engine import Engine
from flows.operations.extract import work_due
from flows.operations.landed import find_landed, is_due, remembered
from flows.operations.landing_notes import LandingNote, landing_notes
from flows.operations.partition_update import (
    UpdatedPartition,
    Updater,
    judge_all,
    named,
    updater_of,
)
from flows.operations.recipes_in_use import recipes_to_make
from flows.operations.status import predictions_of
from flows.settings import Settings
from modeling.models import registry
from warehouse import commits, tables
from warehouse.errors import ReelstoreError
from warehouse.reporting import Reporter
from warehouse.run_all import raise_any, run_all
from warehouse.shares import Workers


class UpdateParameters(BaseModel):
    """Not what is done: what landed and what the store lacks say that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: Workers = 1


def update(
    settings: Settings, parameters: UpdateParameters, now: datetime, *, engine: Engine
) -> list[UpdatedPartition]:
    """Bring the store up to date with what landed.

    Each listing that is new or changed is ingested; then every partition that lacks features or the
    champion's predictions gets them, and is judged for drift; at last the site shows all of it.
    What is wanted and not committed decides, never a date: late, corrected and failed days are
    found. A partition that fails stops no other.

    Args:
        settings: Name the landings, the store, the recipe and the site.
        parameters: How many processes share the work.
        now: The moment, in UTC.
        engine: Makes chunks, and is told what happens.

    Raises:
        ReelstoreError: Partitions or the site failed, each with its sentence; all else is up to
            date.
    """
    landed = find_landed(settings.folder, settings.landing)
    updater = updater_of(settings, engine, now, parameters.workers, may_make=bool(landed))
    reporter = engine.reporter
    commits.settle(updater.store)
    known = remembered(updater.store)
    complete = [each for each in landed if each.is_complete(now)]
    due = [each for each in complete if is_due(each, known.get(each.partition), now)]
    told, refused = run_all(due, lambda each: named(each.partition, lambda: updater.ingest(each)))
    updated, failed = run_all(
        _lacking(updater), lambda name: named(name, lambda: updater.update(name))
    )
    verdicts, unjudged = judge_all(updater)
    updated = _with_drift(updated, verdicts)
    notes = landing_notes(settings, updater.store, now)
    _announce_late(notes, reporter)
    errors = [*refused, *failed, *unjudged, *_build_site(updater, notes)]
    warnings = [f"refused as before: {refusal}" for refusal in told if refusal is not None]
    warnings += [each.sentence for each in notes if each.kind != "refused"]
    for sentence in warnings:
        reporter.warn(sentence)
    sentences = [*map(str, errors), *(each.sentence() for each in updated), *warnings]
    reporter.summarize(
        sentences or ["nothing to do: every partition is up to date"],
        [view.model_dump() for each in updated for view in each.views],
    )
    raise_any(errors)
    return updated


def _lacking(updater: Updater) -> list[str]:
    """The partitions that lack features or predictions; all before there is a recipe."""
    store, limits = commits.at_one_moment(updater.store), updater.settings.work_limits
    recipes, champion = recipes_to_make(store), registry.champion(store)
    return [
        partition.name
        for partition in tables.video_partitions(store)
        if not recipes
        or predictions_of(store, champion, partition) in ("missing", "stale")
        or any(work_due(store, *recipe, partition, None, limits) for recipe in recipes)
    ]


def _with_drift(
    updated: Sequence[UpdatedPartition], verdicts: Mapping[str, str]
) -> list[UpdatedPartition]:
    """Put verdicts to the partitions; one that was only judged stands alone."""
    by_name = {each.partition: each for each in updated}
    for name, verdict in verdicts.items():
        known = by_name.get(name) or UpdatedPartition(partition=name, views=[], scored=None)
        by_name[name] = known.model_copy(update={"drift": verdict})
    return [by_name[name] for name in sorted(by_name)]


def _announce_late(notes: Sequence[LandingNote], reporter: Reporter) -> None:
    for note in notes:
        if note.kind == "late":
            reporter.announce("freshness.late", note.partition, {"sentence": note.sentence})


def _build_site(updater: Updater, notes: Sequence[LandingNote]) -> list[ReelstoreError]:
    """Bring the pages up to date; returns what failed."""
    from flows.operations.site_building import build_site

    def build() -> None:
        build_site(
            updater.store,
            updater.settings.site,
            updater.clock(),
            limits=updater.settings.work_limits,
            landing_notes=notes,
            reporter=updater.engine.reporter,
        )

    _, errors = run_all(
        ["site"], lambda name: named(name, lambda: updater.engine.run_step(name, build))
    )
    return errors
