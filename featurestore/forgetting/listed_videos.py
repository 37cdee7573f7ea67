"""Which commits hold rows of videos, and in which files."""

from collections.abc import Callable, Iterator

import polars as pl

from featurestore.progress.ledger import LEDGER_FILE
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.store import Store

FEATURES = "features/"
"""What the datasets of views begin with."""


def listed_ids(commit: Commit) -> Iterator[list[str]]:
    """Read the ids of the videos of which a commit holds rows.

    Args:
        commit: Any commit; without rows of videos nothing is read.

    Yields:
        Ids, some at a time.

    Raises:
        Corrupt: A file is not as it was published.
    """
    names = [name for name in sorted(commit.files) if _lists_videos(commit, name)]
    for name in names:
        path = commits.verified_path(commit, name)
        yield pl.read_parquet(path, columns=["video_id"])["video_id"].to_list()


def find_ids(store: Store, is_wanted: Callable[[str], bool]) -> Iterator[tuple[Commit, str]]:
    """Look through all that a store keeps, its past included, for some videos.

    Args:
        store: The store.
        is_wanted: Whether an id is one of them.

    Yields:
        Commits that hold one, each with the first that it holds.
    """
    for dataset in commits.datasets(store):
        for commit in commits.commits(store, dataset):
            if commit.address.partition is None or not commit.is_there:
                continue
            ids = (each for block in listed_ids(commit) for each in block)
            first = next((each for each in ids if is_wanted(each)), None)
            if first is not None:
                yield commit, first


def _lists_videos(commit: Commit, name: str) -> bool:
    dataset = commit.address.dataset
    if dataset.startswith(FEATURES):
        return name == LEDGER_FILE
    if dataset.startswith(f"{tables.PREDICTIONS}/"):
        return name.startswith("predictions")
    return (dataset, name) in (
        (tables.VIDEOS, "videos.parquet"),
        (tables.LABELS, "labels.parquet"),
    )
