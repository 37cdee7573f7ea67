"""A classifier whose categories were renamed or merged: its probabilities, added up by the map."""

import json
from datetime import datetime
from typing import Any

import numpy as np

from modeling.experts.decoding import Decoding
from modeling.models import stored_model
from modeling.models.model_facts import ClassifierFacts
from modeling.models.stored_config import MAPPED_VERSION, StoredConfig
from modeling.models.stored_model import CONFIG_FILE
from warehouse import commits
from warehouse.commits import Commit, Draft
from warehouse.store import Store
from warehouse.tables.category_map import CategoryMap

_CARD, _STATISTICS = "README.md", "statistics.json"


def publish_mapped(store: Store, model: Commit, mapped: CategoryMap, now: datetime) -> Commit:
    """Publish a classifier that knows the categories of a new taxonomy.

    Its weights are those of the older one, and so is its calibration. Where categories were merged
    or groups changed, it chooses the most probable one: what decided otherwise was fitted on the
    categories before.

    Args:
        store: Where it goes.
        model: The older classifier; its held-out twin is published so too.
        mapped: From the model's taxonomy.
        now: In UTC.
    """
    config = stored_model.read_config(model, "classifier")
    twin = config.held_out_twin
    twin_id = twin and publish_mapped(store, commits.commit_by_id(store, twin), mapped, now).id
    payloads = {name: commits.read_bytes(model, name) for name in model.files}
    changed = _changed(model, config, mapped) | {"held_out_twin": twin_id}
    content = {**json.loads(payloads[CONFIG_FILE]), **changed}
    StoredConfig.model_validate(content)
    payloads |= {
        CONFIG_FILE: _readable_json(content),
        "taxonomy.csv": mapped.new.to_csv(),
        _CARD: _note(model, mapped) + payloads[_CARD],
        _STATISTICS: _mapped_statistics(payloads[_STATISTICS], mapped),
    }
    facts = ClassifierFacts.of(model)
    made_from = {**facts.made_from, "mapped": model.id}
    if twin_id is not None:
        made_from["held-out"] = twin_id
    draft = Draft(
        facts=facts.model_copy(update={"taxonomy": mapped.new.name, "made_from": made_from}),
        num_rows=0,
        move_head=False,
    )
    return commits.publish_files(store, model.address, payloads, draft, now)


def _changed(model: Commit, config: StoredConfig, mapped: CategoryMap) -> dict[str, Any]:
    taxonomy = stored_model.read_taxonomy(model)
    places = [mapped.place_of(category_id) for category_id in taxonomy.category_ids]
    before = config.category_map or range(len(taxonomy))
    decoding = None
    if config.decoding is not None and _is_renaming(taxonomy.groups, places, mapped):
        decoding = _reordered(config.decoding, taxonomy.groups, places, mapped)
    changed = {
        "format_version": MAPPED_VERSION,
        "taxonomy_name": mapped.new.name,
        "category_map": [places[place] for place in before],
    }
    return (
        changed
        if decoding is None and config.decoding is None
        else changed | {"decoding": None if decoding is None else decoding.model_dump(mode="json")}
    )


def _is_renaming(groups: tuple[int, ...], places: list[int], mapped: CategoryMap) -> bool:
    """Whether no category was merged with another, and none added, and all groups stay."""
    if sorted(places) != list(range(len(mapped.new))):
        return False
    pairs = {(group, mapped.new.groups[place]) for group, place in zip(groups, places, strict=True)}
    return len(pairs) == len(set(groups)) == len(set(mapped.new.groups))


def _reordered(
    decoding: Decoding, groups: tuple[int, ...], places: list[int], mapped: CategoryMap
) -> Decoding:
    order = np.argsort(places)
    group_of = {
        mapped.new.groups[place]: group for group, place in zip(groups, places, strict=True)
    }
    return Decoding(
        category_weight=tuple(decoding.category_weight[place] for place in order),
        group_weight=tuple(
            decoding.group_weight[group_of[place]] for place in range(len(group_of))
        ),
        offset=tuple(decoding.offset[place] for place in order),
    )


def _note(model: Commit, mapped: CategoryMap) -> bytes:
    moved = [f"{old} → {new}" for old, new in mapped.targets.items() if old != new]
    return (
        f"> This is model {model.id[:16]} with the categories of taxonomy {mapped.new.name}:"
        f" {', '.join(moved) or 'none has another id'}. Its probabilities are added up by this map."
        " All figures below are of the categories before.\n\n"
    ).encode()


def _mapped_statistics(payload: bytes, mapped: CategoryMap) -> bytes:
    content = json.loads(payload)
    shares = dict.fromkeys(mapped.new.category_ids, 0.0)
    for category_id, share in content["category_shares"].items():
        shares[mapped.targets[category_id]] += share
    return _readable_json({**content, "category_shares": shares})


def _readable_json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False).encode()
