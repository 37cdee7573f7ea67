"""The operation: videos are removed for good, and what is left of them anywhere is found."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from featurestore.forgetting.eraser import VideoEraser
from featurestore.forgetting.listed_videos import find_ids, listed_ids
from warehouse import commits
from warehouse.commits import Damage, Forgotten
from warehouse.errors import Invalid
from warehouse.identifiers import parse_video_id, shown
from warehouse.store import Store


@dataclass(frozen=True)
class ForgetSummary:
    """What was done to forget some videos."""

    video_ids: tuple[str, ...]
    """The videos, sorted."""
    num_by_place: dict[str, int]
    """How many commits were replaced, by dataset and partition."""
    built_upon: tuple[str, ...]
    """Ids of snapshots and models that keep their ids and read the rest from now on."""
    checkpoints: tuple[str, ...]
    """Saved positions of trainings: discarded."""
    unknown: tuple[str, ...]
    """Those of the videos that no commit held; they are kept out from now on all the same."""


def forget_videos(store: Store, video_ids: Collection[str], now: datetime) -> ForgetSummary:
    """Remove videos for good from every commit of a store, its past included.

    Ingest passes them over from now on, by digests of their ids. Another video of the same content
    stays as it is. What was learned from them stays in the weights of models, the statistics of
    their training examples, the TF-IDF terms and weights of text recipes and the salt of the split.

    Args:
        store: The store.
        video_ids: The videos.
        now: The moment, in UTC.

    Raises:
        Invalid: One is no id of a video, or none is given.
        Corrupt: A commit that holds one is damaged.
        Retryable: The disk is full or failing, or the catalog is out of reach; the same call again
            goes on.
    """
    if not video_ids:
        raise Invalid("no video is named: give the ids of those that are to be forgotten")
    wanted = tuple(sorted({parse_video_id(each) for each in video_ids}))
    return _forget(store, wanted, commits.salted(store, wanted), now)


def forget_again(store: Store, videos: Forgotten, now: datetime) -> ForgetSummary:
    """Remove from a copy of a store what another copy has forgotten since.

    Args:
        store: The copy, such as a restored backup.
        videos: What the other copy has forgotten, by `commits.forgotten`.
        now: The moment, in UTC.

    Raises:
        Invalid: The two are not copies of one store.
        Corrupt: As for `forget_videos`.
        Retryable: As for `forget_videos`.
    """
    return _forget(store, tuple(sorted(_all_ids(store, videos.__contains__))), videos, now)


def traces(store: Store) -> Iterator[Damage]:
    """Find what a store still holds of videos that it has forgotten.

    Yields:
        The folder of each commit that lists one.
    """
    known = commits.forgotten(store)
    if not known.digests:
        return
    for commit, video_id in find_ids(store, known.__contains__):
        yield Damage(
            commit.folder,
            f"lists video {shown(video_id)}, which was forgotten: run reelstore forget with its id",
        )


def _all_ids(store: Store, is_wanted: Callable[[str], bool]) -> set[str]:
    found = set[str]()
    for commit, _ in find_ids(store, is_wanted):
        found |= {each for block in listed_ids(commit) for each in block if is_wanted(each)}
    return found


def _forget(
    store: Store, video_ids: tuple[str, ...], videos: Forgotten, now: datetime
) -> ForgetSummary:
    held = _all_ids(store, set(video_ids).__contains__)
    done = commits.forget(store, videos, VideoEraser(store, video_ids), now)
    places = [str(commits.commit_by_id(store, each).address) for each in done.renamed]
    return ForgetSummary(
        video_ids=video_ids,
        num_by_place={place: places.count(place) for place in sorted(set(places))},
        built_upon=done.built_upon,
        checkpoints=done.checkpoints,
        unknown=tuple(each for each in video_ids if each not in held),
    )
