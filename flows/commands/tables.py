"""Commands about what tables and features hold: diff."""
# ruff: noqa: PLC0415 - a command imports what it runs

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.store import open_wanted_store

if TYPE_CHECKING:
    from featurestore.difference import Difference, Rows
    from warehouse.commits import Commit

app = typer.Typer()


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="A commit's id, or the start of it.")],
    after: Annotated[str, typer.Argument(help="Another commit of the same kind of dataset.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show the rows that were added, removed and changed between two commits."""
    from featurestore.difference import compare
    from warehouse import commits

    store = open_wanted_store()
    found = compare(commits.commit_by_id(store, before), commits.commit_by_id(store, after))
    typer.echo(json.dumps(_document(found), ensure_ascii=False, indent=1) if as_json else "\n".join(_lines(found)))


def _lines(found: "Difference") -> list[str]:
    lines = [f"{found.kind}: {_named(found.before)} → {_named(found.after)}"]
    for word, rows in (("added", found.added), ("removed", found.removed), ("changed", found.changed)):
        lines.append(f"{word} {rows.count:,}{_first(rows)}")
    lines.append(f"unchanged {found.unchanged:,}")
    lines += [f"column {name} changed in {count:,} rows" for name, count in found.columns.items()]
    lines += [f"column {name} added" for name in found.columns_added]
    lines += [f"column {name} removed" for name in found.columns_removed]
    for move in found.outcomes:
        lines.append(f"outcome {move.before} → {move.after} {move.rows.count:,}{_first(move.rows)}")
    return lines


def _named(commit: "Commit") -> str:
    return f"{commit.id[:16]} ({commit.address.partition}, {commit.num_rows:,} rows)"


def _first(rows: "Rows") -> str:
    if not rows.count:
        return ""
    return ": " + ", ".join(rows.video_ids) + (", …" if rows.count > len(rows.video_ids) else "")


def _document(found: "Difference") -> dict[str, Any]:
    return {
        "kind": found.kind,
        "before": _described(found.before),
        "after": _described(found.after),
        "added": _counted(found.added),
        "removed": _counted(found.removed),
        "changed": _counted(found.changed),
        "unchanged": found.unchanged,
        "columns_changed": found.columns,
        "columns_added": found.columns_added,
        "columns_removed": found.columns_removed,
        "outcomes_changed": [
            {"before": move.before, "after": move.after, **_counted(move.rows)} for move in found.outcomes
        ],
    }


def _described(commit: "Commit") -> dict[str, Any]:
    address = commit.address
    return {
        "commit": commit.id,
        "dataset": address.dataset,
        "partition": address.partition,
        "rows": commit.num_rows,
        "created_at": commit.created_at.isoformat(),
    }


def _counted(rows: "Rows") -> dict[str, Any]:
    return {"rows": rows.count, "first_video_ids": rows.video_ids}
