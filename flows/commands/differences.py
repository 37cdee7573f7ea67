"""Commands about what tables and features hold: diff."""

# ruff: noqa: PLC0415 - a command imports what it runs

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.lookup import find_commit, open_wanted_store, partition_names
from flows.commands.terminal import say, say_json

if TYPE_CHECKING:
    from featurestore.reading.difference import Difference, Rows
    from warehouse.commits import Commit
    from warehouse.store import Store

app = typer.Typer()


@app.command()
def diff(
    before: Annotated[
        str,
        typer.Argument(help="A commit's id, or the start of it; or a partition, for its videos."),
    ],
    after: Annotated[
        str, typer.Argument(help="Another commit of the same kind of dataset, or a partition.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show the rows that were added, removed and changed between two commits.

    Or between what two partitions list.

    A partition beside a commit stands for its own newest commit of the same dataset.
    """
    from featurestore.reading.difference import compare

    found = compare(*_pair(open_wanted_store(), before, after))
    if as_json:
        say_json(_document(found))
        return
    for line in _lines(found):
        say(line)


def _pair(store: "Store", *words: str) -> "list[Commit]":
    from warehouse import commits, tables
    from warehouse.commits import Address
    from warehouse.errors import Invalid

    partitions = partition_names(store)
    named = [None if word in partitions else find_commit(store, word) for word in words]
    dataset = next((commit.address.dataset for commit in named if commit), tables.VIDEOS)
    found = [
        commit or commits.head(store, Address(dataset, word))
        for word, commit in zip(words, named, strict=True)
    ]
    for word, commit in zip(words, found, strict=True):
        if commit is None:
            raise Invalid(
                f"partition {word} has nothing in {dataset}: name a commit, or two partitions"
            )
    return [commit for commit in found if commit]


def _lines(found: "Difference") -> list[str]:
    lines = [f"{found.kind}: {_named(found.before)} → {_named(found.after)}"]
    for word, rows in (
        ("added", found.added),
        ("removed", found.removed),
        ("changed", found.changed),
    ):
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
            {"before": move.before, "after": move.after, **_counted(move.rows)}
            for move in found.outcomes
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
