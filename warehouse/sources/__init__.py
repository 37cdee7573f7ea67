"""One module for each input format; each reads a listing as a stream of `VideoRecord`."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast

if TYPE_CHECKING:  # naming a format must not cost the import of its reader
    from warehouse.sources.record import Refuse, VideoRecord

Source = Literal["wbdc", "manifest", "corrections"]
"""The formats that annotations may have; the module of each is called as it is. `corrections` are
of the labels of a partition that is there."""


class _Reader(Protocol):
    def read_records(
        self, annotations: Path, partition: str, refuse: "Refuse", /
    ) -> Iterator["VideoRecord"]: ...


def read_annotations(
    source: Source, annotations: Path, partition: str, refuse: "Refuse"
) -> Iterator["VideoRecord"]:
    """Read annotations as a stream.

    Args:
        source: Their format.
        annotations: The file.
        partition: In the layout of the contest it is also the folder of the frames.
        refuse: Called with what is wrong with a row.

    Returns:
        One record for each row that is right.

    Raises:
        Invalid: The file cannot be read, or is not of this format.
    """
    reader = cast("_Reader", importlib.import_module(f"{__name__}.{source}"))
    return reader.read_records(annotations, partition, refuse)
