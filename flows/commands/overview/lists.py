"""Commands that list models, snapshots and what was moved when."""

# ruff: noqa: PLC0415 - a command imports what it runs

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.lookup import open_wanted_store
from flows.commands.terminal import Cell, Column, say, say_json, say_table

if TYPE_CHECKING:
    from modeling.models.listed_models import ListedModel

app = typer.Typer()

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

_NUM_MOVES = 20
_SHORT = 16
_TO_THE_MINUTE = 16
_MODELS = (
    Column("model"),
    Column("of"),
    Column("kind"),
    Column("recipe"),
    Column("mean F1", is_figure=True),
    Column("names"),
)
_SNAPSHOTS = (
    Column("snapshot"),
    Column("of"),
    Column("partitions", is_figure=True),
    Column("videos", is_figure=True),
    Column("models"),
)
_MOVES = (Column("what"), Column("when"), Column("from"), Column("to"))


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the models, the newest first: recipe, score on validation, and what names them.

    The score of a model that has learned from all labels is that of its held-out twin.
    """
    from modeling.models.listed_models import list_models

    listed = list_models(open_wanted_store())
    if as_json:
        say_json([asdict(model) for model in listed])
    elif not listed:
        say("no model was trained yet: run train-classifier")
    else:
        say_table("models", _MODELS, [_model(model) for model in listed])


def _model(model: "ListedModel") -> list[Cell]:
    kind = model.kind if model.twin_of is None else f"twin of {model.twin_of[:8]}"
    return [
        model.id[:_SHORT],
        model.created_at[:_TO_THE_MINUTE],
        kind,
        model.recipe,
        "-" if model.mean_f1 is None else f"{model.mean_f1:.3f}",
        ", ".join(model.names),
    ]


@app.command()
def snapshots(as_json: AsJson = False) -> None:
    """List the snapshots, the newest first: what they pin, and which models learned from them."""
    from featurestore.reading import snapshot
    from modeling.models.stored_model import MODELS
    from warehouse import commits

    store = open_wanted_store()
    learned: dict[str, list[str]] = {}
    for model in commits.commits(store, MODELS):
        made_from = model.facts.get("made_from", {})
        learned.setdefault(made_from.get("snapshot", ""), []).append(model.id)
    documents: list[dict[str, Any]] = []
    for commit in reversed(commits.commits(store, snapshot.DATASET)):
        pins = snapshot.load(commit).pins
        sizes = [commits.commit_by_id(store, pin.videos).num_rows for pin in pins]
        documents.append(
            {
                "id": commit.id,
                "created_at": commit.created_at.isoformat(),
                "partitions": [pin.partition for pin in pins],
                "videos": sum(sizes),
                "models": learned.get(commit.id, []),
            }
        )
    if as_json:
        say_json(documents)
    elif not documents:
        say("no snapshot was taken yet: a training takes one")
    else:
        say_table("snapshots", _SNAPSHOTS, [_snapshot(document) for document in documents])


def _snapshot(document: dict[str, Any]) -> list[Cell]:
    return [
        document["id"][:_SHORT],
        document["created_at"][:_TO_THE_MINUTE],
        f"{len(document['partitions']):,}",
        f"{document['videos']:,}",
        [model_id[:_SHORT] for model_id in document["models"]],
    ]


@app.command()
def history(
    name: Annotated[
        str | None,
        typer.Argument(help="An alias such as champion, or a dataset such as tables/labels; all."),
    ] = None,
    partition: Annotated[str | None, typer.Option(help="Moves of one partition alone.")] = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="Show every move, not the last 20 alone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what was published and moved, the newest first, as the journal has it.

    Each line names what moved, from which commit to which; reelstore rollback goes back.
    """
    from warehouse import commits

    moves = [
        move
        for move in reversed(commits.all_moves(open_wanted_store()))
        if name in (None, move.get("name"), move.get("dataset"))
        and partition in (None, move.get("partition"))
    ]
    shown = moves if show_all else moves[:_NUM_MOVES]
    if as_json:
        say_json(shown)
    elif not moves:
        say("nothing of that name was ever moved")
    else:
        say_table(f"{len(shown):,} of {len(moves):,} moves", _MOVES, [_move(one) for one in shown])


def _move(move: dict[str, Any]) -> list[Cell]:
    place = move.get("name") or " ".join(filter(None, (move.get("dataset"), move.get("partition"))))
    target = move.get("target") or move.get("commit_id") or ""
    if "commit_ids" in move:
        place, target = move["kind"], f"{len(move['commit_ids']):,} commits removed"
    note = " (rolled back)" if move.get("rolled_back") else ""
    return [
        place or move["kind"],
        move["moved_at"][:_TO_THE_MINUTE],
        (move.get("previous") or "")[:_SHORT],
        f"{target[:_SHORT]}{note}" if "commit_ids" not in move else target,
    ]
