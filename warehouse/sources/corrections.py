"""Corrected labels of videos that are listed already, such as `reelstore mistakes --csv` gives."""

from collections.abc import Iterator
from pathlib import Path

from warehouse.errors import Invalid
from warehouse.printable import text_of_cell
from warehouse.sources.manifest import read_rows
from warehouse.sources.record import Refuse, Row, VideoRecord, refuse_all

COLUMNS = (
    "video_id",
    "partition",
    "title",
    "category_id",
    "proposed_category_id",
    "probability",
    "annotator",
    "source",
)
"""What a list of mistakes has; `video_id` and `category_id` must be there."""


def read_records(
    labels: Path, partition: str, refuse: Refuse = refuse_all
) -> Iterator[VideoRecord]:
    """Read labels as a stream; memory does not grow with their number.

    Args:
        labels: A file that ends in `.jsonl`, `.csv` or `.parquet`.
        partition: Rows that name another partition are passed over.
        refuse: Called with what is wrong with a row.

    Yields:
        One record for each row that is right, with nothing but the label.

    Raises:
        Invalid: The file cannot be read, is not of that format or has no rows.
    """
    is_csv = labels.suffix.lower() == ".csv"
    for row in read_rows(labels, COLUMNS, refuse):
        if row.value("partition") not in (None, "", partition):
            continue
        try:
            record = _record(_uncelled(row) if is_csv else row)
        except Invalid as error:
            refuse(error)
        else:
            yield record


def _uncelled(row: Row) -> Row:
    fields = {name: text_of_cell(text) for name, text in row.fields.items()}
    return Row(row.source, row.number, fields)


def _record(row: Row) -> VideoRecord:
    return VideoRecord(
        source=row.source,
        row=row.number,
        video_id=row.video_id("video_id"),
        media_path=None,
        title="",
        asr="",
        ocr=(),
        category_id=row.category_id(),
        annotator=row.name("annotator"),
        label_source=row.name("source"),
    )
