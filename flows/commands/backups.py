"""Commands that copy a store and make one of its copy: backup, restore."""

# ruff: noqa: PLC0415 - a command imports what it runs

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.lookup import open_wanted_store
from flows.commands.terminal import say
from flows.settings import load_settings

if TYPE_CHECKING:
    from warehouse.store import Store

app = typer.Typer()


@app.command()
def backup(
    folder: Annotated[
        Path, typer.Argument(help="Where to; a backup that is there is brought up to date.")
    ],
) -> None:
    """Copy the store as it is now into a folder, while others go on using it.

    Every byte is checked on the way, and what the folder holds already is not written again. What
    has left the store since leaves the backup too.
    """
    from flows.commands.amounts import size
    from flows.commands.bar import TerminalReporter
    from warehouse import commits

    copied = commits.back_up(
        open_wanted_store(), folder, datetime.now(UTC), reporter=TerminalReporter()
    )
    say(
        f"{folder}: {copied.num_commits:,} commits and {copied.num_moves:,} journal entries,"
        f" {size(copied.size_bytes)} written"
    )


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A folder of reelstore backup.")],
    forgotten_by: Annotated[
        Path | None,
        typer.Option(
            help="The root, or a later backup, of the same store, which has forgotten videos since."
        ),
    ] = None,
) -> None:
    """Make the store that the settings name of a backup; there must be none yet."""
    from featurestore.forgetting import forget_again
    from flows.commands.bar import TerminalReporter
    from warehouse import commits

    settings = load_settings()
    since = None if forgotten_by is None else commits.forgotten_in(forgotten_by)

    def pass_over(store: "Store") -> int:
        if since is None:
            return 0
        return len(forget_again(store, since, datetime.now(UTC)).video_ids)

    restored = commits.restore(
        folder,
        settings.root,
        settings.catalog_url,
        pass_over=pass_over,
        reporter=TerminalReporter(),
    )
    say(
        f"{settings.root}: {restored.num_commits:,} commits and {restored.num_moves:,} journal"
        f" entries of {restored.taken_at}; run reelstore verify next"
    )
    if restored.num_passed_over:
        say(f"{restored.num_passed_over:,} videos were forgotten since, and are not there again")
