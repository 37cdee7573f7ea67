"""What a feature view is: all that the store, the plan, the ledger and the reader know of one."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from featurestore.views.spec import Spec
from warehouse import tables
from warehouse.commits import Commit
from warehouse.tables import VideoPartition

Rows = npt.NDArray[np.integer[Any]]
SHARD = "shard-"
"""What the files of a view's rows begin with; their names sort as the chunks do."""


class View(Protocol):
    """One feature view, in a folder of its own, made known by `registry.register`.

    The folder's `make.py` makes the chunks (see `extraction.making`): it alone may need decoders,
    models or cutters of words, and nothing but extraction imports it.
    """

    name: ClassVar[str]
    """In lower-case letters, digits and underscores; names folders, aliases and fields."""
    package: ClassVar[str]
    """The dotted name of the folder, in which extraction finds `make`."""
    spec_class: ClassVar[type[Spec]]
    """Of its recipes."""
    input_column: ClassVar[str]
    """The column of a listing that is null where a video has nothing to make features of."""
    content_column: ClassVar[str]
    """The column of a listing that says which videos are alike: a ledger's `content_sha256`."""
    reads_media: ClassVar[bool] = False
    """Whether the kind of a video's medium counts as a part of its content."""
    is_required: ClassVar[bool] = False
    """Whether every store wants it, by a recipe that the settings give; any other view is extracted
    where a recipe of it was frozen."""
    takes_over: ClassVar[bool] = False
    """Whether a chunk takes over what other commits of its recipe hold, content by content; a view
    that does not is made anew for a whole partition, as that costs less than looking."""
    traits: ClassVar[Mapping[str, Any]] = {"video_id": pl.String}
    """Columns and types of what a checked chunk leaves for `warnings`, one row for each of its
    videos."""

    def facts(self, partition: VideoPartition) -> dict[str, Any]:  # noqa: ARG002 - none by default
        """Facts of a commit that follow from what the partition is for."""
        return {}

    def suits(
        self,
        commit: Commit,  # noqa: ARG002 - any commit does by default
        partition: VideoPartition,  # noqa: ARG002 - as above
    ) -> bool:
        """Whether a commit has all that the partition's role asks for."""
        return True

    def warnings(self, traits: pl.DataFrame) -> dict[str, Any]:  # noqa: ARG002 - none by default
        """Find what is odd in a whole partition and yet may be right.

        Args:
            traits: Rows of `traits`.

        Returns:
            For each warning that applies, how many `videos` and a few of their `video_ids`.
        """
        return {}

    def scan(self, commit: Commit, spec: Spec) -> pl.LazyFrame:  # noqa: ARG002 - rows tell all
        """Read the rows of a commit lazily: `video_id` and the view's own columns."""
        return tables.scan_table(commit, SHARD)

    def digests(self, commit: Commit) -> pl.DataFrame:
        """The video ids of a commit, with a digest of each other column's value."""
        rows = tables.scan_table(commit, SHARD)
        ids = pl.col("video_id")
        return rows.select(ids, pl.all().exclude("video_id").hash()).collect(engine="streaming")

    def without(self, commit: Commit, video_ids: Collection[str]) -> dict[str, bytes | None]:
        """Write the files of a commit again without some videos.

        The rows that stay keep their order, in files of the same names.

        Args:
            commit: A commit of the view.
            video_ids: The videos.

        Returns:
            The files that change, by name; None for one that has nothing left to hold.
        """
        return tables.without(commit, SHARD, video_ids)

    def index(self, spec: Spec) -> "ViewIndex":
        """Begin the view's columns of an index of examples.

        Args:
            spec: The recipe of what is read.
        """


class Columns(Protocol):
    """Columns that grow at their end."""

    def append(self, name: str, values: npt.ArrayLike) -> None:
        """Add values to the end of a column."""

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A column as far as it has grown, `[N]`."""


class ViewIndex(Protocol):
    """A view's columns of an index of examples, and how its features are read by them."""

    dtypes: Mapping[str, Any]
    """The type of each column."""
    absent: Mapping[str, Any]
    """Of the columns with one value for each example: the value where it lacks the view. Any other
    column is the view's own to append to."""

    def add(self, commit: Commit, columns: Columns) -> Iterator[pl.DataFrame]:
        """Add a commit of the view.

        Args:
            commit: What is read.
            columns: Where the view's own columns grow.

        Yields:
            `video_id` and the columns of `absent`, for the videos that have the view, by video id.
        """

    def read(self, columns: Columns, rows: Rows) -> dict[str, Any]:
        """Read the features of some examples, by name.

        Args:
            columns: The whole index.
            rows: `[B]`, positions among the examples.
        """

    def release(self) -> None:
        """Let go of what was kept for more reads of the same examples."""


def shard_names(commit: Commit) -> list[str]:
    """The files of a commit's rows, in the order of the chunks."""
    return [name for name in sorted(commit.files) if name.startswith(SHARD)]
