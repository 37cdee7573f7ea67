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

    difference = compare(*_pair(open_wanted_store(), before, after))
    if as_json:
        say_json(_document(difference))
        return
    for line in _lines(difference):
        say(line)


def _pair(store: "Store", *words: str) -> "list[Commit]":
    from warehouse import commits, tables
    from warehouse.commits import Address
    from warehouse.errors import Invalid

    partitions = partition_names(store)
    named = [None if word in partitions else find_commit(store, word) for word in words]
    dataset = next((commit.address.dataset for commit in named if commit), tables.VIDEOS)
    pair = [
        commit or commits.head(store, Address(dataset, word))
        for word, commit in zip(words, named, strict=True)
    ]
    for word, commit in zip(words, pair, strict=True):
        if commit is None:
            raise Invalid(
                f"partition {word} has nothing in {dataset}: name a commit, or two partitions"
            )
    return [commit for commit in pair if commit]


def _lines(difference: "Difference") -> list[str]:
    lines = [f"{difference.kind}: {_named(difference.before)} → {_named(difference.after)}"]
    for word, rows in (
        ("added", difference.added),
        ("removed", difference.removed),
        ("changed", difference.changed),
    ):
        lines.append(f"{word} {rows.count:,}{_first(rows)}")
    lines.append(f"unchanged {difference.unchanged:,}")
    lines += [
        f"column {name} changed in {count:,} rows" for name, count in difference.columns.items()
    ]
    lines += [f"column {name} added" for name in difference.columns_added]
    lines += [f"column {name} removed" for name in difference.columns_removed]
    for move in difference.outcomes:
        lines.append(f"outcome {move.before} → {move.after} {move.rows.count:,}{_first(move.rows)}")
    return lines


def _named(commit: "Commit") -> str:
    return f"{commit.id[:16]} ({commit.address.partition}, {commit.num_rows:,} rows)"


def _first(rows: "Rows") -> str:
    if not rows.count:
        return ""
    return ": " + ", ".join(rows.video_ids) + (", …" if rows.count > len(rows.video_ids) else "")


def _document(difference: "Difference") -> dict[str, Any]:
    return {
        "kind": difference.kind,
        "before": _described(difference.before),
        "after": _described(difference.after),
        "added": _counted(difference.added),
        "removed": _counted(difference.removed),
        "changed": _counted(difference.changed),
        "unchanged": difference.unchanged,
        "columns_changed": difference.columns,
        "columns_added": difference.columns_added,
        "columns_removed": difference.columns_removed,
        "outcomes_changed": [
            {"before": move.before, "after": move.after, **_counted(move.rows)}
            for move in difference.outcomes
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
