"""The plan of a whole store.

The work on every partition under every recipe in use, with what it may take.
"""

from dataclasses import dataclass

from featurestore.extraction import work_limits
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.plan import Work, plan_view
from featurestore.progress.throughput import Estimate, measure
from featurestore.progress.throughput import estimate as estimate_work
from featurestore.views import registry as views_registry
from flows.operations.recipes_in_use import recipes_to_make
from warehouse import commits, tables
from warehouse.store import Store


@dataclass(frozen=True)
class Plan:
    """What extraction would do."""

    work: tuple[Work, ...]
    """By view, recipe and partition."""
    estimates: tuple[Estimate, ...]
    """One for each piece of work."""
    seconds: float | None
    """Of all work; None where some is unknown."""
    size_bytes: int | None
    """As for seconds."""


def plan_store(store: Store, limits: WorkLimits = work_limits.DEFAULT) -> Plan:
    """Count the work on all partitions.

    Args:
        store: Is left as it is.
        limits: On one video's work, as they are now.

    Returns:
        The work and what it may take.

    Raises:
        Corrupt: A file is not as it was published.
        Invalid: A wanted recipe is of another transform version, so that nothing would be
            extracted.
    """
    store = commits.at_one_moment(store)
    recipes: list[tuple[str, str | None]] = [*recipes_to_make(store)] or [
        (view, None) for view in views_registry.required()
    ]
    partitions = tables.video_partitions(store)
    work, estimates = [], []
    for view, fingerprint in recipes:
        throughput = measure(store, view, fingerprint)
        for listed in partitions:
            work.append(plan_view(store, view, fingerprint, listed, limits))
            estimates.append(estimate_work(work[-1], throughput))
    seconds = [estimate.seconds for estimate in estimates if estimate.seconds is not None]
    sizes = [estimate.size_bytes for estimate in estimates if estimate.size_bytes is not None]
    return Plan(
        work=tuple(work),
        estimates=tuple(estimates),
        seconds=sum(seconds) if len(seconds) == len(estimates) else None,
        size_bytes=sum(sizes) if len(sizes) == len(estimates) else None,
    )
