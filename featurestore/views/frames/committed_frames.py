"""Frames that commits of a recipe hold already, read back by content and kind."""

from collections.abc import Collection, Sequence

from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.committed import Committed
from featurestore.progress.reasons import Reason
from featurestore.views.frames.frame_chunks import (
    has_previews,
    preview_name,
    read_outcomes,
    shard_name,
)
from featurestore.views.frames.outcome import Content, FrameOutcome
from warehouse import commits
from warehouse.commits import Commit
from warehouse.store import Store


class CommittedFrames:
    """The outcomes that heads of one recipe already hold; arguments as of `Committed`."""

    def __init__(
        self,
        store: Store,
        heads: Sequence[Commit],
        limits: WorkLimits,
        head: Commit | None = None,
        listing: Commit | None = None,
        again: Sequence[Reason] | None = None,
    ) -> None:
        # Where a content was committed twice, the commit with preview strips serves everyone.
        drawn_first = sorted(heads, key=lambda commit: not has_previews(commit))
        self._committed = Committed(store, "frames", drawn_first, limits, head, listing, again)

    def find(self, contents: Collection[Content], *, previews: bool) -> dict[Content, FrameOutcome]:
        """Read the outcomes of some contents.

        Args:
            contents: What is wanted.
            previews: Leave out what was committed without a preview strip.

        Returns:
            The outcomes that there are, by content.
        """
        outcomes: dict[Content, FrameOutcome] = {}
        for commit, shard, rows in self._committed.find(contents):
            names = set() if shard is None else {shard_name(shard), preview_name(shard)}
            # Checked before they are parsed, once in each process.
            paths = {
                name: commits.verified_path(commit, name) for name in names & set(commit.files)
            }
            outcomes |= read_outcomes(paths, shard, rows, previews=previews)
        return outcomes
