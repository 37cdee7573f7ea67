"""The operation: annotations and media become a partition of videos, and of labels."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from warehouse import commits
from warehouse.commits import Forgotten
from warehouse.errors import Invalid
from warehouse.identifiers import Role
from warehouse.ingest.ingestion import IngestSummary, publish_listing
from warehouse.ingest.listing import Listing, read_listing
from warehouse.ingest.passed_over import PassedOver
from warehouse.ingest.relabelling import CorrectionSummary, correct_labels
from warehouse.ingest.set_aside import MAX_NAMED, SetAside
from warehouse.reporting import SILENT, Reporter, announcing_refusal
from warehouse.sources import Source, read_annotations
from warehouse.sources.record import refuse_all
from warehouse.store import Root, Store, has_journal, open_existing_store, open_store
from warehouse.tables.taxonomy import load_taxonomy

_NAMED = {
    "rows_set_aside": ("num_rows_set_aside", "row set aside"),
    "media_unread": ("num_media_unread", "medium not read"),
}
"""What is told in sentences, with its count and what one of it is called."""


class IngestParameters(BaseModel):
    """What is ingested, and how strictly."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source = Field(description="The format of the annotations.")
    annotations: Path = Field(
        description="The annotation file, an absolute path where the worker runs."
    )
    partition: str = Field(description="The partition's name, such as 2026-11-20.")
    role: Role = Field(description="What the partition is for.")
    media: Path | None = Field(
        None, description="The folder of the media; by default that of the annotations."
    )
    taxonomy: str | None = Field(
        None,
        description="A shipped taxonomy's name or a CSV file; by default the settings' own.",
    )
    rehash: bool = Field(
        False, description="Read every medium again, also where size and time are unchanged."
    )
    strict: bool = Field(
        False,
        description=(
            "Refuse the listing for one wrong row; by default wrong rows are set aside and named,"
            " as long as they are at most 5%, or at most 20."
        ),
    )


def ingest_videos(
    root: Root,
    catalog_url: str | None,
    parameters: IngestParameters,
    now: datetime,
    *,
    taxonomy: str,
    keep_labels: bool = False,
    announces_refusal: bool = True,
    reporter: Reporter = SILENT,
) -> IngestSummary | CorrectionSummary:
    """List the videos of one partition, with the digest of each medium.

    Or, by the source `corrections`, correct labels of a partition that is there.

    Args:
        root: Of the store; it is made, with its catalog, once the listing is known to be good.
        catalog_url: As for `open_store`.
        parameters: What is ingested.
        now: The moment, in UTC.
        taxonomy: Of the labels, where the parameters name none.
        keep_labels: True to look for media alone: labels may have been corrected since the listing.
        announces_refusal: False where the same listing was refused before.
        reporter: Is told of the media that are read.

    Raises:
        Invalid: A file cannot be read, or more rows are wrong than may be set aside; nothing was
            written.
    """
    summary: IngestSummary | CorrectionSummary
    told = reporter if announces_refusal else SILENT
    with announcing_refusal(told, parameters.partition, "videos"):
        if parameters.source == "corrections":
            summary = _correct(open_existing_store(root, catalog_url), parameters, now)
        else:
            # A store whose catalog is lost, or mistyped, gets no new one.
            is_there = has_journal(root)
            store = open_existing_store(root, catalog_url) if is_there else None
            forgotten = Forgotten() if store is None else commits.forgotten(store)
            listing = _read(parameters, taxonomy, PassedOver(forgotten))
            with reporter.progress(f"hash {parameters.partition}") as show:
                summary = publish_listing(
                    store or open_store(root, catalog_url),
                    listing,
                    now,
                    rehash=parameters.rehash,
                    keep_labels=keep_labels,
                    on_hashed=show,
                )
    if isinstance(summary, IngestSummary) and summary.changed:
        facts = {"dataset": "videos", "commits": [summary.videos_commit]}
        reporter.announce("partition.committed", parameters.partition, facts)
    counts = {name: value for name, value in asdict(summary).items() if name not in _NAMED}
    reporter.summarize(sentences_of(summary), [counts])
    return summary


def sentences_of(summary: IngestSummary | CorrectionSummary) -> list[str]:
    """Put what an ingest has found into lines for people.

    Args:
        summary: Of the ingest.

    Returns:
        A line of counts, then one for each row that was set aside and each medium that was not
        read, as far as they are named.
    """
    row = asdict(summary)
    lines = [", ".join(f"{name} {value}" for name, value in row.items() if name not in _NAMED)]
    for name, (count, what) in _NAMED.items():
        sentences = row.get(name, ())
        lines += [f"{what}: {sentence}" for sentence in sentences]
        if len(sentences) == MAX_NAMED < row[count]:
            lines.append(f"{what}: {row[count] - MAX_NAMED:,} more")
    return lines


def _correct(store: Store, parameters: IngestParameters, now: datetime) -> CorrectionSummary:
    needless = [name for name in ("media", "taxonomy", "rehash") if getattr(parameters, name)]
    if parameters.role != "labeled" or needless:
        raise Invalid(
            "labels are corrected in a partition of role labeled, by the taxonomy that they have"
            " there: give the role labeled, and neither media nor taxonomy nor rehash"
        )
    set_aside = None if parameters.strict else SetAside()
    return correct_labels(store, parameters.annotations, parameters.partition, now, set_aside)


def _read(parameters: IngestParameters, taxonomy: str, passed_over: PassedOver) -> Listing:
    set_aside = None if parameters.strict else SetAside()
    refuse = refuse_all if set_aside is None else set_aside.add
    records = read_annotations(
        parameters.source, parameters.annotations, parameters.partition, refuse
    )
    categories = None
    if parameters.role == "labeled":
        categories = load_taxonomy(parameters.taxonomy or taxonomy)
    media = parameters.media or parameters.annotations.parent
    return read_listing(
        records, parameters.partition, parameters.role, media, categories, set_aside, passed_over
    )


def open_or_make(root: Root, catalog_url: str | None) -> Store:
    """Open the store of a root, or make the first one there."""
    # A store whose catalog is lost, or mistyped, gets no new one.
    if has_journal(root):
        return open_existing_store(root, catalog_url)
    return open_store(root, catalog_url)
