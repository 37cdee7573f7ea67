"""Commands that do the work: ingest, run, demo."""

# ruff: noqa: PLC0415 - a command imports what it runs

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.flow_words import explain, list_flows, parse_words
from flows.commands.interruption import ended_at_once
from flows.commands.terminal import say, say_json
from flows.settings import load_settings
from warehouse.identifiers import Role
from warehouse.sources import Source

app = typer.Typer()

HELP = "--help"

_AS_TYPED = {"ignore_unknown_options": True, "help_option_names": []}
"""A flow's parameters are no options of the command: its own model reads them."""


@app.command("ingest")
def ingest_command(
    source: Annotated[Source, typer.Argument(help="The format of the annotations.")],
    annotations: Annotated[Path, typer.Argument(help="The annotation file.")],
    partition: Annotated[str, typer.Option(help="The partition's name, such as 2026-11-20.")],
    role: Annotated[Role, typer.Option(help="What the partition is for.")],
    media: Annotated[
        Path | None, typer.Option(help="The folder of the media; that of the annotations.")
    ] = None,
    taxonomy: Annotated[
        str | None, typer.Option(help="A shipped taxonomy's name or a CSV file.")
    ] = None,
    rehash: Annotated[bool, typer.Option("--rehash", help="Read every medium again.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse the listing for one wrong row.")
    ] = False,
) -> None:
    """List the videos of one partition, with the digest of each medium.

    The source `corrections` corrects labels of a partition that is there: its file has video_id,
    category_id, and annotator and source where they are known.
    """
    from warehouse.ingest.operation import IngestParameters, sentences_of

    parameters = IngestParameters(
        source=source,
        annotations=annotations,
        partition=partition,
        role=role,
        media=media,
        taxonomy=taxonomy,
        rehash=rehash,
        strict=strict,
    )
    for sentence in sentences_of(_call("ingest-videos", parameters)):
        say(sentence)


@app.command(context_settings=_AS_TYPED)
def run(
    flow: Annotated[str, typer.Argument(help="A flow's name, such as extract-features.")] = HELP,
    parameters: Annotated[
        list[str] | None, typer.Argument(help="Its parameters, NAME=VALUE or --NAME VALUE.")
    ] = None,
) -> None:
    """Run one flow here, without a Prefect server; FLOW --help lists its parameters."""
    from pydantic_core import to_jsonable_python

    from flows.operations.calls import find_call, parse_parameters

    words = parameters or []
    if flow == HELP or HELP in words:
        for line in list_flows() if flow == HELP else explain(flow):
            say(line)
        return
    checked = parse_parameters(flow, parse_words(find_call(flow).parameters, words))
    with ended_at_once():
        result = _call(flow, checked)
    if result:
        say_json(to_jsonable_python(result))
    else:
        say("nothing to do")


@app.command()
def backfill(
    days: Annotated[
        str, typer.Argument(help="The first and the last day: 2026-11-01..2026-11-20.")
    ],
) -> None:
    """Ingest a range of days again, and make what they then lack."""
    from flows.operations.backfilling import BackfillParameters

    with ended_at_once():
        for day in _call("backfill", BackfillParameters(days=days)):
            say(f"{day} is up to date")


@app.command("setup-prefect")
def setup_prefect_command() -> None:
    """Make the work pool, its limit and the automations on the Prefect server; twice is once."""
    from flows.deployments.setup import setup_prefect

    settings = load_settings()
    done = setup_prefect(settings.alarm_webhook, settings.work_pool_type)
    for line in done or ["nothing to do: all is there"]:
        say(line)


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Option(help="Where the demo's store goes; demo beside reelstore.toml.")
    ] = None,
) -> None:
    """Run the whole job on a drawn corpus; ends with a table and a page."""
    from flows.demo.run import run_demo

    run_demo(folder)


def _call(flow: str, parameters: Any) -> Any:
    from flows.commands.bar import TerminalReporter
    from flows.operations.calls import find_call
    from flows.operations.engine import Engine

    return find_call(flow).run(load_settings(), parameters, Engine(TerminalReporter()))
