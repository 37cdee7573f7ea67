"""Commands for people who review labels and predictions: site, mistakes, nearest."""

# ruff: noqa: PLC0415 - a command imports what it runs

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.lookup import open_wanted_store
from flows.commands.terminal import Column, say, say_table
from flows.settings import load_settings
from warehouse.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modeling.nearest import Neighbour
    from warehouse.store import Store

app = typer.Typer()

_NUM_SHOWN = 20
_NUM_NEIGHBOURS = 10
_TITLE_CHARS = 40
_DIGITS = 4
_MISTAKES = (
    Column("video"),
    Column("partition"),
    Column("label"),
    Column("proposed"),
    Column("probability", is_figure=True),
    Column("annotator"),
    Column("title"),
)
_NEIGHBOURS = (
    Column("video"),
    Column("partition"),
    Column("label"),
    Column("similarity", is_figure=True),
    Column("frames", is_figure=True),
    Column("text", is_figure=True),
)


@app.command()
def site() -> None:
    """Bring the pages that show the store up to date, in the folder that the setting site names.

    Days, models and likely mistakes, for a browser; a page whose contents have not changed is left.
    """
    from flows.commands.bar import TerminalReporter
    from flows.operations.landing_notes import landing_notes
    from flows.operations.site_building import build_site

    settings, store, now = load_settings(), open_wanted_store(), datetime.now(UTC)
    built = build_site(
        store,
        settings.site,
        now,
        limits=settings.work_limits,
        landing_notes=landing_notes(settings, store, now),
        reporter=TerminalReporter(),
    )
    say(f"{len(built.rewritten)} of {built.num_pages} pages written: open {built.home}")


@app.command()
def mistakes(
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print all of them as CSV, to edit and to ingest.")
    ] = False,
) -> None:
    """Show the labels that are probably wrong, the most probable first.

    Each label is judged by experts that learned from the other labels alone. Correct category_id in
    the CSV, say by whom in annotator, and hand it to reelstore ingest corrections.
    """
    from flows.commands.bar import TerminalReporter
    from modeling.mistakes import find_mistakes
    from warehouse.tables import spreadsheet

    found = find_mistakes(open_wanted_store(), datetime.now(UTC), reporter=TerminalReporter())
    if as_csv:
        for line in spreadsheet.encode(found, _DIGITS).decode().splitlines():
            say(line)
    elif found.is_empty():
        say("every label is the one that the others suggest")
    else:
        shown = [_mistake(row) for row in found.head(_NUM_SHOWN).iter_rows(named=True)]
        say_table(f"{len(shown)} of {len(found):,} labels that may be wrong", _MISTAKES, shown)


def _mistake(row: dict[str, object]) -> list[str]:
    return [
        str(row["video_id"]),
        str(row["partition"]),
        str(row["category_id"]),
        str(row["proposed_category_id"]),
        f"{row['probability']:.3f}",
        str(row["annotator"] or ""),
        printable(str(row["title"]), _TITLE_CHARS),
    ]


@app.command()
def nearest(
    partition: Annotated[str, typer.Argument(help="A partition with features.")],
    video: Annotated[str, typer.Argument(help="A video that it lists.")],
) -> None:
    """Show the labelled videos that are most like a video, by their stored features.

    frames: cosine of the mean frame embeddings. text: cosine of the words' TF-IDF.
    """
    from modeling.nearest import nearest_labelled

    store = open_wanted_store()
    found = nearest_labelled(store, partition, video, _NUM_NEIGHBOURS, datetime.now(UTC))
    if (prediction := _prediction(store, partition, video)) is not None:
        say(prediction)
    show_neighbours(f"the labelled videos nearest to {video}", found)


def show_neighbours(title: str, neighbours: "Sequence[Neighbour]") -> None:
    """Print labelled videos with how near each is, under a title."""
    rows = [
        [
            neighbour.video_id,
            neighbour.partition,
            neighbour.category_id,
            *(
                f"{cosine:.3f}"
                for cosine in (neighbour.similarity, neighbour.frames, neighbour.text)
            ),
        ]
        for neighbour in neighbours
    ]
    say_table(title, _NEIGHBOURS, rows)


def _prediction(store: "Store", partition: str, video: str) -> str | None:
    """Say what the champion predicts, where it has scored the partition."""
    from modeling.models import registry, scored_partitions
    from modeling.models.trace import trace_prediction

    champion = registry.champion(store)
    if champion is None or not scored_partitions.exist(store, champion.id, partition):
        return None
    row = trace_prediction(store, partition, video, champion.id).row
    return f"predicted {row['category_id']}, probability {row['probability']:.3f}"
