"""Commands about recipes and models: apply, promote."""
# ruff: noqa: PLC0415 - a command imports what it runs

from datetime import UTC, datetime
from typing import Annotated

import typer

from flows.commands.store import open_wanted_store
from flows.settings import load_settings

app = typer.Typer()


@app.command()
def apply() -> None:
    """Make the wanted specs from the settings and freeze them."""
    from flows import wanted_specs

    for view, fingerprint in wanted_specs.apply(open_wanted_store(), load_settings(), datetime.now(UTC)).items():
        typer.echo(f"{view} {fingerprint}")


@app.command()
def promote(model: Annotated[str, typer.Argument(help="A model's id, the start of it, or challenger.")]) -> None:
    """Make a model the champion, which the scheduled scoring uses."""
    from modeling import registry

    typer.echo(f"champion {registry.promote(open_wanted_store(), model, datetime.now(UTC)).id}")
