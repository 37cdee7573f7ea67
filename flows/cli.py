"""The command `reelstore`."""

import sys

import typer

from flows.commands import export, features, lineage, recipes, tables, upkeep, work
from warehouse.errors import Invalid, ReelstoreError

USERS_MISTAKE = 2

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for module in (work, features, recipes, lineage, tables, upkeep):
    app.add_typer(module.app)
app.add_typer(export.app, name="export")


def main() -> None:
    """Run the command; an error of ours is one sentence, and status 2 where its user can mend it."""
    try:
        app()
    except ReelstoreError as error:
        typer.echo(f"reelstore: {error}", err=True)
        sys.exit(USERS_MISTAKE if isinstance(error, Invalid) else 1)
