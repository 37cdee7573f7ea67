"""The command that tells what was made from what."""

# ruff: noqa: PLC0415 - a command imports what it runs

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from flows.commands.lookup import find_commit, open_wanted_store
from flows.commands.terminal import say, say_json
from warehouse.store import Store

app = typer.Typer()

Edges = Mapping[str, list[tuple[str, str]]]
"""Names and commit ids on the other side, by commit id."""


@app.command()
def lineage(
    what: Annotated[
        str,
        typer.Argument(help="A commit's first digits, an alias; with --video a scored partition."),
    ],
    video: Annotated[str | None, typer.Option(help="A video whose prediction is traced.")] = None,
    model: Annotated[
        str | None, typer.Option(help="The model that predicted; the champion.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Tell what a commit or a prediction was made from, by which code, and what depends on it."""
    from modeling.models.trace import trace_prediction

    store = open_wanted_store()
    document: dict[str, Any] = {}
    if video is None:
        commit_id = find_commit(store, what).id
    else:
        traced = trace_prediction(store, what, video, model)
        commit_id = traced.predictions.id
        document = {
            "prediction": traced.row,
            "model": traced.model.id,
            "config": traced.config.model_dump(mode="json"),
        }
    document |= describe(store, commit_id)
    if as_json:
        say_json(document)
    else:
        _show(document)


def describe(store: Store, commit_id: str) -> dict[str, Any]:
    """Tell a commit's lineage both ways.

    Args:
        store: Where it is.
        commit_id: 64 hexadecimal digits.

    Returns:
        JSON: `commit`; `made_from` and `needed_by`, trees of commits in which each commit is
            unfolded once.
    """
    from warehouse.commits.records import lineage

    above, below = (
        defaultdict[str, list[tuple[str, str]]](list),
        defaultdict[str, list[tuple[str, str]]](list),
    )
    for edge in lineage.edges(store):
        above[edge.commit_id].append((edge.name, edge.input_id))
        below[edge.input_id].append((edge.name, edge.commit_id))
    return {
        "commit": _commit(store, commit_id),
        "made_from": _unfold(store, commit_id, above, set(), "made_from"),
        "needed_by": _unfold(store, commit_id, below, set(), "needed_by"),
    }


def _unfold(
    store: Store, commit_id: str, edges: Edges, seen: set[str], key: str
) -> list[dict[str, Any]]:
    nodes = []
    for name, other in edges[commit_id]:
        node = {"as": name, **_commit(store, other)}
        if other not in seen:
            seen.add(other)
            node[key] = _unfold(store, other, edges, seen, key)
        nodes.append(node)
    return nodes


def _commit(store: Store, commit_id: str) -> dict[str, Any]:
    from warehouse import commits

    commit = commits.commit_by_id(store, commit_id)
    provenance = commits.read_provenance(commit)
    return {
        "id": commit.id,
        "dataset": commit.address.dataset,
        "partition": commit.address.partition,
        "num_rows": commit.num_rows,
        "created_at": commit.created_at.isoformat(),
        "git_revision": provenance.get("git_revision"),
        "reelstore": provenance.get("reelstore"),
        "aliases": [name for name, target in commits.aliases(store).items() if target == commit.id],
    }


def _show(document: Mapping[str, Any]) -> None:
    if prediction := document.get("prediction"):
        say(
            f"video {prediction['video_id']}: category {prediction['category_id']}, "
            f"probability {prediction['probability']:.3f}"
        )
        config = document["config"]
        say(
            f"recipe {config['recipe']['name']}, seed {config['seed']}, views"
            f" {', '.join(config['views'])}"
        )
    for key, title in (("made_from", "made from"), ("needed_by", "needed by")):
        say(f"{_label(document['commit'])}, {title}:")
        _grow(document[key], key, "")


def _grow(nodes: Sequence[Mapping[str, Any]], key: str, before: str) -> None:
    """Draw a tree in whole lines, whatever the terminal's width: a digest must not be cut."""
    for node in nodes:
        mark, under = ("└── ", "    ") if node is nodes[-1] else ("├── ", "│   ")
        again = "" if key in node else ", as above"
        say(f"{before}{mark}{node['as']}: {_label(node)}{again}")
        _grow(node.get(key, ()), key, before + under)


def _label(commit: Mapping[str, Any]) -> str:
    place = commit["dataset"] + (f" {commit['partition']}" if commit["partition"] else "")
    named = f" ({', '.join(commit['aliases'])})" if commit["aliases"] else ""
    revision, _, dirty = (commit["git_revision"] or "unknown").partition("-")
    code = f"git {revision[:12]}{dirty and '-' + dirty}"
    return f"{place} {commit['id'][:12]}{named} of {commit['created_at'][:16]}, {code}"
