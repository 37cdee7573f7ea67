"""Which models there are, and what each is."""

import json
from dataclasses import dataclass

from modeling.models import registry, stored_model
from modeling.models.stored_model import MODELS
from warehouse import commits
from warehouse.clock import timestamp
from warehouse.commits import Commit
from warehouse.store import Store


@dataclass(frozen=True)
class ListedModel:
    """A model in the store."""

    id: str
    kind: str
    """`classifier` or `encoder`."""
    recipe: str
    """The recipe's name."""
    views: tuple[str, ...]
    created_at: str
    """UTC."""
    names: tuple[str, ...]
    """What points at it now: `champion`, `provisional champion`, `challenger`."""
    mean_f1: float | None
    """On validation, of its held-out twin where it has one; None for an encoder."""
    snapshot: str
    """What it learned from."""
    twin_of: str | None
    """The model whose figures this held-out twin gives; None for any other."""


def list_models(store: Store) -> list[ListedModel]:
    """List the models of a store, the newest first.

    Raises:
        Corrupt: A file is not as it was published.
    """
    found = list(reversed(commits.commits(store, MODELS)))
    twins = {
        twin: commit.id
        for commit in found
        if commit.facts["kind"] == "classifier"
        and (twin := stored_model.read_config(commit, "classifier").held_out_twin) is not None
    }
    names = _names(store)
    return [_listed(commit, names.get(commit.id, ()), twins.get(commit.id)) for commit in found]


def _listed(commit: Commit, names: tuple[str, ...], twin_of: str | None) -> ListedModel:
    is_classifier = commit.facts["kind"] == "classifier"
    config = stored_model.read_config(commit, "classifier" if is_classifier else "encoder")
    return ListedModel(
        id=commit.id,
        kind=config.kind,
        recipe=config.recipe.name,
        views=config.views,
        created_at=timestamp(commit.created_at),
        names=names,
        mean_f1=_mean_f1(commit) if is_classifier else None,
        snapshot=config.snapshot_id,
        twin_of=twin_of,
    )


def _mean_f1(commit: Commit) -> float:
    measured = json.loads(commits.read_bytes(commit, "metrics.json"))
    return float(measured["validation"]["mean_f1"])


def _names(store: Store) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for name, target in commits.aliases(store).items():
        is_provisional = name == registry.CHAMPION and registry.is_provisional(store)
        named = f"provisional {name}" if is_provisional else name
        names[target] = (*names.get(target, ()), named)
    return names
