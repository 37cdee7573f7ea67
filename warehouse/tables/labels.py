"""The table of labels: one row for each labelled video of a partition."""

from datetime import datetime

import dataframely as dy
import polars as pl

from warehouse import commits
from warehouse.commits import Address, Commit, Draft, Facts
from warehouse.errors import Invalid
from warehouse.identifiers import shown
from warehouse.store import Store
from warehouse.tables.parquet import encode as to_parquet
from warehouse.tables.stored_tables import read_table, validated
from warehouse.tables.taxonomy import Taxonomy, parse_taxonomy

LABELS = "tables/labels"


class Labels(dy.Schema):
    """One row for each labelled video of a partition."""

    video_id = dy.String(primary_key=True)
    category_id = dy.String()
    level1_id = dy.String()


class LabelFacts(Facts):
    """What a commit of labels is."""

    taxonomy: str
    """The name of the taxonomy that the labels are of, which is kept beside them."""


def publish_labels(
    store: Store, partition: str, labels: pl.DataFrame, taxonomy: Taxonomy, now: datetime
) -> Commit:
    """Publish the labels of a partition, with the taxonomy that they are of.

    Args:
        store: The store.
        partition: The partition's name.
        labels: Rows of `Labels`.
        taxonomy: The taxonomy.
        now: The moment, in UTC.

    Returns:
        The commit; the one that is there where nothing changed.

    Raises:
        Invalid: A row does not fit the schema, or names a category that the taxonomy has not.
        Conflict: Another run published other labels at the same time.
    """
    rows = validated(Labels, labels)
    for category_id, level1_id in (
        rows.select("category_id", "level1_id").unique(maintain_order=True).iter_rows()
    ):
        if taxonomy.level1_of(category_id) != level1_id:
            raise Invalid(
                f"category {category_id} is not in group {shown(level1_id)} of taxonomy"
                f" {taxonomy.name}: correct it"
            )
    return commits.publish_files(
        store,
        Address(LABELS, partition),
        {"labels.parquet": to_parquet(rows), "taxonomy.csv": taxonomy.to_csv()},
        Draft(facts=LabelFacts(taxonomy=taxonomy.name), num_rows=len(rows)),
        now,
    )


def labels_commit(store: Store, partition: str) -> Commit | None:
    """Find the published labels of a partition.

    Args:
        store: The store.
        partition: The partition's name.

    Returns:
        The head; None where it has no labels.
    """
    return commits.head(store, Address(LABELS, partition))


def read_labels(store: Store, partition: str) -> pl.DataFrame | None:
    """Read the labels of a partition.

    Args:
        store: The store.
        partition: The partition's name.

    Returns:
        Rows of `Labels`, by video id; None where it has none.

    Raises:
        Corrupt: The file is not as it was published.
    """
    commit = labels_commit(store, partition)
    return None if commit is None else read_table(commit, "labels.parquet")


def taxonomy_of(labels: Commit) -> Taxonomy:
    """Read the taxonomy that was published with labels.

    Args:
        labels: Their commit.

    Returns:
        The taxonomy.

    Raises:
        Corrupt: The file is not as it was published.
    """
    payload, source = (
        commits.read_bytes(labels, "taxonomy.csv"),
        str(labels.folder / "taxonomy.csv"),
    )
    return parse_taxonomy(payload, LabelFacts.of(labels).taxonomy, source)
