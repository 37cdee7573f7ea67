"""Commands about recipes and models: apply, promote, decisions."""

# ruff: noqa: PLC0415 - a command imports what it runs

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.lookup import open_wanted_store
from flows.commands.terminal import Cell, Column, say, say_table
from flows.settings import load_settings
from warehouse.errors import Invalid

if TYPE_CHECKING:
    from modeling.models.gate import Gain
    from modeling.models.stored_decisions import StoredDecision

app = typer.Typer()

REFUSED = 2
_DECISIONS = (
    Column("decided"),
    Column("outcome"),
    Column("challenger"),
    Column("champion"),
    Column(("over", "multimodal_linear")),
    Column(("over", "champion")),
    Column("because"),
)


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
    force: Annotated[
        bool, typer.Option("--force", help="Promote it whatever the gate finds; needs --reason.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(help="Why it is promoted by force; kept with the decision.")
    ] = None,
) -> None:
    """Let the gate judge a model, and make it the champion, which scores, where it is better.

    A provisional champion, which a training has nominated, stays for good by it. What the gate
    finds is kept either way: reelstore decisions.
    """
    from flows.commands.bar import TerminalReporter
    from modeling.promote import promote as let_gate_judge

    if force != bool(reason and reason.strip()):
        raise Invalid("--force and --reason go together: say why the gate is overridden")
    store = open_wanted_store()
    report = let_gate_judge(
        store,
        model,
        load_settings().gate_margin,
        datetime.now(UTC),
        force_reason=reason,
        reporter=TerminalReporter(),
    )
    if report is None:
        say(f"{model} is the champion already: nothing has changed")
        return
    for sentence in report.sentences:
        say(sentence, err=not report.is_promotion)
    if not report.is_promotion:
        raise typer.Exit(REFUSED)


@app.command()
def decisions() -> None:
    """Show what the gate has decided, the latest first."""
    from modeling.models import stored_decisions

    rows = [_decision(each) for each in reversed(stored_decisions.decisions(open_wanted_store()))]
    if not rows:
        say("nothing was decided yet: reelstore promote MODEL lets the gate judge a model")
        return
    say_table(f"{len(rows)} decisions", _DECISIONS, rows)


def _decision(stored: "StoredDecision") -> list[Cell]:
    decision, evidence = stored.decision, stored.decision.evidence
    because = [] if decision.forced_because is None else [decision.forced_because]
    return [
        f"{stored.commit.created_at:%Y-%m-%d %H:%M}",
        decision.outcome.replace("_", " "),
        evidence.challenger[:16],
        (evidence.champion or "none")[:16],
        _interval(evidence.over_linear),
        _interval(evidence.over_champion),
        [*because, *decision.reasons],
    ]


def _interval(gain: "Gain | None") -> str:
    if gain is None:
        return "unknown"
    return f"{gain.difference:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
