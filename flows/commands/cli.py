"""The command `reelstore`."""

import importlib.metadata
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flows.commands import (
    backups,
    drifting,
    encoders,
    export,
    features,
    recipes,
    taxonomies,
    upkeep,
    work,
)
from flows.commands.interruption import GO_ON
from flows.commands.overview import ancestry, differences, lists
from flows.commands.review import explaining, model_comparison, reviewing
from flows.commands.terminal import INTERRUPTED, say, say_interrupted
from flows.settings import unknown_variables
from warehouse.errors import Invalid, ReelstoreError

USERS_MISTAKE = 2

_GO_ON = {
    "ingest": (
        "what is published is whole; the same command again reads only the media that it has not"
        " yet read"
    ),
    **dict.fromkeys(("run", "retry", "demo"), GO_ON),
    "backup": "what is copied stays; the same command again copies the rest",
    "restore": "what is copied stays; the same command again copies the rest",
    "taxonomy": "what is published is whole; the same command again goes on from there",
    "gc": "what is removed was not needed; the same command again removes the rest",
    "forget": "the same command again, or whoever writes next, goes on where it stopped",
    "rebuild-catalog": "no file of the store has changed; the same command again makes the catalog",
}
_NOTHING_CHANGED = "the store is as it was; the same command again begins anew"


class _Commands(TyperGroup):
    """Ends a command that Ctrl-C interrupts with a sentence that says how to go on."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say_interrupted(_GO_ON.get(ctx.invoked_subcommand or "", _NOTHING_CHANGED))
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
for module in (
    work,
    features,
    recipes,
    encoders,
    drifting,
    reviewing,
    explaining,
    model_comparison,
    lists,
    ancestry,
    differences,
    upkeep,
    backups,
):
    app.add_typer(module.app)
app.add_typer(export.app, name="export")
app.add_typer(taxonomies.app, name="taxonomy")


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"reelstore {importlib.metadata.version('reelstore')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    for sentence in unknown_variables():
        say(f"reelstore: {sentence}", err=True)


def main() -> None:
    """Run the command.

    An error of ours is one sentence, and status 2 where its user can mend it.
    """
    try:
        app()
    except ReelstoreError as error:
        say(f"reelstore: {error}", err=True)
        sys.exit(USERS_MISTAKE if isinstance(error, Invalid) else 1)
