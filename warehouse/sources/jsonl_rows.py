"""Rows of a JSONL listing: one JSON object a line."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from warehouse.errors import Invalid
from warehouse.sources import utf8
from warehouse.sources.columns import check_columns
from warehouse.sources.record import Row


def read_jsonl(manifest: Path, known: Sequence[str]) -> Iterator[Row | Invalid]:
    """Read the rows as a stream.

    Args:
        manifest: The file.
        known: The keys that a row may have.

    Yields:
        Each row with the number of its line, or what is wrong with it; blank lines are passed over.

    Raises:
        Invalid: The file is no text of lines.
        OSError: It cannot be read.
    """
    with utf8.open_text(manifest) as file:
        for number, line in enumerate(utf8.lines(file, manifest), start=1):
            text = line.strip().lstrip(
                "\ufeff"
            )  # files joined end to end keep each one's byte order mark
            if not text:
                continue
            try:
                yield Row(manifest, number, _object(text, known, f"{manifest}, row {number}"))
            except Invalid as error:
                yield error


def _object(text: str, known: Sequence[str], where: str) -> dict[str, Any]:
    if (problem := utf8.fault(text)) is not None:
        raise Invalid(f"{where} {problem}")
    try:
        fields = json.loads(text)
    except json.JSONDecodeError as error:
        problem = f"{error.msg[:1].lower()}{error.msg[1:]} at character {error.colno}"
        raise Invalid(f"{where} is not valid JSON ({problem}): correct that line") from error
    except (ValueError, RecursionError) as error:
        raise Invalid(
            f"{where} is not valid JSON (too many digits or brackets): correct that line"
        ) from error
    if not isinstance(fields, dict):
        raise Invalid(f"{where} is not a JSON object: give {{video_id, path, …}}")
    check_columns(fields, known, where)
    return fields
