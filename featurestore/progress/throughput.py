"""How fast extraction was and how much it wrote, as earlier commits tell.

And what more of it would take.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from featurestore.progress.plan import Work
from featurestore.views.feature_facts import FeatureFacts
from featurestore.views.heads import address, datasets
from warehouse import commits
from warehouse.commits import Commit
from warehouse.store import Store

_NEWEST = 64
"""Commits that are looked at: machines change, and a store may have thousands."""


@dataclass(frozen=True)
class Throughput:
    """What one view's past extraction took."""

    seconds_per_content: float | None
    """None where nothing was extracted yet."""
    bytes_per_video: float | None
    """Of all files, for each listed video; None where nothing was published yet."""
    is_of_recipe: bool
    """False where only other recipes have a past."""


@dataclass(frozen=True)
class Estimate:
    """What a piece of work would take; None where nothing is known."""

    seconds: float | None
    size_bytes: int | None
    is_of_recipe: bool
    """False where it is taken from another recipe."""


def measure(store: Store, view: str, fingerprint: str | None) -> Throughput:
    """Read the past of one view: of the recipe, or of all others where it has none.

    Args:
        store: the store.
        view: its name.
        fingerprint: of the recipe, 64 hexadecimal digits; None before the first one is frozen.

    Returns:
        Seconds and bytes.
    """
    own = None if fingerprint is None else address(view, fingerprint).dataset
    found = _measure([] if own is None else commits.commits(store, own))
    if found.seconds_per_content is not None:
        return found
    others = [
        commit
        for name in datasets(store, view)
        if name != own
        for commit in commits.commits(store, name)
    ]
    known = _measure(others)
    size = known.bytes_per_video if found.bytes_per_video is None else found.bytes_per_video
    return Throughput(known.seconds_per_content, size, is_of_recipe=False)


def estimate(work: Work, throughput: Throughput) -> Estimate:
    """Say what a piece of work would take.

    A partition that is due is written whole, with what is reused; any other costs nothing.

    Args:
        work: what is to be done.
        throughput: of its view.

    Returns:
        Seconds and bytes.
    """
    if not work.is_due:
        return Estimate(0.0, 0, is_of_recipe=True)
    seconds, size = throughput.seconds_per_content, throughput.bytes_per_video
    return Estimate(
        seconds=0.0 if not work.contents else None if seconds is None else work.contents * seconds,
        size_bytes=None if size is None else round(work.listed * size),
        is_of_recipe=throughput.is_of_recipe,
    )


def _measure(found: Sequence[Commit]) -> Throughput:
    newest = sorted(found, key=attrgetter("created_at"))[-_NEWEST:]
    past = [commits.read_provenance(commit) for commit in newest]
    num_extracted = sum(known.get("num_extracted", 0) for known in past)
    seconds = sum(known.get("seconds", 0.0) for known in past)
    num_videos = sum(sum(FeatureFacts.of(commit).outcomes.values()) for commit in newest)
    num_bytes = sum(entry.size_bytes for commit in newest for entry in commit.files.values())
    return Throughput(
        seconds_per_content=seconds / num_extracted if num_extracted else None,
        bytes_per_video=num_bytes / num_videos if num_videos else None,
        is_of_recipe=True,
    )
