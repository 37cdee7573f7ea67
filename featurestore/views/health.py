"""What the shards of any view must be before they are published."""

from collections.abc import Sequence
from itertools import zip_longest

from warehouse.errors import Corrupt

MAX_NAMED = 5
"""A warning names a few videos and counts all."""


def check_ids(file: str, given: Sequence[str], expected: Sequence[str]) -> None:
    """Hold the ids of a file's rows against those that the ledger says are ok, in order.

    Raises:
        Corrupt: They differ; the sentence names a video.
    """
    if list(given) == list(expected):
        return
    in_order = list(given) == sorted(set(given))
    one, other = next((one, other) for one, other in zip_longest(given, expected) if one != other)
    problem = "other ids than the ledger" if in_order else "an id out of order or repeated"
    raise blocked(file, one or other, problem, "run extract-features again")


def blocked(file: str, video_id: str, problem: str, advice: str) -> Corrupt:
    """Make the error for a video whose features must not be published.

    Args:
        file: The shard's name.
        video_id: Of the first such video.
        problem: What its features have.
        advice: What to do about it.
    """
    return Corrupt(f"video {video_id} in {file} has {problem}; nothing is published, {advice}")
