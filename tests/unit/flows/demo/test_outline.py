from collections import Counter

from flows.demo.clip_text import ClipText
from flows.demo.outline import (
    DEFAULT_SIZES,
    ClipOutline,
    PartitionOutline,
    outline_corpus,
    share_out,
)
from flows.demo.scans import Scans
from flows.demo.topics import CATEGORIES, DIGITS_SHOWN, TOPICS

Outlines = dict[str, PartitionOutline]


def _clips(outlines: Outlines) -> list[ClipOutline]:
    return [clip for partition in outlines.values() for clip in partition.clips]


def test_partitions_have_the_sizes_asked_for(outlines: Outlines) -> None:
    assert {
        name: (partition.role, len(partition.clips)) for name, partition in outlines.items()
    } == {
        "unlabeled": ("unlabeled", DEFAULT_SIZES.unlabeled),
        "labeled": ("labeled", DEFAULT_SIZES.labeled),
        "2026-11-20": ("score", DEFAULT_SIZES.scored_day),
        "2026-11-21": ("score", DEFAULT_SIZES.scored_day),
    }
    assert len(_clips(outlines)) >= 900


def test_categories_are_skewed_within_bounds(outlines: Outlines) -> None:
    assert len(TOPICS) >= 5
    assert len(DIGITS_SHOWN) >= 4
    counts = Counter(clip.category.category_id for clip in outlines["labeled"].clips)
    assert len(counts) == len(CATEGORIES) == len(TOPICS) * len(DIGITS_SHOWN)
    assert max(counts.values()) <= 0.15 * sum(counts.values())
    assert 6 <= min(counts.values()) <= max(counts.values()) / 4


def test_neither_topic_nor_digit_gives_the_category() -> None:
    assert {(category.topic.name, category.digit) for category in CATEGORIES} == {
        (topic.name, digit) for topic in TOPICS for digit in DIGITS_SHOWN
    }
    for topic in TOPICS:
        weights = [category.weight for category in CATEGORIES if category.topic == topic]
        assert max(weights) < 0.5 * sum(weights)
    for digit in DIGITS_SHOWN:
        weights = [category.weight for category in CATEGORIES if category.digit == digit]
        assert max(weights) < 0.5 * sum(weights)


def test_clips_show_the_digit_of_their_category(outlines: Outlines, scans: Scans) -> None:
    for partition in outlines.values():
        part = scans.scoring if partition.role == "score" else scans.training
        for clip in partition.clips:
            assert part.digits[clip.scan] == clip.category.digit


def test_clips_last_1_to_20_seconds_at_10_to_30_frames(outlines: Outlines) -> None:
    for clip in _clips(outlines):
        assert 1 <= clip.num_frames / clip.frame_rate <= 20
        assert 10 <= clip.frame_rate <= 30


def test_every_kind_of_broken_file_is_in_labeled_and_scored_partitions(outlines: Outlines) -> None:
    broken = {"truncated", "empty", "audio", "listing", "missing"}
    assert broken.isdisjoint(clip.make for clip in outlines["unlabeled"].clips)
    for name in ("labeled", "2026-11-20", "2026-11-21"):
        made = [clip for clip in outlines[name].clips if clip.make in broken]
        assert {clip.make for clip in made} == broken
        assert len(made) < 0.05 * len(outlines[name].clips)
        assert all(clip.text != ClipText() for clip in made)


def test_a_few_clips_say_nothing(outlines: Outlines) -> None:
    for partition in outlines.values():
        assert (
            1
            <= sum(clip.text == ClipText() for clip in partition.clips)
            <= 0.05 * len(partition.clips)
        )


def test_copies_are_of_their_own_category_and_never_cross_into_scoring(outlines: Outlines) -> None:
    by_path = {
        clip.path: (partition.role, clip)
        for partition in outlines.values()
        for clip in partition.clips
    }
    copies = [
        (partition.role, clip)
        for partition in outlines.values()
        for clip in partition.clips
        if clip.make == "copied"
    ]
    assert len(copies) >= 8
    for role, clip in copies:
        assert clip.other
        source_role, source = by_path[clip.other]
        assert source.make == "drawn"
        assert source.category == clip.category
        assert (source_role == "score") == (role == "score")


def test_video_ids_are_unique_and_unsorted(outlines: Outlines) -> None:
    ids = [clip.video_id for clip in _clips(outlines)]
    assert len(set(ids)) == len(ids)
    assert ids != sorted(ids)


def test_seed_decides_the_outline(outlines: Outlines, scans: Scans) -> None:
    assert tuple(outlines.values()) == outline_corpus(7, DEFAULT_SIZES, scans)
    assert tuple(outlines.values()) != outline_corpus(8, DEFAULT_SIZES, scans)


def test_share_out_keeps_the_total() -> None:
    assert share_out(10, [1, 1, 1]) == [4, 3, 3]
    assert share_out(0, [1, 2]) == [0, 0]
