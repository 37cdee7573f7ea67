"""Commands about the categories: taxonomy apply."""

# ruff: noqa: PLC0415 - a command imports what it runs

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.lookup import open_wanted_store
from flows.commands.terminal import say, say_wrapped
from flows.settings import FILE_NAME, load_settings

app = typer.Typer(no_args_is_help=True, help="Rename and merge categories.")


@app.callback()
def _group() -> None:
    pass


@app.command()
def apply(
    new: Annotated[Path, typer.Argument(help="The new taxonomy, a CSV file.")],
    renamed: Annotated[
        list[str] | None,
        typer.Option("--map", help="What a category becomes, OLD=NEW; may be repeated."),
    ] = None,
) -> None:
    """Bring labels and models to a new taxonomy, in which categories are renamed or merged.

    Every category keeps its id unless --map names another one. Labels are published anew; champion
    and challenger go on with their probabilities added up by the map. A category cannot be split
    so: that needs new labels, and a training.
    """
    from modeling.apply_taxonomy import apply_taxonomy
    from warehouse.tables.category_map import parse_renamed
    from warehouse.tables.taxonomy import load_taxonomy

    settings, taxonomy = load_settings(), load_taxonomy(new)
    pairs = parse_renamed(renamed or ())
    applied = apply_taxonomy(open_wanted_store(), taxonomy, pairs, datetime.now(UTC))
    for partition, num_changed in applied.num_changed.items():
        say(f"{partition}: {num_changed:,} labels name another category")
    for alias, model_id in applied.models.items():
        say(f"{alias} {model_id}")
    if applied.models:
        say_wrapped(
            "run score-partitions next: the predictions that are there are of the categories before"
        )
    if not applied.num_changed and not applied.models:
        say(f"nothing to do: labels and models are of taxonomy {taxonomy.name} already")
    if applied.unlabelled:
        say_wrapped(
            f"no older category has become {', '.join(applied.unlabelled)}: no model predicts them"
            " before videos are labelled so and a model is trained again"
        )
    if load_taxonomy(settings.taxonomy) != taxonomy:
        say_wrapped(
            f'name it in {FILE_NAME} as taxonomy = "{new}", so that the labels to come are of it'
        )
