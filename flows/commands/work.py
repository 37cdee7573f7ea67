"""Commands that do the work: ingest, run, demo."""

# ruff: noqa: PLC0415 - a command imports what it runs

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.terminal import say, say_json
from warehouse.errors import Invalid

app = typer.Typer()


@app.command("ingest")
def ingest_command(
    source: Annotated[
        Literal["wbdc", "manifest"], typer.Argument(help="The format of the annotations.")
    ],
    annotations: Annotated[Path, typer.Argument(help="The annotation file.")],
    partition: Annotated[str, typer.Option(help="The partition's name, such as 2026-11-20.")],
    role: Annotated[
        Literal["unlabeled", "labeled", "score"], typer.Option(help="What the partition is for.")
    ],
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
    """List the videos of one partition, with the digest of each medium."""
    from flows.embedded import use_embedded_server

    use_embedded_server()  # before Prefect is imported, which prints of its telemetry
    from flows.deployments.ingest_videos import list_videos, told

    for line in told(
        list_videos(source, annotations, partition, role, media, taxonomy, rehash, strict)
    ):
        say(line)


@app.command()
def run(
    flow: Annotated[str, typer.Argument(help="A flow's name, such as extract-features.")],
    parameters: Annotated[
        list[str] | None, typer.Argument(help="Its parameters, NAME=VALUE.")
    ] = None,
) -> None:
    """Run one flow here, on an embedded Prefect server."""
    from flows.embedded import run_flow

    pairs = [word.partition("=") for word in parameters or []]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise Invalid(f"parameter {wrong[0]!r} has no value; write it as NAME=VALUE")
    result = run_flow(flow, {name.replace("-", "_"): value for name, _, value in pairs})
    if result:
        say_json(result)
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
