"""Which published failures are tried again.

Those that are asked for, and those whose limit was raised.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress import failures
from featurestore.progress.reasons import OK, RETRYABLE, Reason
from featurestore.views.feature_facts import FeatureFacts
from warehouse.commits import Commit
from warehouse.store import Store


@dataclass(frozen=True)
class Chances:
    """The failures of a head, as counts of videos."""

    retryable: dict[str, int]
    """Those that may pass when they are tried again, by reason."""
    unread: dict[str, int]
    """Those that could not be read at ingest and so have no content to try again, by reason: only
    another ingest finds them."""
    given_up: dict[str, int]
    """Those that would have, and are given up since the third run in which their content failed so,
    by reason."""
    raised: dict[str, int]
    """Those whose limit is higher now, which the next extraction tries again, by reason."""
    num_raised_contents: int
    """The contents that these are."""
    attempts: dict[int, int]
    """The failures that may or might have passed, by the number of finished runs that tried
    them."""


def chances(store: Store, head: Commit, limits: WorkLimits) -> Chances:
    """Count which failures of a head, or of a refused ledger, are tried again.

    Args:
        store: the store.
        head: the head of its address.
        limits: on one video's work, as they are now.

    Returns:
        The counts.

    Raises:
        Corrupt: a file is not as it was published.
    """
    counts = FeatureFacts.of(head).outcomes
    if counts.keys().isdisjoint(failures.NOTED):
        return Chances({}, {}, {}, {}, 0, {})
    rows = failures.of_head(store, head)
    raised = rows.filter(failures.is_raised(limits))
    passing = rows.filter(pl.col("outcome").is_in(list(RETRYABLE)))
    given_up = _by_reason(passing.filter(~failures.may_pass(), ~failures.is_raised(limits)))
    wanted = _by_reason(raised)
    outcomes = Counter({str(reason): counts.get(reason, 0) for reason in RETRYABLE})
    # What had no medium at ingest has no content of its own that could be noted.
    unread = outcomes - Counter(_by_reason(passing))
    attempts = dict(
        passing.group_by("attempts").agg(pl.col("videos").sum()).sort("attempts").iter_rows()
    )
    return Chances(
        retryable=dict(outcomes - unread - Counter(given_up) - Counter(wanted)),
        unread=dict(unread),
        given_up=given_up,
        raised=wanted,
        num_raised_contents=len(raised),
        attempts={**({0: unread.total()} if unread else {}), **attempts},
    )


def num_to_retry(store: Store, head: Commit, reasons: Sequence[Reason], limits: WorkLimits) -> int:
    """Count the videos that a retry would read again.

    A medium that was not there at ingest has no digest to be extracted under: only another ingest
    can find it.

    Args:
        store: the store.
        head: the up-to-date head of the frames view.
        reasons: those that are tried again, given up or not; none for what met a limit that is
            higher now.
        limits: on one video's work.

    Returns:
        How many videos failed so and had a medium when they were ingested.
    """
    if FeatureFacts.of(head).outcomes.keys() <= {OK}:
        return 0
    return int(
        failures.of_head(store, head).filter(failures.is_due(reasons, limits))["videos"].sum()
    )


def advice_on(reason: str) -> str:
    """What can still be done about a failure that was given up, to end a sentence with."""
    higher = "a higher decode_max_seconds or " if reason == Reason.DECODE_TIMEOUT else ""
    return f"; {higher}reelstore retry --only {reason} has them tried once more"


def _by_reason(rows: pl.DataFrame) -> dict[str, int]:
    return dict(rows.group_by("outcome").agg(pl.col("videos").sum()).sort("outcome").iter_rows())
