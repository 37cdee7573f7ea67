"""Labels of one taxonomy, published again as labels of another."""

from datetime import datetime

import polars as pl

from warehouse import tables
from warehouse.commits import Commit
from warehouse.store import Store
from warehouse.tables.category_map import CategoryMap


def remap_labels(store: Store, labels: Commit, mapped: CategoryMap, now: datetime) -> int:
    """Publish the labels of a partition with each category as what it has become.

    Annotators and sources stay.

    Args:
        store: Where they are.
        labels: The partition's head.
        mapped: From their taxonomy to another.
        now: The moment, in UTC.

    Returns:
        How many labels name another category than before.

    Raises:
        Conflict: Another run published other labels in between.
    """
    before = tables.scan_labels(labels).collect()
    targets = dict(mapped.targets)
    groups = {target: mapped.new.level1_of(target) for target in targets.values()}
    after = before.with_columns(
        pl.col("category_id").replace_strict(targets, return_dtype=pl.String)
    ).with_columns(level1_id=pl.col("category_id").replace_strict(groups, return_dtype=pl.String))
    partition = labels.address.partition or ""
    tables.publish_labels(store, partition, after, mapped.new, now, corrects=labels)
    return int((before["category_id"] != after["category_id"]).sum())
