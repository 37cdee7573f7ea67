"""The deployment `ingest-videos`: annotations and media become a partition of videos, and of labels."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flows import artifacts
from flows.deployment import deployment
from flows.parameters import Annotations, Media, NewPartition, Rehash, Role, Source, TaxonomyName
from flows.settings import load_settings
from warehouse import ingest
from warehouse.listing import read_listing
from warehouse.sources import manifest, wbdc
from warehouse.store import open_store
from warehouse.taxonomy import load_taxonomy


def list_videos(
    source: Source,
    annotations: Annotations,
    partition: NewPartition,
    role: Role,
    media: Media = None,
    taxonomy: TaxonomyName = None,
    rehash: Rehash = False,
) -> dict[str, Any]:
    """List the videos of one partition, with the digest of each medium.

    Raises:
        Invalid: a file cannot be read, or a row is wrong; nothing was written.
    """
    settings = load_settings()
    records = wbdc.read_records(annotations, partition) if source == "wbdc" else manifest.read_records(annotations)
    categories = load_taxonomy(taxonomy or settings.taxonomy) if role == "labeled" else None
    listing = read_listing(records, partition, role, media or annotations.parent, categories)
    store = open_store(settings.root, settings.catalog_url)
    with artifacts.progress(f"hash {partition}") as show:
        summary = ingest.publish_listing(store, listing, datetime.now(UTC), rehash=rehash, on_hashed=show)
    row = asdict(summary)
    artifacts.leave("ingest", f"{partition}: {row['num_videos']} videos listed", [row])
    return row


ingest_videos = deployment("ingest-videos")(list_videos)
