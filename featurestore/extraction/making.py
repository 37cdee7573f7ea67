"""What a view's `make.py` gives to extraction: the chunks of a partition, made and checked."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import polars as pl

from featurestore.extraction.runtime import Runtime
from featurestore.progress.reasons import Reason
from featurestore.views import registry
from warehouse.commits import Commit
from warehouse.store import Store
from warehouse.tables import VideoPartition

NOTES = {"kind": pl.String, "tried": pl.Boolean, "attempts": pl.Int64, "limit": pl.Float64}
"""What is noted of a chunk's rows until they are published: the medium's kind (null where there is
none), whether the medium or text was read in this run in place of being reused, the finished runs
in which it failed before, and what it met of the limits on a video's work."""


@dataclass(frozen=True)
class Made:
    """The files of one chunk, not yet staged."""

    files: dict[str, bytes]
    ledger: pl.DataFrame
    """Rows of `Ledger`, with `NOTES`."""
    num_extracted: int
    """Contents that were extracted for them."""
    jail: dict[str, bool] = field(default_factory=dict)
    """Which layers of the decoding workers' jail held; empty where nothing was decoded."""


@dataclass(frozen=True)
class Kept:
    """What an interrupted run has made of one chunk, as far as it stands."""

    paths: Mapping[str, Path]
    """Its files by name, checked."""
    ledger: pl.DataFrame
    """Rows of `Ledger`, with `NOTES`."""


class ChunkMaker(Protocol):
    """Makes the chunks of one view of one partition."""

    chunks: list[pl.DataFrame]

    def make(self, index: int, kept: Kept | None) -> Made:
        """Make the files of one chunk."""

    def check(self, index: int, paths: dict[str, Path], ledger: pl.DataFrame) -> pl.DataFrame:
        """Check files of one chunk as they were written; returns the view's `traits` of its videos.

        Raises:
            Corrupt: a video's features must not be published.
        """


class PartitionMaker(Protocol):
    """Makes partitions of one view under one recipe, with all that its recipe needs in memory."""

    def __call__(
        self, partition: VideoPartition, head: Commit | None, again: Sequence[Reason] | None
    ) -> ChunkMaker:
        """Begin a partition.

        Args:
            partition: What is listed.
            head: The commit that a retry builds upon; None to extract all that no commit holds.
            again: The reasons that a retry tries again; none to try again what met a limit that is
                higher now; None where nothing is built upon.
        """


OpenMaker = Callable[[Store, str, Runtime], AbstractContextManager[PartitionMaker]]
"""Opens what makes a view under the recipe of a fingerprint: the function `opened` of the view's
`make.py`, which alone imports av, timm or jieba."""


def open_maker(
    view: str, store: Store, fingerprint: str, runtime: Runtime
) -> AbstractContextManager[PartitionMaker]:
    """Open what makes a view, for as long as a block lasts.

    Args:
        view: Its name.
        store: Where the recipe and what it names are kept.
        fingerprint: Of the recipe, 64 hexadecimal digits.
        runtime: What it may use.

    Raises:
        Invalid: There is no such view, the recipe is of another transform version, or what it names
            is not what is here.
    """
    module = importlib.import_module(f"{registry.find(view).package}.make")
    return cast("OpenMaker", module.opened)(store, fingerprint, runtime)
