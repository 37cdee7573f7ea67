"""The operation: labels and models of one taxonomy become those of another, by a map."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from modeling.models import mapped_model, registry, stored_model
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.identifiers import shown
from warehouse.ingest.remapping import remap_labels
from warehouse.store import Store
from warehouse.tables.category_map import CategoryMap, map_categories
from warehouse.tables.taxonomy import Taxonomy


@dataclass(frozen=True)
class AppliedTaxonomy:
    """What a new taxonomy has changed."""

    num_changed: dict[str, int]
    """Labels that name another category now, by partition; a partition whose labels were of the new
    taxonomy already is not among them."""
    models: dict[str, str]
    """The new model that an alias names, by the alias."""
    unlabelled: tuple[str, ...]
    """Categories that no older one has become: nothing is labelled so, and no model predicts
    them."""


def apply_taxonomy(
    store: Store, new: Taxonomy, renamed: Mapping[str, str], now: datetime
) -> AppliedTaxonomy:
    """Publish all labels, the champion and the challenger anew, in the categories of a taxonomy.

    Nothing is written before all of it is known to be possible. An interrupted run goes on where
    it was: what is of the new taxonomy stays.

    Args:
        store: Where they are.
        new: The taxonomy.
        renamed: New category ids by older id; every other category keeps its id.
        now: In UTC.

    Raises:
        Invalid: A category has no place in the new taxonomy, or one that is renamed is not there.
        Conflict: Another run published other labels in between.
    """
    commits.settle(store)
    labels = {head.id: head for head in commits.heads(store, tables.LABELS)}
    models = {
        alias: commits.commit_by_id(store, target)
        for alias, target in commits.aliases(store).items()
        if alias in (registry.CHAMPION, registry.CHALLENGER)
    }
    of_labels = _maps({key: tables.taxonomy_of(head) for key, head in labels.items()}, new, renamed)
    of_models = _maps(
        {alias: stored_model.read_taxonomy(model) for alias, model in models.items()}, new, renamed
    )
    maps = [*of_labels.values(), *of_models.values()]
    _require_known(renamed, maps)
    num_changed = {
        labels[key].address.partition or "": remap_labels(store, labels[key], mapped, now)
        for key, mapped in of_labels.items()
    }
    published = {
        alias: _put_in_place(store, alias, models[alias], mapped, now)
        for alias, mapped in of_models.items()
    }
    used = {target for mapped in maps for target in mapped.targets.values()}
    unlabelled = [category_id for category_id in new.category_ids if category_id not in used]
    return AppliedTaxonomy(num_changed, published, tuple(unlabelled) if maps else ())


def _maps(
    taxonomies: Mapping[str, Taxonomy], new: Taxonomy, renamed: Mapping[str, str]
) -> dict[str, CategoryMap]:
    """Map those that are not of the new taxonomy yet."""
    return {
        name: map_categories(old, new, renamed)
        for name, old in taxonomies.items()
        if old.to_csv() != new.to_csv()
    }


def _require_known(renamed: Mapping[str, str], maps: list[CategoryMap]) -> None:
    known = {category_id for mapped in maps for category_id in mapped.targets}
    for category_id in renamed:
        if maps and category_id not in known:
            raise Invalid(
                f"{shown(category_id)} is no category of the labels or of a model: correct --map"
            )


def _put_in_place(
    store: Store, alias: str, model: Commit, mapped: CategoryMap, now: datetime
) -> str:
    is_provisional = commits.is_provisional(store, alias)
    published = mapped_model.publish_mapped(store, model, mapped, now)
    commits.set_alias(store, alias, published.id, now, provisional=is_provisional)
    return published.id
