"""The face of stored features, for notebooks and scripts: it reads, and publishes nothing."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import polars as pl

from featurestore import wanted
from featurestore.reading import scan, snapshot
from featurestore.reading.examples import Examples
from featurestore.reading.snapshot import Snapshot
from warehouse import commits, tables
from warehouse.storage.s3.s3_root import CACHE_BYTES, SCHEME, parse_root
from warehouse.store import Root, open_existing_store

if TYPE_CHECKING:  # importing torch takes seconds, and only `to_torch` needs it
    from featurestore.reading.dataset import ExampleDataset


class FeatureStore:
    """The features of a store, read under its wanted recipes; a context manager.

    Args:
        root: The store's folder, or `s3://bucket/prefix`.
        catalog_url: SQLAlchemy's URL of the catalog; None where it lies in the root.
        cache: This machine's folder of what was read of a store in a bucket.

    Raises:
        Invalid: There is no store.
    """

    def __init__(
        self,
        root: str | Path,
        catalog_url: str | None = None,
        cache: str | Path = "~/.cache/reelstore",
    ) -> None:
        place: Root = Path(root)
        if str(root).startswith(SCHEME):
            place = parse_root(str(root), Path(cache).expanduser().absolute(), CACHE_BYTES)
        self.store = open_existing_store(place, catalog_url)

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of the catalog."""
        self.store.engine.dispose()

    def partitions(self) -> list[str]:
        """The names of the partitions that were ingested.

        >>> import featurestore
        >>> featurestore.open("store").partitions()
        ['2026-11-20', 'labeled']
        """
        return [partition.name for partition in tables.video_partitions(self.store)]

    def features(
        self, view: str, partitions: Sequence[str] | None = None, as_of: datetime | None = None
    ) -> pl.LazyFrame:
        """Read one view, one row for each video that has it.

        Args:
            view: The view's name.
            partitions: Their names; all where it is None.
            as_of: Reads what was committed by this moment, with a time zone; None for now.

        Returns:
            `partition`, `video_id` and the view's own columns; nothing is read before `collect`.

        Raises:
            Invalid: There is no such view or partition, or it has no up-to-date features.

        >>> import featurestore
        >>> rows = featurestore.open("store").features("text", ["labeled"])
        >>> rows.select("video_id").head(1).collect().item()
        '00000000000000000000'
        """
        return scan.features(self.store, self._pin([view], partitions, as_of), view)

    def frames(
        self, partitions: Sequence[str] | None = None, as_of: datetime | None = None
    ) -> pl.LazyFrame:
        """Read frame embeddings; arguments and errors as of `features`.

        >>> import featurestore
        >>> rows = featurestore.open("store").frames(["2026-11-20"]).collect()
        >>> rows.columns
        ['partition', 'video_id', 'embeddings', 'frame_mask', 'pts_seconds']
        """
        return self.features("frames", partitions, as_of)

    def text(
        self, partitions: Sequence[str] | None = None, as_of: datetime | None = None
    ) -> pl.LazyFrame:
        """Read tokens and keywords; arguments and errors as of `features`.

        >>> import featurestore
        >>> rows = featurestore.open("store").text(["2026-11-20"])
        >>> rows.select("keywords", "keyword_weights").collect().columns
        ['keywords', 'keyword_weights']
        """
        return self.features("text", partitions, as_of)

    def examples(
        self, partitions: Sequence[str] | None = None, as_of: datetime | None = None
    ) -> Examples:
        """Map the examples of partitions, with all wanted views and the index of each label.

        Args:
            partitions: Their names; all where it is None.
            as_of: Reads what was committed by this moment, with a time zone; None for now.

        Raises:
            Invalid: There is no such partition, or it has no up-to-date features.

        >>> import featurestore
        >>> import numpy as np
        >>> examples = featurestore.open("store").examples(["2026-11-20"])
        >>> examples.read(np.arange(2)).embeddings.shape
        (2, 8, 4)
        """
        pinned = self._pin(None, partitions, as_of)
        labelled = [pin.labels for pin in pinned.pins if pin.labels]
        taxonomy = (
            tables.taxonomy_of(commits.commit_by_id(self.store, labelled[0])) if labelled else None
        )
        return Examples(self.store, pinned, taxonomy)

    def to_torch(
        self, partitions: Sequence[str] | None = None, as_of: datetime | None = None
    ) -> "ExampleDataset":
        """Make a torch dataset of examples; arguments and errors as of `examples`.

        >>> import featurestore
        >>> dataset = featurestore.open("store").to_torch(["2026-11-20"])
        >>> dataset[0].features.frame_mask.shape
        (1, 8)
        """
        from featurestore.reading.dataset import ExampleDataset  # noqa: PLC0415 - as above

        return ExampleDataset(self.examples(partitions, as_of))

    def _pin(
        self, views: Sequence[str] | None, partitions: Sequence[str] | None, as_of: datetime | None
    ) -> Snapshot:
        fingerprints = wanted.require(self.store, as_of, views)
        names = self.partitions() if partitions is None else partitions
        return snapshot.pin(self.store, names, fingerprints, as_of)
