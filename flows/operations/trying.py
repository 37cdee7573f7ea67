"""The frames recipe of the settings tried on a few videos of a partition.

Nothing is frozen and nothing published.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.encoding.execution_modes import ComparedMode, compare_modes
from featurestore.extraction.frames import FrameExtractor
from featurestore.progress.reasons import OK
from featurestore.views.frames.frame_chunks import wants_previews
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.spec import fingerprint
from flows.operations import wanted_specs
from flows.settings import Settings
from warehouse import tables
from warehouse.errors import Invalid
from warehouse.store import Store

Choice = Literal["first", "sample"]


@dataclass(frozen=True)
class Trial:
    """What came of a few videos."""

    partition: str
    fingerprint: str
    """Of the recipe as it would be frozen."""
    tried: int
    """Distinct media."""
    outcomes: dict[str, int]
    """How many ended in `ok` and in each reason, the commonest first."""
    failed: dict[str, str]
    """Why, by video id."""
    seconds: float
    """Of decoding and encoding, start-up aside."""
    contents: int
    """Distinct media of the partition."""
    faster_mode: ComparedMode | str
    """The execution mode that may be faster on this machine, or why it cannot be used."""

    @property
    def videos_per_second(self) -> float:
        """Distinct media tried in each second."""
        return self.tried / self.seconds

    @property
    def estimated_seconds(self) -> float:
        """What the whole partition would take, if nothing of it were reused."""
        return self.contents / self.videos_per_second


def try_recipe(
    store: Store,
    settings: Settings,
    partition: str,
    num_videos: int,
    choice: Choice,
    clock: Callable[[], float] = time.perf_counter,
) -> Trial:
    """Extract the frames of a few videos under the recipe that the settings ask for.

    Args:
        store: Where the partition is listed; left as it is.
        settings: Name the encoder, and say how many processes decode.
        partition: Its name.
        num_videos: How many distinct media to try, at most.
        choice: The first ones by video id, or those of the smallest digests, which are spread over
            the partition and the same each time.
        clock: Seconds that only ever rise.

    Raises:
        Invalid: There is no such partition, or nothing in it to try, or the settings name no
            encoder.
        Retryable: No decoding worker can be started.
    """
    listed = tables.video_partition(store, partition)
    media = tables.read_videos(listed).drop_nulls("media_sha256").sort("video_id")
    media = media.unique(["content_sha256", "media_kind"], keep="first", maintain_order=True)
    if media.is_empty():
        raise Invalid(f"no video of {partition} has a medium to try the recipe on")
    spec, weights = wanted_specs.frame_spec(settings), settings.path_of("encoder_weights")
    rows = (media if choice == "first" else media.sort("content_sha256", "media_kind")).head(
        num_videos
    )
    items = [
        MediaItem(row["content_sha256"], listed.media_root / row["media_path"], row["media_kind"])
        for row in rows.iter_rows(named=True)
    ]
    allowed, limits = settings.allow_missing_jail_layers, settings.work_limits
    with FrameExtractor(spec, weights, settings.decode_workers, limits, allowed) as extractor:
        extractor.extract(items[:1] * settings.decode_workers, previews=False)  # starts the workers
        started = clock()
        outcomes = extractor.extract(items, previews=wants_previews(listed))
        seconds = clock() - started
    found = rows.select("video_id").with_columns(
        outcome=pl.Series([outcome.reason for outcome in outcomes], dtype=pl.String),
        detail=pl.Series([outcome.detail for outcome in outcomes], dtype=pl.String),
    )
    failed = found.filter(pl.col("outcome") != OK)
    return Trial(
        partition=partition,
        fingerprint=fingerprint(spec),
        tried=len(items),
        outcomes=dict(Counter(found["outcome"]).most_common()),
        failed={
            row["video_id"]: f"{row['outcome']}: {row['detail']}"
            for row in failed.iter_rows(named=True)
        },
        seconds=seconds,
        contents=len(media),
        faster_mode=_compare_modes(spec, weights),
    )


def _compare_modes(spec: FrameSpec, weights: Path) -> ComparedMode | str:
    try:
        return compare_modes(spec, weights)
    except Invalid as error:
        return str(error)
