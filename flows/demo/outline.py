"""The outline of a corpus.

What each video of each partition will be, decided before any is drawn.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

import numpy as np

from flows.demo.clip_text import ClipText, write_text
from flows.demo.scans import Scans, ScanSet
from flows.demo.topics import CATEGORIES, Category
from warehouse.identifiers import Role

Make = Literal["drawn", "copied", "truncated", "empty", "audio", "listing", "missing"]

FRAME_RATES = (10, 12, 15, 20, 24, 25, 30)
SHORTEST_SECONDS = 1.0
SCORED_DAYS = ("2026-11-20", "2026-11-21")

_BROKEN: tuple[Make, ...] = ("truncated", "empty", "audio", "listing", "missing")
_VIDEOS_A_BROKEN = {"unlabeled": None, "labeled": 46, "score": 24}
_VIDEOS_A_COPY = 60
_VIDEOS_A_SILENCE = 60


@dataclass(frozen=True)
class CorpusSizes:
    """How many videos each partition lists, and how long the longest may be."""

    unlabeled: int = 250
    labeled: int = 460
    scored_day: int = 120
    """Of each of the two days."""
    longest_seconds: float = 20.0


DEFAULT_SIZES = CorpusSizes()
TEST_SIZES = CorpusSizes(unlabeled=6, labeled=10, scored_day=4, longest_seconds=2.0)
"""24 videos, drawn within seconds."""


@dataclass(frozen=True)
class ClipOutline:
    """All that decides one video."""

    video_id: str
    """20 digits, which say nothing."""
    partition: str
    category: Category
    text: ClipText
    make: Make
    """How its file comes about."""
    scan: int
    """Row of the scan in its part."""
    num_frames: int
    frame_rate: int
    seed: int
    """Of its scene."""
    other: str | None = None
    """Path of the clip whose bytes it repeats, or that its listing names."""

    @property
    def path(self) -> str:
        """The file's path in the corpus."""
        return f"{self.partition}/media/{self.video_id}.mp4"


@dataclass(frozen=True)
class PartitionOutline:
    """One partition: its clips in the order of the manifest, which is not that of the ids."""

    name: str
    role: Role
    clips: tuple[ClipOutline, ...]


def scans_of(scans: Scans, role: Role) -> ScanSet:
    """Return the scans that the clips of a role may show."""
    return scans.scoring if role == "score" else scans.training


def outline_corpus(seed: int, sizes: CorpusSizes, scans: Scans) -> tuple[PartitionOutline, ...]:
    """Decide every video of the corpus.

    Args:
        seed: The same seed gives the same corpus.
        sizes: How many videos.
        scans: What digits are there to show.

    Returns:
        The partitions: ``unlabeled``, ``labeled`` and the scored days.
    """
    plan: tuple[tuple[str, Role, int], ...] = (
        ("unlabeled", "unlabeled", sizes.unlabeled),
        ("labeled", "labeled", sizes.labeled),
        *((day, "score", sizes.scored_day) for day in SCORED_DAYS),
    )
    partitions: list[PartitionOutline] = []
    for turn, (name, role, num_videos) in enumerate(plan):
        rng = np.random.default_rng([seed, turn])
        clips = list(
            _drawn_clips(rng, name, num_videos, scans_of(scans, role), sizes.longest_seconds)
        )
        special = iter(rng.permutation(num_videos))
        _break(clips, special, role, turn)
        _silence(clips, special)
        sharing = [
            partition
            for partition in partitions
            if (partition.role == "score") == (role == "score")
        ]
        _repeat(rng, clips, special, [clip for partition in sharing for clip in partition.clips])
        partitions.append(PartitionOutline(name, role, tuple(clips)))
    return tuple(partitions)


def share_out(total: int, weights: Sequence[float]) -> list[int]:
    """Divide a total by weights, in whole numbers, by largest remainder."""
    exact = np.asarray(weights) / np.sum(weights) * total
    counts = np.floor(exact).astype(int)
    for place in np.argsort(counts - exact, kind="stable")[: total - counts.sum()]:
        counts[place] += 1
    return [int(count) for count in counts]


def _drawn_clips(
    rng: np.random.Generator,
    partition: str,
    num_videos: int,
    scans: ScanSet,
    longest_seconds: float,
) -> Iterator[ClipOutline]:
    counts = share_out(num_videos, [category.weight for category in CATEGORIES])
    dealt = rng.permutation(np.repeat(np.arange(len(CATEGORIES)), counts))
    for category in (CATEGORIES[place] for place in dealt):
        seed = int(rng.integers(2**62))
        frame_rate = int(rng.choice(FRAME_RATES))
        seconds = SHORTEST_SECONDS * (longest_seconds / SHORTEST_SECONDS) ** rng.random()
        num_frames = math.floor(seconds * frame_rate)
        yield ClipOutline(
            video_id=_video_id(partition, seed),
            partition=partition,
            category=category,
            text=write_text(rng, category.topic, num_frames / frame_rate),
            make="drawn",
            scan=int(rng.choice(np.flatnonzero(scans.digits == category.digit))),
            num_frames=max(num_frames, math.ceil(SHORTEST_SECONDS * frame_rate)),
            frame_rate=frame_rate,
            seed=seed,
        )


def _video_id(partition: str, seed: int) -> str:
    digest = hashlib.sha256(f"{partition}/{seed}".encode()).digest()
    return f"{int.from_bytes(digest[:8], 'big'):020d}"


def _break(clips: list[ClipOutline], special: Iterator[int], role: Role, turn: int) -> None:
    """Let a few files be broken, each kind in its turn; what they say stays."""
    videos_a_broken = _VIDEOS_A_BROKEN[role]
    if videos_a_broken is None:
        return
    for count, row in enumerate(islice(special, math.ceil(len(clips) / videos_a_broken))):
        make = _BROKEN[(turn + count) % len(_BROKEN)]
        clips[row] = replace(
            clips[row], make=make, other=clips[row - 1].path if make == "listing" else None
        )


def _silence(clips: list[ClipOutline], special: Iterator[int]) -> None:
    """Let a few clips say nothing at all."""
    for row in islice(special, math.ceil(len(clips) / _VIDEOS_A_SILENCE)):
        clips[row] = replace(clips[row], text=ClipText())


def _repeat(
    rng: np.random.Generator,
    clips: list[ClipOutline],
    special: Iterator[int],
    earlier: list[ClipOutline],
) -> None:
    """Give a few clips the bytes of another of their category, with their own id and words."""
    for row in islice(special, math.ceil(len(clips) / _VIDEOS_A_COPY)):
        clip = clips[row]
        alike = [
            other
            for other in (*earlier, *clips)
            if other.make == "drawn" and other.category == clip.category
        ]
        others = [other.path for other in alike if other.video_id != clip.video_id]
        if others:
            clips[row] = replace(clip, make="copied", other=others[rng.integers(len(others))])
