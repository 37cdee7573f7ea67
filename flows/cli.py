"""The command `reelstore`."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.settings import Settings, load_settings
from warehouse.errors import Invalid, ReelstoreError
from warehouse.files import write_file
from warehouse.store import Store, open_existing_store

USERS_MISTAKE = 2

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
export = typer.Typer(no_args_is_help=True, help="Write predictions in another form.")
app.add_typer(export, name="export")


def main() -> None:
    """Run the command; an error of ours is one sentence, and status 2 where its user can mend it."""
    try:
        app()
    except ReelstoreError as error:
        typer.echo(f"reelstore: {error}", err=True)
        sys.exit(USERS_MISTAKE if isinstance(error, Invalid) else 1)


@app.command("ingest")
def ingest_command(
    source: Annotated[Literal["wbdc", "manifest"], typer.Argument(help="The format of the annotations.")],
    annotations: Annotated[Path, typer.Argument(help="The annotation file.")],
    partition: Annotated[str, typer.Option(help="The partition's name, such as 2026-11-20.")],
    role: Annotated[Literal["unlabeled", "labeled", "score"], typer.Option(help="What the partition is for.")],
    media: Annotated[Path | None, typer.Option(help="The folder of the media; that of the annotations.")] = None,
    taxonomy: Annotated[str | None, typer.Option(help="A shipped taxonomy's name or a CSV file.")] = None,
    rehash: Annotated[bool, typer.Option("--rehash", help="Read every medium again.")] = False,
) -> None:
    """List the videos of one partition, with the digest of each medium."""
    from flows.ingest_videos import list_videos  # noqa: PLC0415 - the command imports what it runs

    row = list_videos(source, annotations, partition, role, media, taxonomy, rehash)
    typer.echo(", ".join(f"{name} {value}" for name, value in row.items()))


@app.command()
def run(
    flow: Annotated[str, typer.Argument(help="A flow's name, such as extract-features.")],
    parameters: Annotated[list[str] | None, typer.Argument(help="Its parameters, NAME=VALUE.")] = None,
) -> None:
    """Run one flow here, on an embedded Prefect server."""
    from flows.embedded import run_flow  # noqa: PLC0415

    pairs = [word.partition("=") for word in parameters or []]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise Invalid(f"parameter {wrong[0]!r} has no value; write it as NAME=VALUE")
    result = run_flow(flow, {name.replace("-", "_"): value for name, _, value in pairs})
    typer.echo(json.dumps(result, ensure_ascii=False, indent=1) if result else "nothing to do")


@app.command()
def demo(
    folder: Annotated[Path | None, typer.Option(help="Where the demo's store goes; store/demo.")] = None,
) -> None:
    """Run the whole job on a drawn corpus; ends with a table and a page."""
    from flows.demo.run import run_demo  # noqa: PLC0415

    run_demo(folder)


@app.command()
def apply() -> None:
    """Make the wanted specs from the settings and freeze them."""
    from flows import wanted_specs  # noqa: PLC0415

    settings = load_settings()
    for view, fingerprint in wanted_specs.apply(_store(settings), settings, datetime.now(UTC)).items():
        typer.echo(f"{view} {fingerprint}")


@app.command()
def promote(model: Annotated[str, typer.Argument(help="A model's id, the start of it, or challenger.")]) -> None:
    """Make a model the champion, which the scheduled scoring uses."""
    from modeling import registry  # noqa: PLC0415

    typer.echo(f"champion {registry.promote(_store(load_settings()), model, datetime.now(UTC)).id}")


@export.command("result-csv")
def export_result_csv(
    partition: Annotated[str, typer.Argument(help="A scored partition.")],
    output: Annotated[Path, typer.Argument(help="The file to write: id,category_id for each listed video.")],
    model: Annotated[str | None, typer.Option(help="A model's id, or the start of it; the champion.")] = None,
) -> None:
    """Write a partition's predictions in the contest's form of submission, without a header."""
    from modeling import predictions, registry  # noqa: PLC0415

    store = _store(load_settings())
    rows = predictions.scan(store, registry.require(store, model).id, partition)
    if not output.parent.is_dir() or output.is_dir():
        raise Invalid(f"{output} cannot be written: name a file in a folder that exists")
    text = rows.select("video_id", "category_id").collect().write_csv(include_header=False)
    write_file(output, text.encode())
    typer.echo(f"{partition}: {output}")


def _store(settings: Settings) -> Store:
    return open_existing_store(settings.root, settings.catalog_url)
