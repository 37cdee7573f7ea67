"""Rows of a CSV listing: a header, then one record for each video."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from warehouse.errors import Invalid
from warehouse.sources import utf8
from warehouse.sources.columns import check_columns
from warehouse.sources.record import Row

_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_csv(manifest: Path, known: Sequence[str]) -> Iterator[Row | Invalid]:
    """Read the rows as a stream.

    Args:
        manifest: The file.
        known: The columns that it may have.

    Yields:
        Each row with the number of its record, or what is wrong with it; blank records are passed
        over.

    Raises:
        Invalid: The header is wrong, or a broken record may hide others.
        OSError: The file cannot be read.
    """
    with utf8.open_text(manifest, newline="") as file:
        records = _records(file, manifest)
        columns = _header(records, manifest, known)
        number = 0
        for fields, unparsed, num_lines in records:
            if unparsed is None and not any(map(str.strip, fields)):
                continue
            number += 1
            where = f"{manifest}, row {number}"
            broken = unparsed or _misfit(fields, columns)
            if broken is not None and num_lines > 1:
                raise Invalid(
                    f"{where} spans {num_lines} lines, so that it may hide other rows, and {broken}"
                )
            if (problem := broken or utf8.fault("".join(fields))) is not None:
                yield Invalid(f"{where} {problem}")
            else:
                yield Row(manifest, number, dict(zip(columns, fields, strict=True)))


def _misfit(fields: list[str], columns: list[str]) -> str | None:
    alike = len(fields) == len(columns)
    return None if alike else "has not as many fields as the header: correct its commas or quotes"


def _records(file: TextIO, manifest: Path) -> Iterator[tuple[list[str], str | None, int]]:
    """Give each record's fields, what is wrong where it cannot be parsed.

    And how many lines it spans.
    """
    csv.field_size_limit(utf8.MAX_CHARS)  # of the process; no line that is read is longer
    reader = csv.reader(utf8.lines(file, manifest), strict=True)
    while True:
        before, fields, unparsed = reader.line_num, list[str](), None
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            unparsed = f"is no CSV record ({error}): correct its quotes"
        yield fields, unparsed, reader.line_num - before


def _header(
    records: Iterable[tuple[list[str], str | None, int]], manifest: Path, known: Sequence[str]
) -> list[str]:
    columns, unparsed, _ = next(iter(records), ([], None, 0))
    if (problem := unparsed or utf8.fault("".join(columns))) is not None:
        raise Invalid(f"{manifest}, its header {problem}")
    for delimiter, name in _OTHER_DELIMITERS.items():
        if len(columns) == 1 and "video_id" in columns[0].split(delimiter):
            raise Invalid(f"{manifest} has {name} between its columns: write it with commas")
    check_columns(columns, known, str(manifest))
    return columns
