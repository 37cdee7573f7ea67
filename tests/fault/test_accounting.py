"""Generated batches counted to the last video, and ledgers tampered with.

Held against the check of publishing.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from featurestore.progress import ledger
from featurestore.progress.ledger import Ledger
from featurestore.progress.reasons import OK, Reason
from warehouse.errors import Corrupt

SEED = 20_261_120
SMALL, FULL = 1_000, 10_000
MAX_VIDEOS, MAX_CHUNK = 40, 8
OUTCOMES = (OK, *Reason)

Random = np.random.Generator
Record = Callable[[str, str], None]
Rows = list[dict[str, Any]]
Tamper = Callable[[Rows, Random], None]


def batch(random: Random) -> tuple[Rows, list[int]]:
    """Make up a partition's ledger as chunks are made.

    Rows by video id, and the number of rows of each shard.
    """
    num_videos = int(random.integers(1, MAX_VIDEOS + 1))
    chunk = int(random.integers(1, MAX_CHUNK + 1))
    weights = random.dirichlet(np.full(len(OUTCOMES), 0.3))
    numbers = np.sort(random.choice(10**6, num_videos, replace=False))
    rows, rows_by_shard = [], [0] * -(-num_videos // chunk)
    for place, number in enumerate(numbers):
        outcome, shard = str(OUTCOMES[random.choice(len(OUTCOMES), p=weights)]), place // chunk
        good = outcome == OK
        rows.append(
            {
                "video_id": f"{number:020d}",
                "content_sha256": f"{random.integers(2**62):064x}",
                "outcome": outcome,
                "detail": None if good else "as the reader said",
                "shard": shard if good else None,
                "row": rows_by_shard[shard] if good else None,
            }
        )
        rows_by_shard[shard] += good
    return rows, rows_by_shard


def pick(rows: Rows, random: Random, *, good: bool | None = None) -> dict[str, Any] | None:
    found = [row for row in rows if good is None or (row["outcome"] == OK) == good]
    return found[random.integers(len(found))] if found else None


def change(column: str, value: Callable[[Any], Any], *, good: bool | None = None) -> Tamper:
    def tamper(rows: Rows, random: Random) -> None:
        row = pick(rows, random, good=good)
        if row is not None:
            row[column] = value(row[column])

    return tamper


def drop(rows: Rows, random: Random) -> None:
    del rows[random.integers(len(rows))]


def repeat(rows: Rows, random: Random) -> None:
    rows.append(dict(rows[random.integers(len(rows))]))


def add(rows: Rows, random: Random) -> None:
    rows.append({**rows[random.integers(len(rows))], "video_id": "unlisted"})


def swap(column: str) -> Tamper:
    def tamper(rows: Rows, random: Random) -> None:
        if len(rows) > 1:
            one, other = (rows[place] for place in random.choice(len(rows), 2, replace=False))
            one[column], other[column] = other[column], one[column]

    return tamper


def take_anothers_place(rows: Rows, random: Random) -> None:
    good = [row for row in rows if row["outcome"] == OK]
    if len(good) > 1:
        one, other = (good[place] for place in random.choice(len(good), 2, replace=False))
        one["shard"], one["row"] = other["shard"], other["row"]


def hide(rows: Rows, random: Random) -> None:
    row = pick(rows, random, good=True)
    if row is not None:
        row.update(outcome=str(Reason.NOT_MEDIA), shard=None, row=None)


def invent(rows: Rows, random: Random) -> None:
    row = pick(rows, random, good=False)
    if row is not None:
        row.update(outcome=OK, shard=0, row=0)


TAMPERS: dict[str, Tamper] = {
    "a row dropped": drop,
    "a row repeated": repeat,
    "a row of a video that is not listed": add,
    "a video renamed": change("video_id", lambda name: f"{name}x"),
    "a video without a name": change("video_id", lambda _name: None),
    "two videos swapped": swap("video_id"),
    "another content": change("content_sha256", lambda content: content[::-1] + "0"),
    "two contents swapped": swap("content_sha256"),
    "an unknown outcome": change("outcome", str.upper),
    "no outcome": change("outcome", lambda _outcome: None),
    "ok without a row": change("row", lambda _row: None, good=True),
    "ok without a shard": change("shard", lambda _shard: None, good=True),
    "a failure with a place": change("row", lambda _row: 0, good=False),
    "one place twice": take_anothers_place,
    "a row past the end": change("row", lambda row: row + MAX_CHUNK, good=True),
    "a negative row": change("row", lambda row: -1 - row, good=True),
    "a shard that is not there": change("shard", lambda shard: shard + MAX_VIDEOS, good=True),
    "a failure in place of features": hide,
    "features that are not there": invent,
}


def table(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=Ledger.create_empty().schema)


def refusal(tamper: Tamper, rows: Rows, rows_by_shard: list[int], random: Random) -> bool | None:
    """Tamper with a batch.

    Returns whether the check refuses it, or None where it has nothing to tamper with.
    """
    changed = [dict(row) for row in rows]
    tamper(changed, random)
    if changed == rows:
        return None
    random.shuffle(changed)
    try:
        ledger.check(table(changed), table(rows), rows_by_shard)
    except Corrupt:
        return True
    return False


def test_sums_are_exact_and_a_tampered_ledger_is_refused_every_time(
    record: Record, *, full: bool
) -> None:
    random, num_videos, refused = np.random.default_rng(SEED), 0, Counter[str]()
    kinds = list(TAMPERS)
    num_batches = FULL if full else SMALL
    for number in range(num_batches):
        rows, rows_by_shard = batch(random)
        order = random.permutation(len(rows))
        checked = ledger.check(table([rows[place] for place in order]), table(rows), rows_by_shard)
        counts = ledger.count_outcomes(checked)
        assert checked.equals(table(rows))
        assert counts == Counter(row["outcome"] for row in rows)
        assert sum(counts.values()) == len(rows)
        assert counts.get(OK, 0) == sum(rows_by_shard)
        num_videos += len(rows)
        for kind in kinds[number % len(kinds) :] + kinds:
            outcome = refusal(TAMPERS[kind], rows, rows_by_shard, random)
            if outcome is not None:  # else this batch has nothing of that kind to tamper with
                assert outcome, f"batch {number}: {kind} was not refused"
                refused[kind] += 1
                break
    assert min(refused[kind] for kind in kinds) > 0
    record(
        "accounting",
        f"{num_batches:,} batches of {num_videos:,} videos, every sum exact; "
        f"{refused.total():,} tampered ledgers of {len(kinds)} kinds, all refused",
    )


@pytest.mark.parametrize("kind", TAMPERS)
def test_every_kind_of_tampering_changes_some_batch(kind: str) -> None:
    random = np.random.default_rng(SEED)
    assert any(refusal(TAMPERS[kind], *batch(random), random) for _ in range(100))
