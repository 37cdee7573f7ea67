"""The table of labels: one row for each labelled video of a partition."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import dataframely as dy
import polars as pl

from warehouse import commits
from warehouse.commits import Address, Commit, Draft, Facts, Forgotten
from warehouse.errors import Invalid
from warehouse.identifiers import shown
from warehouse.store import Store
from warehouse.tables import parquet
from warehouse.tables.stored_tables import validated
from warehouse.tables.taxonomy import Taxonomy, parse_taxonomy

LABELS = "tables/labels"
FORMAT_VERSION = 2
"""Version 1 had neither `annotator` nor `source`."""

_FILE = "labels.parquet"


class Labels(dy.Schema):
    """One row for each labelled video of a partition."""

    video_id = dy.String(primary_key=True)
    category_id = dy.String()
    level1_id = dy.String()
    annotator = dy.String(nullable=True)
    """Who gave the label, as the annotations name them; null where they do not."""
    source = dy.String(nullable=True)
    """Where the label came from, as the annotations name it; null where they do not."""


class LabelFacts(Facts):
    """What a commit of labels is."""

    taxonomy: str
    """The name of the taxonomy that the labels are of, which is kept beside them."""


def publish_labels(
    store: Store,
    partition: str,
    labels: pl.DataFrame,
    taxonomy: Taxonomy,
    now: datetime,
    *,
    corrects: Commit | None = None,
    forgotten: Forgotten | None = None,
) -> Commit:
    """Publish the labels of a partition, with the taxonomy that they are of.

    Args:
        store: The store.
        partition: The partition's name.
        labels: Rows of `Labels`; `annotator` and `source` may be left out where none is known.
        taxonomy: The taxonomy.
        now: The moment, in UTC.
        corrects: The head that the labels were made from; None where they stand for themselves.
        forgotten: The videos that the rows were listed without; None not to ask.

    Returns:
        The commit; the one that is there, of whatever version, where nothing changed.

    Raises:
        Invalid: A row does not fit the schema, or names a category that the taxonomy has not.
        Conflict: Another run published other labels at the same time, or videos were forgotten.
    """
    rows = validated(Labels, _brought_up(labels.lazy()).collect())
    for category_id, level1_id in (
        rows.select("category_id", "level1_id").unique(maintain_order=True).iter_rows()
    ):
        if taxonomy.level1_of(category_id) != level1_id:
            raise Invalid(
                f"category {category_id} is not in group {shown(level1_id)} of taxonomy"
                f" {taxonomy.name}: correct it"
            )
    head = labels_commit(store, partition)
    if (
        head is not None
        and taxonomy_of(head) == taxonomy
        and rows.equals(scan_labels(head).collect())
    ):
        return head
    return commits.publish_files(
        store,
        Address(LABELS, partition),
        {_FILE: parquet.encode(rows, FORMAT_VERSION), "taxonomy.csv": taxonomy.to_csv()},
        Draft(facts=LabelFacts(taxonomy=taxonomy.name), num_rows=len(rows), forgotten=forgotten),
        now,
        made_upon=corrects,
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
    return None if commit is None else scan_labels(commit).collect()


def scan_labels(commit: Commit) -> pl.LazyFrame:
    """Read the labels of a commit lazily, in the columns of the newest version.

    Args:
        commit: Of any version of the table.

    Returns:
        Rows of `Labels`, by video id.

    Raises:
        Corrupt: The file is not as it was published.
        Invalid: It has a format version that this code does not read.
    """
    return _brought_up(parquet.scan([commits.verified_path(commit, _FILE)], FORMAT_VERSION))


def label_batches(commit: Commit, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Read the labels of a commit some at a time; memory does not grow with their number.

    Args:
        commit: Of any version of the table.
        columns: Which columns.

    Yields:
        Rows of `Labels`, by video id.

    Raises:
        Corrupt: The file is not as it was published.
        Invalid: It has a format version that this code does not read.
    """
    path = commits.verified_path(commit, _FILE)
    for rows in parquet.batches(path, version=FORMAT_VERSION):
        yield _brought_up(rows.lazy()).select(columns).collect()


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


def shared_taxonomy(labels: Mapping[str, Commit]) -> Taxonomy | None:
    """Read the taxonomy that the labels of several partitions are all of.

    Args:
        labels: Their commits, by partition.

    Returns:
        The taxonomy; None where there are no labels.

    Raises:
        Corrupt: A file is not as it was published.
        Invalid: Two have different taxonomies.
    """
    taxonomies = {partition: taxonomy_of(commit) for partition, commit in labels.items()}
    if len({taxonomy.to_csv() for taxonomy in taxonomies.values()}) > 1:
        raise Invalid(
            f"the partitions {', '.join(taxonomies)} have labels of different taxonomies; ingest"
            " them with one"
        )
    return next(iter(taxonomies.values()), None)


def _brought_up(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Bring version 1 to the columns of version 2; version 2 stays as it is."""
    known = rows.collect_schema().names()
    unknown = [name for name in ("annotator", "source") if name not in known]
    return rows.with_columns(pl.lit(None, pl.String).alias(name) for name in unknown)
