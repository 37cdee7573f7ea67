"""A whole listing as one checked table, made before anything is written."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, islice
from pathlib import Path

import polars as pl
import pyarrow as pa

from warehouse.errors import Invalid
from warehouse.identifiers import PartitionName, Role, parse_partition_name, shown
from warehouse.ingest.passed_over import PassedOver
from warehouse.ingest.set_aside import SetAside
from warehouse.sources.record import Refuse, VideoRecord, refuse_all
from warehouse.storage import files
from warehouse.tables.taxonomy import Taxonomy

_BLOCK_ROWS = 8192
_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.Int64,
    "video_id": pl.String,
    "media_path": pl.String,
    "media_kind": pl.String,
    "title": pl.String,
    "ocr": pl.List(pl.Struct({"time_seconds": pl.Float64, "text": pl.String})),
    "asr": pl.String,
    "text_sha256": pl.String,
    "category_id": pl.String,
    "level1_id": pl.String,
    "annotator": pl.String,
    "source": pl.String,
}


@dataclass(frozen=True)
class Listing:
    """The checked rows of one partition."""

    source: Path
    """The listing's file."""
    partition: PartitionName
    """The partition's name."""
    role: Role
    """What its videos are for."""
    media_root: Path
    """The absolute folder that media paths are relative to."""
    taxonomy: Taxonomy | None
    """The categories, where they are known."""
    rows: pl.DataFrame
    """One row for each video, by video id: row, video_id, media_path, media_kind, title, ocr, asr,
    text_sha256, category_id and level1_id (null where there is no category), annotator and source
    (of the label)."""
    set_aside: SetAside
    """The wrong rows, which are not listed."""
    passed_over: PassedOver
    """The rows of forgotten videos, which are not listed either."""


def read_listing(
    records: Iterable[VideoRecord],
    partition: str,
    role: Role,
    media_root: Path,
    taxonomy: Taxonomy | None,
    set_aside: SetAside | None = None,
    passed_over: PassedOver | None = None,
) -> Listing:
    """Read every record, check it, and keep it compactly; nothing is written.

    Args:
        records: A source's records.
        partition: The partition's name.
        role: What its videos are for; a labeled partition needs a category in every row.
        media_root: The folder that media paths are relative to.
        taxonomy: The categories; needed for a labeled partition.
        set_aside: Where a record goes that repeats a video id, lacks its category or names an
            unknown one, beside what its source has put there; without it the first wrong record
            refuses the listing.
        passed_over: What the store has forgotten; nothing where it is None.

    Returns:
        The checked rows.

    Raises:
        Invalid: A name is not usable, the media root is no folder, or too many records are wrong.
    """
    name = parse_partition_name(partition)
    if not _is_folder(media_root):
        raise Invalid(
            f"media root {media_root} is not a folder: name the folder that the media paths are"
            " relative to"
        )
    if role == "labeled" and taxonomy is None:
        raise Invalid(
            f"labeled partition {name} needs a taxonomy: name a shipped one or a CSV file"
        )
    left_out, refuse = (SetAside(), refuse_all) if set_aside is None else (set_aside, set_aside.add)
    forgotten = passed_over or PassedOver()
    stream = forgotten.others(records)
    first = next(stream, None)
    if first is None:
        if left_out.num_rows:
            left_out.check(0, f"the listing of partition {name}")
        raise Invalid(
            f"the listing of partition {name} names no videos: give one with a row for each"
        )
    known = _with_known_category(chain([first], stream), role, taxonomy, refuse)
    blocks = [_block(block, taxonomy) for block in _blocks(known)]
    rows = pl.concat([pl.DataFrame(schema=_COLUMNS), *blocks]).sort("video_id", "row")
    rows = _without_repeats(rows, first.source, refuse)
    left_out.check(len(rows), str(first.source))
    root = media_root.absolute()
    return Listing(first.source, name, role, root, taxonomy, rows, left_out, forgotten)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # it lies in a closed folder, or no file can have its name
        return False


def _without_repeats(rows: pl.DataFrame, source: Path, refuse: Refuse) -> pl.DataFrame:
    is_first = pl.col("video_id").ne_missing(pl.col("video_id").shift())
    repeated = rows.select("video_id", "row", is_first=is_first).filter(
        pl.col("video_id").is_duplicated()
    )
    first = 0
    for video_id, row, stays in repeated.iter_rows():
        if stays:
            first = row
        else:
            refuse(
                Invalid(
                    f"{source}, rows {first} and {row} both list video {video_id}: keep one of them"
                )
            )
    return rows.filter(is_first) if len(repeated) else rows


def _with_known_category(
    records: Iterable[VideoRecord], role: Role, taxonomy: Taxonomy | None, refuse: Refuse
) -> Iterator[VideoRecord]:
    for record in records:
        problem = _problem_of_category(record, role, taxonomy)
        if problem is None:
            yield record
        else:
            refuse(Invalid(f"{record.source}, row {record.row}: {problem}"))


def _problem_of_category(record: VideoRecord, role: Role, taxonomy: Taxonomy | None) -> str | None:
    category_id = record.category_id
    if category_id is None:
        advice = "give one, or ingest it into a partition of another role"
        return (
            f"video {record.video_id} has no category_id: {advice}" if role == "labeled" else None
        )
    if taxonomy is None or category_id in taxonomy:
        return None
    bare = category_id.lstrip("0")
    meant = next((known for known in taxonomy.category_ids if known.lstrip("0") == bare), None)
    hint = "" if meant is None else f", but {shown(meant)} is"
    return (
        f"category_id {shown(category_id)} is not in taxonomy {taxonomy.name}{hint}: "
        "correct the row, or name its taxonomy"
    )


def _blocks(records: Iterator[VideoRecord]) -> Iterator[list[VideoRecord]]:
    while block := list(islice(records, _BLOCK_ROWS)):
        yield block


def _block(records: Sequence[VideoRecord], taxonomy: Taxonomy | None) -> pl.DataFrame:
    columns = {
        "row": [record.row for record in records],
        "video_id": [record.video_id for record in records],
        "media_path": [record.media_path for record in records],
        "media_kind": [_media_kind(record.media_path) for record in records],
        "title": [record.title for record in records],
        "ocr": _ocr_column(records),
        "asr": [record.asr for record in records],
        "text_sha256": [_text_sha256(record) for record in records],
        "category_id": [record.category_id for record in records],
        "level1_id": [_level1_id(record.category_id, taxonomy) for record in records],
        "annotator": [record.annotator for record in records],
        "source": [record.label_source for record in records],
    }
    return pl.DataFrame(columns, schema=_COLUMNS)


def _ocr_column(records: Sequence[VideoRecord]) -> pl.Series:
    # Built flat by Arrow: Polars takes six times as long over nested dictionaries, and ten times
    # the memory.
    lines = [line for record in records for line in record.ocr]
    times = pa.array([line.time_seconds for line in lines], pa.float64())
    texts = pa.array([line.text for line in lines], pa.large_string())
    ends = accumulate((len(record.ocr) for record in records), initial=0)
    structs = pa.StructArray.from_arrays([times, texts], ["time_seconds", "text"])
    return pl.Series("ocr", pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), structs))


def _media_kind(media_path: str | None) -> str | None:
    if media_path is None:
        return None
    return "frames_zip" if media_path.lower().endswith(".zip") else "video"


def _text_sha256(record: VideoRecord) -> str:
    lines = [[line.time_seconds, line.text] for line in record.ocr]
    return files.sha256_bytes(files.canonical_json([record.title, record.asr, lines]))


def _level1_id(category_id: str | None, taxonomy: Taxonomy | None) -> str | None:
    return None if category_id is None or taxonomy is None else taxonomy.level1_of(category_id)
