"""Commands that do the work: ingest, run, demo."""

# ruff: noqa: PLC0415 - a command imports what it runs

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.interruption import ended_at_once
from flows.commands.terminal import say, say_json
from flows.settings import load_settings
from warehouse.errors import Invalid
from warehouse.identifiers import Role
from warehouse.sources import Source

app = typer.Typer()

_JSON_WORDS = ("true", "false", "null")


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


@app.command()
def run(
    flow: Annotated[str, typer.Argument(help="A flow's name, such as extract-features.")],
    parameters: Annotated[
        list[str] | None, typer.Argument(help="Its parameters, NAME=VALUE.")
    ] = None,
) -> None:
    """Run one flow here, without a Prefect server."""
    from pydantic_core import to_jsonable_python

    from flows.operations.calls import parse_parameters

    words = [word.partition("=") for word in parameters or []]
    without_value = [name for name, equals, _ in words if not equals]
    if without_value:
        raise Invalid(f"parameter {without_value[0]!r} has no value; write it as NAME=VALUE")
    values = {name.replace("-", "_"): typed_value(value) for name, _, value in words}
    checked = parse_parameters(flow, values)
    with ended_at_once():
        result = _call(flow, checked)
    if result:
        say_json(to_jsonable_python(result))
    else:
        say("nothing to do")


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Option(help="Where the demo's store goes; demo beside reelstore.toml.")
    ] = None,
) -> None:
    """Run the whole job on a drawn corpus; ends with a table and a page."""
    from flows.demo.run import run_demo

    run_demo(folder)


def typed_value(word: str) -> Any:
    """Read a parameter as typed in a terminal.

    A list, an object, true, false or null is read as JSON, all else as text.
    """
    try:
        return json.loads(word) if word.startswith(("[", "{")) or word in _JSON_WORDS else word
    except json.JSONDecodeError:
        return word


def _call(flow: str, parameters: Any) -> Any:
    from flows.commands.bar import TerminalReporter
    from flows.operations.calls import find_call
    from flows.operations.engine import Engine

    return find_call(flow).run(load_settings(), parameters, Engine(TerminalReporter()))
