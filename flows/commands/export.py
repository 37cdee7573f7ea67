"""Commands that write predictions and features in another form."""

# ruff: noqa: PLC0415 - a command imports what it runs

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.lookup import open_wanted_store
from flows.commands.terminal import say
from warehouse.errors import Invalid
from warehouse.storage.disk import write_file

app = typer.Typer(no_args_is_help=True, help="Write predictions and features in another form.")

Model = Annotated[str | None, typer.Option(help="A model's id, or the start of it; the champion.")]


class Form(StrEnum):
    """In what kind of file features are written."""

    HDF5 = "hdf5"
    PARQUET = "parquet"


@app.command("result-csv")
def export_result_csv(
    partition: Annotated[str, typer.Argument(help="A scored partition.")],
    output: Annotated[
        Path, typer.Argument(help="The file to write: id,category_id for each listed video.")
    ],
    model: Model = None,
) -> None:
    """Write a partition's predictions in the contest's form of submission, without a header."""
    from modeling.models import registry, scored_partitions

    store = open_wanted_store()
    rows = scored_partitions.scan(store, registry.require(store, model).id, partition)
    _check_place(output)
    text = rows.select("video_id", "category_id").collect().write_csv(include_header=False)
    write_file(output, text.encode())
    say(f"{partition}: {output}")


@app.command("predictions")
def export_predictions(
    partition: Annotated[str, typer.Argument(help="A scored partition.")],
    csv: Annotated[
        Path | None, typer.Option(help="The CSV to write, which a spreadsheet may open.")
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="The Parquet file to write, with all probabilities.")
    ] = None,
    model: Model = None,
) -> None:
    """Write a partition's predictions with titles, the names of categories and probabilities.

    A row for each listed video: its category and the five most probable ones. The Parquet file also
    has a column p_ID with the probability of each category.
    """
    from modeling.models import named_predictions, registry
    from warehouse.tables import spreadsheet, to_parquet

    if csv is None and parquet is None:
        raise Invalid("name a file to write: --csv FILE or --parquet FILE")
    store = open_wanted_store()
    scorer = registry.require(store, model)
    rows = named_predictions.scan(store, scorer, partition, of_all=parquet is not None).collect()
    for path in filter(None, (csv, parquet)):
        _check_place(path)
    if csv is not None:
        write_file(csv, spreadsheet.encode(rows.select(~named_predictions.PROBABILITIES)))
        say(f"{partition}: {csv}")
    if parquet is not None:
        write_file(parquet, to_parquet(rows))
        say(f"{partition}: {parquet}")


@app.command("features")
def export_features_command(
    partition: Annotated[str, typer.Argument(help="A partition with features.")],
    folder: Annotated[Path, typer.Argument(help="Where to; made where it is missing.")],
    form: Annotated[Form, typer.Option("--format", help="The form of the files.")] = Form.HDF5,
) -> None:
    """Write a partition's features: a file for each view, and its recipe beside it.

    In HDF5 each column is a dataset. Columns of lists, such as token ids, lie one after another;
    the dataset NAME_ends says where the values of each row end.
    """
    from featurestore.reading.exported_features import export_features

    files = export_features(open_wanted_store(), partition, folder, form.value)
    for path, num_rows in files.items():
        say(f"{partition}: {path}, {num_rows:,} rows")


def _check_place(path: Path) -> None:
    if not path.parent.is_dir() or path.is_dir():
        raise Invalid(f"{path} cannot be written: name a file in a folder that exists")
