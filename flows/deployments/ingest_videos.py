"""The deployment `ingest-videos`.

Annotations and media become a partition of videos, and of labels.
"""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flows.deployments import artifacts
from flows.deployments.deployment import deployment
from flows.deployments.parameters import (
    Annotations,
    Media,
    NewPartition,
    Rehash,
    Role,
    Source,
    Strict,
    TaxonomyName,
)
from flows.settings import load_settings
from warehouse.ingest import ingestion
from warehouse.ingest.listing import read_listing
from warehouse.ingest.set_aside import MAX_NAMED, SetAside
from warehouse.sources import manifest, wbdc
from warehouse.sources.record import refuse_all
from warehouse.store import open_existing_store, open_store
from warehouse.tables.taxonomy import load_taxonomy


def list_videos(
    source: Source,
    annotations: Annotations,
    partition: NewPartition,
    role: Role,
    media: Media = None,
    taxonomy: TaxonomyName = None,
    rehash: Rehash = False,
    strict: Strict = False,
) -> dict[str, Any]:
    """List the videos of one partition, with the digest of each medium.

    Raises:
        Invalid: a file cannot be read, or more rows are wrong than may be set aside; nothing was
            written.
    """
    settings, set_aside = load_settings(), None if strict else SetAside()
    refuse = refuse_all if set_aside is None else set_aside.add
    records = (
        wbdc.read_records(annotations, partition, refuse)
        if source == "wbdc"
        else manifest.read_records(annotations, refuse)
    )
    categories = load_taxonomy(taxonomy or settings.taxonomy) if role == "labeled" else None
    listing = read_listing(
        records, partition, role, media or annotations.parent, categories, set_aside
    )
    # A store whose catalog is lost, or mistyped, gets no new one.
    opened = open_existing_store if (settings.root / "journal").is_dir() else open_store
    store = opened(settings.root, settings.catalog_url)
    with artifacts.progress(f"hash {partition}") as show:
        summary = ingestion.publish_listing(
            store, listing, datetime.now(UTC), rehash=rehash, on_hashed=show
        )
    row = asdict(summary)
    artifacts.leave("ingest", told(row), [{name: row[name] for name in row if name not in _NAMED}])
    return row


def told(row: dict[str, Any]) -> list[str]:
    """Put what an ingest has found into lines for people.

    Args:
        row: what `list_videos` returns.

    Returns:
        A line of counts, then one for each row that was set aside and each medium that was not
        read, as far as they are named.
    """
    lines = [", ".join(f"{name} {value}" for name, value in row.items() if name not in _NAMED)]
    for name, (count, what) in _NAMED.items():
        lines += [f"{what}: {sentence}" for sentence in row[name]]
        if len(row[name]) == MAX_NAMED < row[count]:
            lines.append(f"{what}: {row[count] - MAX_NAMED:,} more")
    return lines


_NAMED = {
    "rows_set_aside": ("num_rows_set_aside", "row set aside"),
    "media_unread": ("num_media_unread", "medium not read"),
}
"""What is told in sentences, with its count."""


ingest_videos = deployment("ingest-videos")(list_videos)
