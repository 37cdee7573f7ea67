"""A partition's listed videos in chunks of 512 contents, the unit of a task and of a shard file."""

import polars as pl

CHUNK_CONTENTS = 512


def chunks(videos: pl.DataFrame, content: str) -> list[pl.DataFrame]:
    """Split listed videos into chunks of 512 distinct contents.

    Videos of equal content share a chunk, the one of the first of them, so that each content is
    extracted once.

    Args:
        videos: rows with `video_id` and the content's column.
        content: the column that says which videos are alike.

    Returns:
        The chunks, in the order of their first video id, each sorted by video id.
    """
    ordered = videos.sort("video_id")
    first = ordered.select(pl.col(content).unique(maintain_order=True)).with_row_index("place")
    placed = ordered.join(first, on=content, maintain_order="left").with_columns(
        pl.col("place") // CHUNK_CONTENTS
    )
    return placed.sort("place", maintain_order=True).partition_by(
        "place", maintain_order=True, include_key=False
    )
