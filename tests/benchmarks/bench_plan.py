"""How long `reelstore plan` takes on a million listed videos, and how much memory.

It may take 5 s and 1 GiB.

The store is made up: a partition with titles, OCR and ASR of realistic length, its ledgers under
this recipe (made from an earlier listing) and under another, and a second partition that holds some
of its contents.
"""

# ruff: noqa: T201 - a benchmark prints

import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from featurestore.progress.coverage import view_coverage
from featurestore.progress.ledger import LEDGER_FILE, Ledger
from featurestore.progress.plan import plan_view
from featurestore.views import registry as views_registry
from featurestore.views.heads import address
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.store import Store, open_store

NUM_VIDEOS = 1_000_000
MAX_SECONDS, MAX_MIB = 5.0, 1024
NOW = datetime(2026, 11, 20, tzinfo=UTC)
WANTED, OTHER = "a" * 64, "b" * 64
CHARACTERS = np.array([chr(code) for code in range(0x4E00, 0x4E00 + 3000)])
TITLE_CHARS, OCR_LINE_CHARS, OCR_LINES, ASR_CHARS = 24, 12, 8, 120


def main() -> None:
    """Make the store in a temporary folder and plan in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        fill(open_store(Path(folder)), int(sys.argv[1]) if len(sys.argv) > 1 else NUM_VIDEOS)
        planning = [sys.executable, "-m", "tests.benchmarks.bench_plan", "--plan", folder]
        done = subprocess.run(planning, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    for line in found["counts"]:
        print(line)
    print(
        f"plan {found['seconds']:.2f} s ({found['processor_seconds']:.2f} s of processors, imports"
        " included)"
    )
    print(f"coverage {found['status_seconds']:.2f} s, peak {found['mib']:.0f} MiB")
    if found["seconds"] > MAX_SECONDS or found["mib"] > MAX_MIB:
        sys.exit(f"more than {MAX_SECONDS:g} s or {MAX_MIB} MiB")


def measure(root: Path) -> None:
    """Plan every partition and print seconds, peak memory and counts as JSON."""
    started = time.perf_counter()
    store = open_store(root)
    views: tuple[str, ...] = ("frames", "text")
    work = [
        plan_view(store, view, WANTED, listed)
        for view in views
        for listed in tables.video_partitions(store)
    ]
    counts = [
        f"{one.view} of {one.partition}: {one.listed:,} listed, {one.reasons}, {one.reused:,}"
        " reused"
        for one in work
    ]
    seconds, processor_seconds = time.perf_counter() - started, time.process_time()
    started = time.perf_counter()
    for view in views:
        for listed in tables.video_partitions(store):
            view_coverage(store, view, WANTED, listed)
    status_seconds = time.perf_counter() - started
    found = {
        "seconds": seconds,
        "processor_seconds": processor_seconds,
        "status_seconds": status_seconds,
    }
    print(json.dumps({**found, "mib": peak_mib(), "counts": counts}))


def peak_mib() -> float:
    """Read the most memory that this program has had.

    Getrusage would count that of the process it was forked from.
    """
    (line,) = (
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    )
    return int(line.split()[1]) / 1024


def fill(store: Store, num_videos: int) -> None:
    """Publish the listing and its ledgers.

    A tenth is new, a tenth changed, a tenth made under another recipe alone.
    """
    numbers = np.arange(num_videos)
    listed = videos(numbers)
    # What the ledgers were made from: their kinds are told by it.
    earlier = tables.publish_videos(
        store, "unlabeled", "unlabeled", listed[: 9 * num_videos // 10], Path("media"), NOW
    )
    tables.publish_videos(store, "unlabeled", "unlabeled", listed, Path("media"), NOW)
    tenth = num_videos // 10
    sides: dict[str, pl.DataFrame] = {WANTED: listed[: 8 * tenth], OTHER: listed[: 9 * tenth]}
    views: tuple[str, ...] = ("frames", "text")
    for view in views:
        for fingerprint, rows in sides.items():
            contents = rows.select(
                "video_id", content_sha256=views_registry.find(view).content_column
            )
            if fingerprint == WANTED:
                changed = pl.int_range(pl.len()) < tenth
                contents = contents.with_columns(
                    pl.when(changed)
                    .then(pl.col("content_sha256").str.reverse())
                    .otherwise("content_sha256")
                )
            publish(store, view, fingerprint, "unlabeled", contents, earlier)
    day = videos(numbers[-tenth // 2 :])
    listing = tables.publish_videos(store, "2026-11-20", "score", day, Path("media"), NOW)
    publish(
        store, "frames", WANTED, "2026-11-20", day.select("video_id", "content_sha256"), listing
    )


def publish(
    store: Store,
    view: str,
    fingerprint: str,
    partition: str,
    contents: pl.DataFrame,
    listing: Commit,
) -> None:
    """Publish a ledger in which one video in a hundred has timed out.

    As if its listing had changed since.
    """
    failed = pl.int_range(pl.len()) % 100 == 0
    ledger = contents.with_columns(
        outcome=pl.when(failed).then(pl.lit("decode_timeout")).otherwise(pl.lit("ok")),
        detail=pl.lit(None, pl.String),
        shard=pl.when(~failed).then(pl.int_range(pl.len(), dtype=pl.Int32) // 512),
        row=pl.when(~failed).then(pl.int_range(pl.len(), dtype=pl.Int32) % 512),
    ).select(Ledger.column_names())
    commits.publish_files(
        store,
        address(view, fingerprint, partition),
        {LEDGER_FILE: tables.to_parquet(ledger)},
        commits.Draft(
            facts={"input_sha256": "0" * 64, "previews": True, "outcomes": {"ok": len(ledger)}},
            num_rows=len(ledger),
            provenance={
                "seconds": 1000.0,
                "num_extracted": len(ledger),
                "made_from": {"videos": listing.id},
            },
        ),
        NOW,
    )


def videos(numbers: npt.NDArray[np.int64]) -> pl.DataFrame:
    """Make up rows of `Videos`.

    Ids of 20 digits, digests, and text that compresses as little as real text does.
    """
    generator = np.random.default_rng(int(numbers[0]))
    text = "".join(generator.choice(CHARACTERS, 2_000_000))

    def cut(length: int) -> list[str]:
        starts = generator.integers(0, len(text) - length, len(numbers))
        return [text[start : start + length] for start in starts]

    lines = [cut(OCR_LINE_CHARS) for _ in range(OCR_LINES)]
    digest = pl.col("number").hash(8)
    hexadecimal = [
        pl.col("number").hash(seed).cast(pl.String).str.zfill(20).str.slice(-16)
        for seed in range(8)
    ]
    return pl.DataFrame({"number": numbers}).select(
        video_id=digest.cast(pl.String).str.zfill(20),
        media_path=pl.format("media/{}.mp4", digest),
        media_kind=pl.lit("video"),
        media_sha256=pl.concat_str(hexadecimal[:4]),
        size_bytes=pl.lit(1_000_000, pl.Int64),
        title=pl.Series(cut(TITLE_CHARS)),
        ocr=pl.concat_list(
            [
                pl.struct(time_seconds=pl.lit(float(at)), text=pl.Series(line, dtype=pl.String))
                for at, line in enumerate(lines)
            ]
        ),
        asr=pl.Series(cut(ASR_CHARS)),
        text_sha256=pl.concat_str(hexadecimal[4:]),
        content_sha256=pl.concat_str(hexadecimal[:4]),
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--plan"]:
        measure(Path(sys.argv[2]))
    else:
        main()
