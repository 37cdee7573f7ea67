"""Which published failures can be tried again."""

from collections.abc import Sequence

import polars as pl

from featurestore.ledger import LEDGER_FILE
from featurestore.reasons import Reason
from warehouse import tables
from warehouse.commits import Commit
from warehouse.tables import VideoPartition


def num_to_retry(commit: Commit, partition: VideoPartition, reasons: Sequence[Reason]) -> int:
    """Count the videos that a retry would read again.

    A medium that was not there at ingest has no digest to be extracted under: only another ingest can find it.

    Args:
        commit: the up-to-date head of the frames view.
        partition: what it was made from.
        reasons: those that are tried again.

    Returns:
        How many videos failed for one of the reasons and had a medium when they were ingested.
    """
    if not any(commit.facts["outcomes"].get(reason) for reason in reasons):
        return 0
    failed = tables.read_table(commit, LEDGER_FILE, ["video_id", "outcome"]).filter(
        pl.col("outcome").is_in(list(reasons))
    )
    with_medium = tables.videos(partition, ["video_id", "media_sha256"]).drop_nulls("media_sha256")
    return failed.join(with_medium, on="video_id", how="semi").height
