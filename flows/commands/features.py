"""Commands about features: what is to be done, what there is, and what failed and may pass."""

# ruff: noqa: PLC0415 - a command imports what it runs

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.interruption import ended_at_once
from flows.commands.lookup import open_wanted_store
from flows.commands.terminal import say, say_json
from flows.settings import load_settings
from warehouse.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from featurestore.extraction.encoding.execution_modes import ComparedMode
    from featurestore.progress.reasons import Reason
    from warehouse.store import Store

app = typer.Typer()
_TRIED_VIDEOS = 20
_WORTHWHILE_SPEED = 1.1
"""Times as fast as `eager`; less is no reason to make all features anew."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def plan(as_json: AsJson = False) -> None:
    """Count what extract-features would do, by reason, with the time and disk that it may take.

    new: never listed in a committed ledger of the recipe. changed bytes: same video id, other
    content or kind. changed fingerprint: made under another recipe alone. no preview: made before
    the partition's role asked for previews. raised limit: met a limit on one video's work that is
    higher now. retryable: failed for a reason that may pass; where all else is up to date, only
    `reelstore retry` tries these again. reused: content that is committed already and is not
    extracted again.
    """
    from flows.commands.overview import plan_tables
    from flows.operations import planning

    planned = planning.plan_store(open_wanted_store(), load_settings().work_limits)
    if as_json:
        say_json(asdict(planned))
    else:
        plan_tables.show(planned)


@app.command()
def status(
    partition: Annotated[
        str | None, typer.Option(help="Show all that is known of one partition.")
    ] = None,
    show_all: Annotated[bool, typer.Option("--all", help="Show each partition.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what the store holds and lacks.

    What is new or asks for something comes first, all else is summed up: one screen, however many
    partitions there are.
    """
    from flows.commands.overview import status_summary, status_tables
    from flows.commands.overview.schedules import next_runs
    from flows.operations.landing_notes import landing_notes
    from flows.operations.status import store_status

    settings, store, now = load_settings(), open_wanted_store(), datetime.now(UTC)
    present = store_status(store, settings.work_limits)
    if partition is not None:
        present = present.of_partition(partition)
    runs = next_runs(settings.folder, now)
    notes = [
        note for note in landing_notes(settings, store, now) if partition in (None, note.partition)
    ]
    sentences = [note.sentence for note in notes]
    if as_json:
        of_settings = {
            "next_runs": {run.deployment: run.at.isoformat() for run in runs},
            "landings": [asdict(note) for note in notes],
        }
        say_json(present.to_json() | of_settings)
    elif show_all or partition is not None:
        status_tables.show(present, now, sentences)
    else:
        status_summary.show(present, runs, now, sentences)


@app.command()
def retry(
    only: Annotated[
        list[str],
        typer.Option(help="A reason that may pass, such as decode_timeout; may be repeated."),
    ],
    partition: Annotated[str | None, typer.Option(help="One partition; all by default.")] = None,
) -> None:
    """Try published failures again; every other video keeps what it has.

    A medium that was missing when it was ingested is found by another ingest, not by a retry.
    Partitions that are not up to date are left to extract-features, which tries their failures
    again too. What failed by decode_timeout or worker_died in three runs is given up:
    extract-features leaves it, and a retry that names the reason tries it once more. One more
    failed run leaves it given up.
    """
    from featurestore.progress.reasons import MAX_ATTEMPTS, parse_retryable
    from featurestore.progress.retrying import advice_on
    from flows.commands.bar import TerminalReporter
    from flows.operations.engine import map_in_threads
    from flows.operations.extract import ExtractParameters, extract_features

    reasons, store = parse_retryable(only), open_wanted_store()
    parameters = ExtractParameters(partition=partition, retry=list(reasons))
    with ended_at_once():
        retried = extract_features(
            store,
            load_settings(),
            parameters,
            datetime.now(UTC),
            map_chunks=map_in_threads,
            reporter=TerminalReporter(),
        )
    for view in retried:
        left = "".join(f", {count} {reason}" for reason, count in view.failed_by_reason.items())
        say(
            f"{view.partition} {view.view}: tried {view.tried} again; now {view.ok} of"
            f" {view.videos} ok{left}"
        )
    given_up = _given_up(store, partition, reasons)
    for reason, count in given_up.items():
        say(
            f"{count} failed by {reason} in {MAX_ATTEMPTS} runs or more and are given"
            f" up{advice_on(reason)}"
        )
    if not retried and not given_up:
        say(
            "nothing to retry: no up-to-date partition has a video that failed for"
            f" {' or '.join(reasons)} and had its medium when it was ingested; ingest a partition"
            " again once its media are there"
        )


def _given_up(store: "Store", partition: str | None, reasons: "Sequence[Reason]") -> Counter[str]:
    """Videos of up-to-date partitions that are given up since their third attempt."""
    from flows.operations.status import store_status

    counts = Counter[str]()
    for row in store_status(store, load_settings().work_limits).partitions:
        if partition not in (None, row.partition):
            continue
        for view in row.views:
            if view.state == "current":
                counts.update({reason: view.given_up.get(reason, 0) for reason in reasons})
    return +counts


@app.command("try-recipe")
def try_recipe_command(
    partition: Annotated[str, typer.Argument(help="A partition's name.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Try the first so many videos.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Try so many videos spread over it; 20 by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try the settings' frames recipe on a few videos.

    What fails, how fast it is, what the partition would take.

    Nothing is frozen and nothing is published.
    """
    from flows.commands.amounts import duration
    from flows.operations.trying import try_recipe

    if limit is not None and sample is not None:
        raise Invalid("--limit and --sample are two ways to choose videos; name one")
    num_videos = limit or sample or _TRIED_VIDEOS
    trial = try_recipe(
        open_wanted_store(), load_settings(), partition, num_videos, "first" if limit else "sample"
    )
    if as_json:
        figures = {
            "videos_per_second": trial.videos_per_second,
            "estimated_seconds": trial.estimated_seconds,
        }
        say_json(asdict(trial) | figures)
        return
    counts = ", ".join(f"{count} {outcome}" for outcome, count in trial.outcomes.items())
    say(f"tried {trial.tried} of the {trial.contents} distinct media of {partition}: {counts}")
    for video_id, why in trial.failed.items():
        say(f"  {video_id}  {why}")
    say(
        f"{trial.videos_per_second:.1f} videos/s; all of {partition} in about"
        f" {duration(trial.estimated_seconds)}; nothing was published"
    )
    say(_advice_on_mode(trial.faster_mode))


def _advice_on_mode(faster: "ComparedMode | str") -> str:
    """Say whether another execution mode of the encoder is worth its setting."""
    if isinstance(faster, str):
        return f"no execution mode was compared with eager: {faster}"
    measured = (
        f"in the execution mode {faster.mode} the encoder is {faster.speed:.2f} times as fast as in"
        f" eager (lowest cosine of a frame's embeddings in both: {faster.lowest_cosine:.6f})"
    )
    if faster.speed < _WORTHWHILE_SPEED:
        return f"{measured}: eager serves here"
    return (
        f'{measured}: encoder_execution_mode = "{faster.mode}" is faster here; as part of the'
        " recipe it makes all features anew"
    )
