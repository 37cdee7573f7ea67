"""One version for each format of the store, checked before its bytes are used."""

import json
from typing import Any

from warehouse.errors import Corrupt, Invalid
from warehouse.identifiers import shown

FIELD = "format_version"
"""What the version is called, in JSON, in Parquet's metadata and in HDF5's attributes."""


def check_version(found: object, known: int, where: object, *, oldest: int | None = None) -> None:
    """Refuse a format that this code does not read.

    Args:
        found: The version that a file names.
        known: The version that this code writes.
        where: The file, for the sentence.
        oldest: The earliest version that this code reads; None for the known one alone.

    Raises:
        Invalid: It is no version that is read.
    """
    first = known if oldest is None else oldest
    if type(found) is not int or not first <= found <= known:
        read = f"version {known}" if first == known else f"versions {first} to {known}"
        raise Invalid(
            f"{where} has format version {shown(found)}, and this Reelstore reads {read}:"
            " upgrade Reelstore"
        )


def read_json(
    payload: bytes, known: int, where: object, *, oldest: int | None = None
) -> dict[str, Any]:
    """Read a JSON object that names its format's version.

    Args:
        payload: A whole file, whose digest was checked.
        known: The newest version that this code reads.
        where: The file, for the sentence.
        oldest: As for `check_version`.

    Returns:
        The object, with its version.

    Raises:
        Invalid: It has another version.
        Corrupt: It is no JSON object.
    """
    try:
        content = json.loads(payload)
    except ValueError as error:
        raise Corrupt(f"{where} is no JSON ({error}): restore it from a copy") from error
    if not isinstance(content, dict):
        raise Corrupt(f"{where} holds no JSON object: restore it from a copy")
    check_version(content.get(FIELD), known, where, oldest=oldest)
    return content
