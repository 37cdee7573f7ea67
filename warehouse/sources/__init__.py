"""One module for each input format; each reads a listing as a stream of `VideoRecord`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # naming a format must not cost the import of its reader
    from warehouse.sources.record import Refuse, VideoRecord

Source = Literal["wbdc", "manifest"]
"""The formats that annotations may have."""


def read_annotations(
    source: Source, annotations: Path, partition: str, refuse: "Refuse"
) -> Iterator["VideoRecord"]:
    """Read annotations as a stream.

    Args:
        source: Their format.
        annotations: The file.
        partition: In the layout of the contest it is also the folder of the frames.
        refuse: Called with what is wrong with a row.

    Raises:
        Invalid: The file cannot be read, or is not of this format.
    """
    from warehouse.sources import manifest, wbdc  # noqa: PLC0415 - as above

    if source == "wbdc":
        return wbdc.read_records(annotations, partition, refuse)
    return manifest.read_records(annotations, refuse)
