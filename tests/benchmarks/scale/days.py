"""Steps that look at every partition, in stores of more and more days."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from flows.operations.planning import plan_store
from flows.operations.status import store_status
from tests.benchmarks.bench_plan import publish
from tests.benchmarks.scale.drawn import NOW, drawn_videos, freeze_specs
from tests.benchmarks.scale.measures import Measure, least_seconds, run_command
from warehouse import commits, tables
from warehouse.store import Store, open_store

VIDEOS_A_DAY = 20
_FIRST_DAY = date(2020, 1, 1)
GRACE = timedelta(days=7)


def measure(folder: Path, sizes: Sequence[int]) -> Iterator[Measure]:
    """Fill one store day by day and stop at each size.

    Args:
        folder: Where the store goes.
        sizes: Numbers of days, rising.

    Yields:
        CPU time of each step at each size.
    """
    store = open_store(folder / "days")
    fingerprints = freeze_specs(store)
    num_days = 0
    for size in sizes:
        for day in range(num_days, size):
            list_day(store, day)
            publish_views(store, day, fingerprints)
        num_days = size
        yield from _steps(store, size)
        list_day(store, size)  # listed, without features
        planned = least_seconds(partial(plan_store, store), rounds=2)
        yield Measure("plan with one new day", "days", size, planned)
        publish_views(store, size, fingerprints)
        num_days += 1


def _steps(store: Store, num_days: int) -> Iterator[Measure]:
    first = tables.video_partition(store, day_name(0)).commit.address
    steps = {
        "status": lambda: store_status(store),
        "plan with nothing to do": lambda: plan_store(store),
        "the head of a day at a moment": lambda: commits.head(store, first, as_of=NOW),
        "gc that finds nothing": lambda: commits.collect_garbage(store, NOW, GRACE, dry_run=True),
        "verify": lambda: list(commits.verify(store)),
        "catalog and journal compared": lambda: commits.compare(store),
    }
    for name, work in steps.items():
        yield Measure(name, "days", num_days, least_seconds(work))
    for word in ("status", "plan"):
        seconds = least_seconds(partial(run_command, {"REELSTORE_ROOT": str(store.root)}, word))
        yield Measure(f"reelstore {word}", "days", num_days, seconds)


def day_name(day: int) -> str:
    """Name a day by its number."""
    return (_FIRST_DAY + timedelta(days=day)).isoformat()


def list_day(store: Store, day: int, num_videos: int = VIDEOS_A_DAY) -> None:
    """Publish the listing of a day."""
    rows = drawn_videos(day * num_videos, (day + 1) * num_videos)
    tables.publish_videos(store, day_name(day), "score", rows, Path("media"), NOW)


def publish_views(store: Store, day: int, fingerprints: dict[str, str]) -> None:
    """Publish ledgers of a day's views, current for its listing."""
    listed = tables.video_partition(store, day_name(day))
    for view, fingerprint in fingerprints.items():
        column = "content_sha256" if view == "frames" else "text_sha256"
        contents = tables.read_videos(listed, ["video_id", column])
        ledger = contents.rename({column: "content_sha256"})
        publish(store, view, fingerprint, listed.name, ledger, listed.commit)
