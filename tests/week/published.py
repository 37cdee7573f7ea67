"""What a store has published."""

from typing import Any

from warehouse import commits
from warehouse.store import Store


def published(store: Store) -> dict[str, Any]:
    """The heads, the aliases and all commits of a store, by their ids."""
    datasets = commits.datasets(store)
    return {
        "heads": {
            f"{head.address}": head.id
            for dataset in datasets
            for head in commits.heads(store, dataset)
        },
        "aliases": commits.aliases(store),
        "commits": {
            dataset: sorted(commit.id for commit in commits.commits(store, dataset))
            for dataset in datasets
        },
    }
