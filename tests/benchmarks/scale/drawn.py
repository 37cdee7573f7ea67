"""What the stores of a measurement hold: recipes that need no encoder, and drawn listings."""

from datetime import UTC, datetime

import polars as pl

from featurestore import wanted
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.text.text_spec import TextSpec
from warehouse import tables
from warehouse.store import Store

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def freeze_specs(store: Store) -> dict[str, str]:
    """Freeze the recipes; returns the fingerprint of each view."""
    frames = FrameSpec(
        resize_short_side=1,
        crop=1,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        encoder="drawn",
        weights_sha256="0" * 64,
        embedding_dim=4,
    )
    text = TextSpec(dictionary_sha256="1" * 64, terms_sha256="2" * 64, vocabulary_sha256="3" * 64)
    return {spec.view: wanted.freeze(store, spec, {}, NOW) for spec in (frames, text)}


def drawn_videos(first: int, last: int) -> pl.DataFrame:
    """Draw rows of `Videos` by their numbers, with short titles and nothing spoken."""
    number = pl.int_range(first, last, dtype=pl.Int64, eager=True).alias("number").to_frame()
    parts = [
        pl.col("number").hash(seed).cast(pl.String).str.zfill(20).str.slice(-16)
        for seed in range(4)
    ]
    no_lines = pl.Series([[]] * (last - first), dtype=tables.Videos.create_empty().schema["ocr"])
    return number.select(
        video_id=pl.col("number").cast(pl.String).str.zfill(20),
        media_path=pl.format("media/{}.mp4", "number"),
        media_kind=pl.lit("video"),
        media_sha256=pl.concat_str(parts),
        size_bytes=pl.lit(1_000_000, pl.Int64),
        title=pl.format("第{}个视频的标题", "number"),
        ocr=no_lines,
        asr=pl.lit(""),
        text_sha256=pl.concat_str(parts),
        content_sha256=pl.concat_str(parts),
    )
