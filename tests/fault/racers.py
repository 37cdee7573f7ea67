"""Processes that race for one partition: writers round by round, readers and gc all the while.

Forked from a light parent, since a test's own process has threads. Every round is an hour of the
store's time, so that what gc may take is decided by rounds and not by how fast this machine is.
"""

import json
import multiprocessing
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

from warehouse import commits
from warehouse.commits import Address, Commit
from warehouse.errors import Conflict, Corrupt
from warehouse.store import Store, open_store

NUM_WRITERS, NUM_READERS = 16, 8
ADDRESS = Address("tables/videos", "raced")
GRACE = timedelta(hours=1)
PATIENCE_SECONDS = 300
FILES = {"small.bin": 100, "large.bin": 20_000}
"""How often each file repeats what its commit is of."""

Reply = tuple[str, Any]

_START = datetime(2026, 11, 20, tzinfo=UTC)
_CONTEXT = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Race:
    """What all processes share."""

    root: Path
    url: str | None
    barrier: Barrier
    """Writers and the parent meet here: before a round, when all are ready to publish, and when all
    have published."""
    round: "Synchronized[int]"
    """The round that is run; 0 before the first, -1 after the last."""
    reading: list["Synchronized[int]"]
    """The round in which each reader began to read."""
    replies: "multiprocessing.SimpleQueue[Reply]"

    def open(self) -> Store:
        return open_store(self.root, self.url)


def hour(number: float) -> datetime:
    return _START + timedelta(hours=number)


def is_shared(number: int) -> bool:
    """Whether all writers of a round publish the same."""
    return number % 2 == 0


def payloads_of(facts: dict[str, Any]) -> dict[str, bytes]:
    mark = json.dumps(facts, sort_keys=True).encode()
    return {name: mark * count for name, count in FILES.items()}


def write(race: Race, writer: int) -> None:
    store = race.open()
    race.barrier.wait(PATIENCE_SECONDS)
    while (number := race.round.value) >= 0:
        facts = {"round": number, "writer": 0 if is_shared(number) else writer}
        prepare = prepare_shared if is_shared(number) else prepare_own
        publish = prepare(store, facts)
        race.barrier.wait(PATIENCE_SECONDS)
        race.replies.put(publish())
        for _ in ("end", "next"):
            race.barrier.wait(PATIENCE_SECONDS)


def prepare_shared(store: Store, facts: dict[str, Any]) -> Callable[[], Reply]:
    def publish() -> Reply:
        payloads, now = payloads_of(facts), hour(facts["round"])
        done = commits.publish_files(
            store, ADDRESS, payloads, commits.Draft(facts=facts, num_rows=1), now
        )
        return "commit", done.id

    return publish


def prepare_own(store: Store, facts: dict[str, Any]) -> Callable[[], Reply]:
    now = hour(facts["round"])
    staging = commits.stage(store, ADDRESS, json.dumps(facts), now)
    for name, payload in payloads_of(facts).items():
        staging.write(name, payload)

    def publish() -> Reply:
        try:
            first = commits.publish(staging, commits.Draft(facts=facts, num_rows=1), now)
        except Conflict:
            if facts["writer"] % 2:
                staging.discard()  # the others leave theirs to gc
            return "conflict", ""
        # As if the reply had been lost.
        again = commits.publish(staging, commits.Draft(facts=facts, num_rows=1), now)
        return ("commit", first.id) if again == first else ("wrong", f"{again} is not {first}")

    return publish


def read(race: Race, reader: int) -> None:
    store, seen, counts = race.open(), 0, Counter[str]()
    os.nice(10)
    while (number := race.round.value) >= 0:
        race.reading[reader].value = number
        if (head := commits.head(store, ADDRESS)) is None:
            continue
        counts["reads"] += 1
        try:
            commits.verify_commit(head)
            whole = {name: commits.read_bytes(head, name) for name in head.files} == payloads_of(
                head.facts
            )
            counts["provenances"] += commits.read_provenance(head)["published_at"] is not None
        except Corrupt as error:
            whole = False
            race.replies.put(("wrong", f"a reader met: {error}"))
        counts["torn"] += not whole
        counts["backward"] += head.facts["round"] < max(seen, number - 1)
        seen = head.facts["round"]
    race.replies.put(("read", dict(counts)))


def sweep(race: Race) -> None:
    store, counts = race.open(), Counter[str]()
    while (number := race.round.value) >= 0:
        # The grace is longer than any reader reads: it counts from the oldest read that goes on.
        oldest = min(number, *(reading.value for reading in race.reading))
        found = commits.collect_garbage(store, hour(oldest), GRACE, dry_run=False)
        counts.update(
            commits=len(found.commits),
            pending=found.num_pending,
            folders=len(found.folders),
            sweeps=1,
        )
        time.sleep(0.02)
    race.replies.put(("swept", dict(counts)))


def guarded(race: Race, work: Callable[..., None], *arguments: Any) -> None:
    try:
        work(race, *arguments)
    except BaseException:  # noqa: BLE001 - shown by the test
        race.replies.put(("died", f"{work.__name__}{arguments}: {traceback.format_exc()}"))
        race.barrier.abort()


@dataclass
class Told:
    """What a race has shown, as JSON."""

    rounds: list[dict[str, Any]] = field(default_factory=list)
    """The replies of each round's writers, and the head after it."""
    pinned: list[str] = field(default_factory=list)
    """Commits that gc must keep, though they were superseded long ago."""
    wrong: list[str] = field(default_factory=list)
    read: Counter[str] = field(default_factory=Counter)
    swept: Counter[str] = field(default_factory=Counter)

    def take(self, kind: str, told: Any) -> None:
        if kind in ("read", "swept"):
            getattr(self, kind).update(told)
        else:
            self.wrong.append(told)


def run(root: Path, url: str | None, num_rounds: int) -> Told:
    barrier, reading = (
        _CONTEXT.Barrier(NUM_WRITERS + 1),
        [_CONTEXT.Value("i", 0) for _ in range(NUM_READERS)],
    )
    race = Race(root, url, barrier, _CONTEXT.Value("i", 0), reading, _CONTEXT.SimpleQueue())
    store, told = race.open(), Told()
    works = [(write, number) for number in range(NUM_WRITERS)] + [
        (read, number) for number in range(NUM_READERS)
    ]
    processes = [
        _CONTEXT.Process(target=guarded, args=(race, *work)) for work in [*works, (sweep,)]
    ]
    for process in processes:
        process.start()
    with suppress(BrokenBarrierError):
        for number in range(1, num_rounds + 1):
            run_round(race, store, number, told)
        race.round.value = -1
        barrier.wait(PATIENCE_SECONDS)
    race.round.value = -1
    drain(race, processes, told)
    return told


def run_round(race: Race, store: Store, number: int, told: Told) -> None:
    race.round.value = number
    for _ in ("begin", "publish"):
        race.barrier.wait(PATIENCE_SECONDS)
    replies: list[Reply] = []
    while len(replies) < NUM_WRITERS:
        kind, what = race.replies.get()
        if kind in ("commit", "conflict"):
            replies.append((kind, what))
        else:
            told.take(kind, what)
            if race.barrier.broken:
                raise BrokenBarrierError
    race.barrier.wait(PATIENCE_SECONDS)
    head = commits.head(store, ADDRESS)
    told.rounds.append({"replies": replies, "head": head and head.id})
    if head is not None and number % 5 == 1:
        told.pinned += pin(store, head, number)


def pin(store: Store, head: Commit, number: int) -> list[str]:
    facts = {"made_from": {"videos": head.id}}
    snapshot = commits.publish_files(
        store,
        Address("snapshots"),
        {},
        commits.Draft(facts=facts, num_rows=0, move_head=False),
        hour(number),
    )
    return [head.id, snapshot.id]


def drain(race: Race, processes: list[Any], told: Told) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not race.replies.empty() or any(process.is_alive() for process in processes):
        if time.monotonic() > deadline:
            told.wrong.append("a process did not end")
            for process in processes:
                process.kill()
            return
        if race.replies.empty():
            time.sleep(0.01)
        else:
            told.take(*race.replies.get())


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    told = run(Path(given["root"]), given["url"], given["num_rounds"])
    sys.stdout.write(json.dumps(vars(told)))
