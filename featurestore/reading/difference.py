"""What changed between two commits of one kind of dataset.

Rows by their video id, columns, outcomes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from featurestore.progress.ledger import LEDGER_FILE
from featurestore.progress.ledger import read as read_ledger
from featurestore.views import registry
from warehouse import tables
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.identifiers import shown

NUM_SHOWN = 10
"""Ids that are named of each kind of change."""

_ID = "video_id"
_TABLES: dict[str, Callable[[Commit], pl.LazyFrame]] = {
    tables.VIDEOS: lambda commit: tables.scan_table(commit, "videos"),
    tables.LABELS: tables.scan_labels,
    f"{tables.PREDICTIONS}/": lambda commit: pl.concat(tables.scan_predictions(commit)),
}
"""What reads a table's rows, by the start of the dataset."""


@dataclass(frozen=True)
class Rows:
    """Some of the rows."""

    count: int
    video_ids: list[str]
    """The first of them, sorted."""


@dataclass(frozen=True)
class OutcomeChange:
    """Videos whose outcome in the ledger differs."""

    before: str
    after: str
    rows: Rows


@dataclass(frozen=True)
class Difference:
    """How a later commit differs from an earlier one."""

    kind: str
    """The dataset or the start of its name, such as `tables/videos` or `features/frames`."""
    before: Commit
    after: Commit
    added: Rows
    removed: Rows
    changed: Rows
    unchanged: int
    """Rows that are alike in every column that both have."""
    columns: dict[str, int]
    """In how many rows each column changed, by its name; those that did in none are left out."""
    columns_added: list[str]
    columns_removed: list[str]
    outcomes: list[OutcomeChange]
    """Where both have a ledger."""


def compare(before: Commit, after: Commit) -> Difference:
    """Compare two commits row by row.

    Memory holds 8 bytes for each row and column beside the ids: rows are compared by digests.

    Args:
        before: a commit of videos, labels, predictions, or of a view of features.
        after: another one of the same kind; its partition or recipe may differ.

    Raises:
        Invalid: the commits are of different kinds, or of one whose rows have no video id.
        Corrupt: a file differs from its digest.
    """
    kind = _kind(before)
    if kind != _kind(after):
        raise Invalid(
            f"commit {before.id[:16]} is of {before.address} and {after.id[:16]} of"
            f" {after.address}: name two commits of one kind of dataset"
        )
    left, right = _digests(before), _digests(after)
    shared = [name for name in left.columns if name in right.columns and name != _ID]
    both = left.join(right, on=_ID, suffix=" after")
    differs = both.select(_ID, *(pl.col(name) != pl.col(f"{name} after") for name in shared))
    changed = differs.filter(pl.any_horizontal(shared)) if shared else differs.clear()
    counts = {name: int(differs[name].sum()) for name in shared}
    return Difference(
        kind=kind.rstrip("/"),
        before=before,
        after=after,
        added=_rows(right.join(left, on=_ID, how="anti")),
        removed=_rows(left.join(right, on=_ID, how="anti")),
        changed=_rows(changed),
        unchanged=len(both) - len(changed),
        columns={name: count for name, count in counts.items() if count},
        columns_added=[name for name in right.columns if name not in left.columns],
        columns_removed=[name for name in left.columns if name not in right.columns],
        outcomes=_outcomes(before, after),
    )


def _kind(commit: Commit) -> str:
    kinds = [kind for kind in (*_TABLES, *_views()) if commit.address.dataset.startswith(kind)]
    if not kinds or commit.address.dataset.endswith("/spec"):
        raise Invalid(
            f"commit {commit.id[:16]} is of {shown(commit.address.dataset)}, whose rows have no"
            " video id: name commits of videos, labels, predictions or features"
        )
    return kinds[0]


def _digests(commit: Commit) -> pl.DataFrame:
    """The video ids of a commit.

    And a digest of each other column's value as an unsigned integer.
    """
    kind = _kind(commit)
    if kind not in _TABLES:
        return registry.find(_views()[kind]).digests(commit)
    rows = _TABLES[kind](commit)
    return rows.select(pl.col(_ID), pl.all().exclude(_ID).hash()).collect(engine="streaming")


def _views() -> dict[str, str]:
    """The name of each view by the start of its datasets."""
    return {f"features/{name}/": name for name in registry.names()}


def _outcomes(before: Commit, after: Commit) -> list[OutcomeChange]:
    if not all(LEDGER_FILE in commit.files for commit in (before, after)):
        return []
    left, right = (read_ledger(commit, [_ID, "outcome"]) for commit in (before, after))
    moved = left.join(right, on=_ID, suffix=" after").filter(
        pl.col("outcome") != pl.col("outcome after")
    )
    return [
        OutcomeChange(str(old), str(new), _rows(rows))
        for (old, new), rows in sorted(
            moved.partition_by("outcome", "outcome after", as_dict=True).items()
        )
    ]


def _rows(rows: pl.DataFrame) -> Rows:
    return Rows(len(rows), rows[_ID].sort().head(NUM_SHOWN).to_list())
