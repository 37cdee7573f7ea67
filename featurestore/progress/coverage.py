"""How far the views of a partition are made, told from what commits record.

No ledger and no listing is read.
"""

from dataclasses import dataclass, field
from typing import Literal

from featurestore.extraction import work_limits
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.reasons import OK
from featurestore.progress.retrying import chances
from featurestore.views.feature_facts import FeatureFacts
from featurestore.views.heads import (
    address,
    is_current,
    is_made_from,
    present_head,
    refused_address,
)
from warehouse import commits
from warehouse.store import Store
from warehouse.tables import VideoPartition

State = Literal["current", "stale", "missing", "refused"]


@dataclass(frozen=True)
class Coverage:
    """What is known of one view of one partition under one recipe."""

    view: str
    fingerprint: str
    partition: str
    state: State
    """`current`: made from what is listed now. `stale`: made from another listing. `missing`: never
    made. `refused`: made, and not published, as too many videos failed for reasons that may
    pass."""
    commit: str | None
    """The head's id, or that of the refused ledger."""
    ok: int
    """Videos with features."""
    failed: dict[str, int]
    """Videos without, by reason."""
    retryable: int
    """Of these, the ones that may pass."""
    attempts: dict[str, int]
    """How often what may or might have passed was tried: the number of videos by the number of
    finished runs."""
    warnings: dict[str, int]
    """Videos that are odd and yet may be right, by warning."""
    given_up: dict[str, int] = field(default_factory=dict)
    """Of those that failed, the ones that are given up since the third run in which they failed so,
    by reason."""
    raised: dict[str, int] = field(default_factory=dict)
    """Of those that failed, the ones that met a limit which is higher now, by reason: the next
    extraction tries them again, once."""
    unread: dict[str, int] = field(default_factory=dict)
    """Of those that may pass, the ones that could not be read at ingest, by reason: only another
    ingest finds them."""


def view_coverage(
    store: Store,
    view: str,
    fingerprint: str,
    partition: VideoPartition,
    limits: WorkLimits = work_limits.DEFAULT,
) -> Coverage:
    """Tell how far one view of a partition is made.

    Args:
        store: the store.
        view: its name.
        fingerprint: of the recipe, 64 hexadecimal digits.
        partition: what is listed.
        limits: on one video's work, as they are now.

    Returns:
        What its head records; the refused ledger's counts where that is all there is of the listing
        as it is now.
    """
    found = present_head(store, address(view, fingerprint, partition.name))
    state: State = (
        "missing"
        if found is None
        else "current"
        if is_current(store, found, view, partition)
        else "stale"
    )
    if state != "current":
        refused = commits.head(store, refused_address(view, fingerprint, partition.name))
        if refused is not None and is_made_from(store, refused, view, partition):
            found, state = refused, "refused"
    if found is None:
        return Coverage(view, fingerprint, partition.name, state, None, 0, {}, 0, {}, {})
    outcomes = FeatureFacts.of(found).outcomes
    again = chances(store, found, limits)
    return Coverage(
        view=view,
        fingerprint=fingerprint,
        partition=partition.name,
        state=state,
        commit=found.id,
        ok=outcomes.get(OK, 0),
        failed={reason: count for reason, count in sorted(outcomes.items()) if reason != OK},
        retryable=sum(again.retryable.values()) + sum(again.unread.values()),
        attempts={str(count): videos for count, videos in again.attempts.items()},
        warnings={
            name: warned["videos"]
            for name, warned in commits.read_provenance(found).get("warnings", {}).items()
        },
        given_up=again.given_up,
        raised=again.raised,
        unread=again.unread,
    )
