"""What a comparison of two commits costs: seconds and peak memory.

    python -m tests.benchmarks.diff_rows [ROWS]

Two commits of videos with texts of about 200 characters; one row in a hundred differs.
"""

# ruff: noqa: T201 - a script that prints

import sys
import tempfile
import time
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from featurestore.reading.difference import compare
from warehouse import commits, tables
from warehouse.store import open_existing_store, open_store

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


def main(num_rows: int) -> None:
    """Publish two versions, then compare them in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "store")
        number = pl.int_range(num_rows, eager=True).alias("number").cast(pl.String)
        videos = pl.DataFrame({"video_id": number.str.zfill(20)}).with_columns(
            media_path=number + pl.lit(".mp4"),
            media_kind=pl.lit("video"),
            media_sha256=number.str.zfill(64),
            size_bytes=pl.lit(1, pl.Int64),
            title=pl.lit("标题" * 20) + number,
            ocr=pl.lit([], tables.Videos.create_empty().schema["ocr"]),
            asr=pl.lit("说" * 150) + number,
            text_sha256=number.str.zfill(64),
            content_sha256=number.str.zfill(64),
        )
        changed = (
            pl.when(pl.int_range(pl.len()) % 100 == 0)
            .then(pl.lit("新"))
            .otherwise("title")
            .alias("title")
        )
        ids = [
            tables.publish_videos(store, "day", "score", rows, Path("/media"), NOW).id
            for rows in (videos, videos.with_columns(changed))
        ]
        measuring = get_context("spawn").Process(target=_measure, args=(store.root, *ids))
        measuring.start()
        measuring.join()


def _measure(root: Path, before: str, after: str) -> None:
    store = open_existing_store(root)
    idle = _peak_mib()
    began = time.perf_counter()
    found = compare(commits.commit_by_id(store, before), commits.commit_by_id(store, after))
    spent = time.perf_counter() - began
    print(
        f"{found.before.num_rows:,} rows against {found.after.num_rows:,}: {found.changed.count:,}"
        " changed"
    )
    print(f"{spent:.1f} s, {_peak_mib()} MiB at most ({idle} before)")


def _peak_mib() -> int:
    # Not getrusage, which remembers the parent's peak.
    status = Path("/proc/self/status").read_text()
    return (
        int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1])
        // 1024
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
