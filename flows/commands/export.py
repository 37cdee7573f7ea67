"""Commands that write predictions in another form."""

# ruff: noqa: PLC0415 - a command imports what it runs

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.lookup import open_wanted_store
from flows.commands.terminal import say
from warehouse.errors import Invalid
from warehouse.storage.disk import write_file

app = typer.Typer(no_args_is_help=True, help="Write predictions in another form.")


@app.callback()
def _group() -> None:
    pass


@app.command("result-csv")
def export_result_csv(
    partition: Annotated[str, typer.Argument(help="A scored partition.")],
    output: Annotated[
        Path, typer.Argument(help="The file to write: id,category_id for each listed video.")
    ],
    model: Annotated[
        str | None, typer.Option(help="A model's id, or the start of it; the champion.")
    ] = None,
) -> None:
    """Write a partition's predictions in the contest's form of submission, without a header."""
    from modeling.models import registry, scored_partitions

    store = open_wanted_store()
    rows = scored_partitions.scan(store, registry.require(store, model).id, partition)
    if not output.parent.is_dir() or output.is_dir():
        raise Invalid(f"{output} cannot be written: name a file in a folder that exists")
    text = rows.select("video_id", "category_id").collect().write_csv(include_header=False)
    write_file(output, text.encode())
    say(f"{partition}: {output}")
