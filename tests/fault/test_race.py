"""Sixteen writers of one partition, eight readers and gc at once.

One commit each round, and no read is torn.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.fault import racers
from warehouse import commits
from warehouse.commits.records import journal
from warehouse.store import Store, open_store

ROOT = Path(__file__).parents[2]
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
ROUNDS = {"sqlite": (10, 200), "postgresql": (3, 50)}
"""Few and full, by database."""


def test_one_commit_each_round_and_no_torn_read(
    tmp_path: Path, catalog_url: str | None, full: bool, record: Callable[[str, str], None]
) -> None:
    root = tmp_path / "store"
    store = open_store(root, catalog_url)
    database = store.engine.dialect.name
    num_rounds = ROUNDS[database][full]
    started = time.monotonic()
    told = race(root, catalog_url, num_rounds)
    seconds = time.monotonic() - started
    assert told["wrong"] == []
    assert len(told["rounds"]) == num_rounds
    for number, found in enumerate(told["rounds"], start=1):
        kinds = Counter(kind for kind, _ in found["replies"])
        num_winners = racers.NUM_WRITERS if racers.is_shared(number) else 1
        assert kinds == Counter(commit=num_winners, conflict=racers.NUM_WRITERS - num_winners), (
            f"round {number}"
        )
        assert {commit_id for kind, commit_id in found["replies"] if kind == "commit"} == {
            found["head"]
        }
    heads = [found["head"] for found in told["rounds"]]
    assert len(set(heads)) == num_rounds
    require_kept(store, heads, told["pinned"])
    assert (told["read"]["torn"], told["read"]["backward"]) == (0, 0)
    assert told["read"]["reads"] > num_rounds
    swept = told["swept"]
    assert min(swept["sweeps"], swept["pending"], swept["folders"]) > 0
    record(
        "race",
        f"{num_rounds} rounds of {racers.NUM_WRITERS} processes on {NAMES[database]}: {len(heads)}"
        f" commits, 0 torn of {told['read']['reads']:,} reads, gc swept {swept['commits']} commits"
        f" and {swept['folders']} folders in {swept['sweeps']:,} runs and nothing needed,"
        f" {seconds:.0f} s",
    )


def race(root: Path, url: str | None, num_rounds: int) -> dict[str, Any]:
    given = json.dumps({"root": str(root), "url": url, "num_rounds": num_rounds})
    done = subprocess.run(
        [sys.executable, "-m", "tests.fault.racers", given],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "REELSTORE_GIT_REVISION": "0" * 40},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def require_kept(store: Store, heads: list[str], pinned: list[str]) -> None:
    """All that was published in turn is in the journal.

    And all that is needed is there to the last byte.
    """
    moves = [entry for entry in journal.read_all(store) if entry["kind"] == "head"]
    assert [move["commit_id"] for move in moves] == heads
    assert [move["previous"] for move in moves] == [None, *heads[:-1]]
    end = racers.hour(len(heads)) + timedelta(days=365)
    commits.collect_garbage(store, end, racers.GRACE, dry_run=False)
    kept = {
        commit.id
        for dataset in commits.datasets(store)
        for commit in commits.commits(store, dataset)
    }
    assert kept == {heads[-1], *pinned}
    assert list(commits.verify(store)) == []
    assert list((store.root / "staging").iterdir()) == []
    again = open_store(store.root, f"sqlite:///{store.root.parent}/again.db")
    assert commits.rebuild_catalog(again).num_commits == len(kept)
    assert commits.head(again, racers.ADDRESS) == commits.head(store, racers.ADDRESS)
