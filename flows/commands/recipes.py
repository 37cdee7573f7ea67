"""Commands about recipes and models: apply, promote."""

# ruff: noqa: PLC0415 - a command imports what it runs

from datetime import UTC, datetime
from typing import Annotated

import typer

from flows.commands.lookup import open_wanted_store
from flows.commands.terminal import say
from flows.settings import load_settings

app = typer.Typer()


@app.command()
def apply(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and freeze nothing.")
    ] = False,
) -> None:
    """Make the wanted specs from the settings, show how they differ from the frozen ones.

    And freeze them.
    """
    from featurestore import wanted
    from featurestore.views.spec import changes, fingerprint, short
    from flows.operations import wanted_specs

    store = open_wanted_store()
    prepared = wanted_specs.prepare(store, load_settings())
    frozen = wanted.wanted(store)
    for view, new in ((ready.spec.view, ready.spec) for ready in prepared):
        name = frozen.get(view)
        old = wanted.load_any_spec(store, view, name) if name else None
        if name == fingerprint(new):
            say(f"{view}: {short(name)}, unchanged")
            continue
        say(f"{view}: {short(name) if name else 'nothing'} -> {short(fingerprint(new))}")
        for field, (before, after) in changes(old, new).items() if old else ():
            say(f"  {field}: {before} -> {after}")
    if not dry_run:
        wanted_specs.freeze(store, prepared, datetime.now(UTC))


@app.command()
def promote(
    model: Annotated[
        str, typer.Argument(help="A model's id, the start of it, or champion or challenger.")
    ],
) -> None:
    """Make a model the champion, which the scheduled scoring uses.

    A provisional champion, which a training has nominated, stays champion by it.
    """
    from modeling.models import registry

    store = open_wanted_store()
    before, was_provisional = registry.champion(store), registry.is_provisional(store)
    promoted = registry.promote(store, model, datetime.now(UTC))
    if before != promoted:
        say(f"champion {promoted.id}")
    elif was_provisional:
        say(f"champion {promoted.id}, which was provisional until now")
    else:
        say(f"{promoted.id} is the champion already: nothing has changed")
