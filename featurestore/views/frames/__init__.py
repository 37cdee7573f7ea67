"""The frames view: eight embeddings of each video."""

from collections.abc import Collection
from typing import Any

import polars as pl

from featurestore.views.frames import frame_checks, frame_chunks, frame_rows
from featurestore.views.frames.frame_index import FrameIndex
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.spec import Spec
from featurestore.views.view import View, ViewIndex
from warehouse.commits import Commit
from warehouse.tables import VideoPartition


class FramesView(View):
    """Embeddings of frames of a medium, and preview strips where reports show the video."""

    name = "frames"
    package = __name__
    spec_class = FrameSpec
    input_column = "media_sha256"
    content_column = "content_sha256"
    is_required = True
    reads_media = True
    takes_over = True
    traits = frame_checks.TRAITS

    def facts(self, partition: VideoPartition) -> dict[str, Any]:
        """Whether preview strips come with the embeddings."""
        return {"previews": frame_chunks.wants_previews(partition)}

    def suits(self, commit: Commit, partition: VideoPartition) -> bool:
        """Whether a commit has preview strips where the partition's role asks for them."""
        return frame_chunks.has_previews(commit) or not frame_chunks.wants_previews(partition)

    def warnings(self, traits: pl.DataFrame) -> dict[str, Any]:
        """Find slideshows, and videos of different bytes with equal embeddings."""
        return frame_checks.warnings(traits)

    def scan(self, commit: Commit, spec: Spec) -> pl.LazyFrame:
        """Read embeddings, masks and times; a file is checked when its rows are asked for."""
        return frame_rows.scan(commit, FrameSpec.model_validate(spec))

    def digests(self, commit: Commit) -> pl.DataFrame:
        """The video ids of a commit, with a digest of each array's row."""
        return frame_rows.digests(commit)

    def without(self, commit: Commit, video_ids: Collection[str]) -> dict[str, bytes | None]:
        """Write shards and preview strips again without some videos."""
        return frame_chunks.without(commit, video_ids)

    def index(self, spec: Spec) -> ViewIndex:
        """Begin the columns of where embeddings lie."""
        return FrameIndex(FrameSpec.model_validate(spec))


VIEW = FramesView()
