"""The store that a command is about, and the commit that a word means."""

# ruff: noqa: PLC0415 - a command imports what it runs

from typing import TYPE_CHECKING

from flows.settings import load_settings
from warehouse.errors import Invalid
from warehouse.store import Store, open_existing_store

if TYPE_CHECKING:
    from warehouse.commits import Commit


def open_wanted_store() -> Store:
    """Open the store that the settings name.

    Raises:
        Invalid: There is no store, or the settings are wrong.
    """
    settings = load_settings()
    return open_existing_store(settings.root, settings.catalog_url)


def partition_names(store: Store) -> set[str | None]:
    """The partitions that list videos."""
    from warehouse import commits, tables

    return {head.address.partition for head in commits.heads(store, tables.VIDEOS)}


def find_commit(store: Store, word: str) -> "Commit":
    """Find the commit that a word means.

    Args:
        store: Where it is.
        word: A commit's first digits, or an alias.

    Raises:
        Invalid: It means none, or several; where it is a partition, the sentence names that one's
            commits.
    """
    from warehouse import commits

    if word in partition_names(store):
        heads = [
            head for dataset in commits.datasets(store) for head in commits.heads(store, dataset)
        ]
        named = [
            f"{head.id[:12]} of {head.address.dataset}"
            for head in heads
            if head.address.partition == word
        ]
        raise Invalid(
            f"{word} is a partition, which has several commits: name one of {', '.join(named)}"
        )
    return commits.commit_by_id(store, commits.alias(store, word) or word)
