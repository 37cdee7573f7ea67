"""What the simulated platform has: clips, labels, and past days that a model has scored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from flows.demo.clip_text import ClipText
from flows.demo.scans import Scans, load_scans
from flows.demo.topics import CATEGORIES, TOPICS, Category
from tests.week.clips import (
    Clip,
    choose_side,
    draw_categories,
    draw_clips,
    draw_files,
    land,
)

ZONE = ZoneInfo("Asia/Shanghai")
UNLABELLED, LABELS, NEW_LABELS, WRONG_LABELS = "unlabeled", "labels-1", "labels-2", "labels-3"
Drawn = tuple[Category, Path]
_NEW_TOPIC = TOPICS[0]
_OLD = [category for category in CATEGORIES if category.topic != _NEW_TOPIC]
_NEW = [category for category in CATEGORIES if category.topic == _NEW_TOPIC]
_FOREIGN = ClipText(title="новости спорта сегодня", asr="погода завтра будет хорошая " * 6)


@dataclass(frozen=True)
class Sizes:
    """How much is drawn; counts of videos."""

    labelled: int
    held_out: int
    """Labelled too, and left to validation; the gate wants 50."""
    unlabelled_files: int
    unlabelled: int
    past_files: int
    """Files that the videos of all past days share."""
    past_days: int
    """A judgement of drift wants 14."""
    day: int
    """Of each day."""


WEEK = Sizes(48, 56, 24, 72, 30, 21, 14)
SHORT = Sizes(40, 52, 12, 24, 12, 15, 12)


def at(day: date, words: str) -> datetime:
    """A moment of a day in Shanghai, such as 06:00."""
    return datetime.combine(day, time.fromisoformat(words), ZONE)


class World:
    """Draws all that lands; the same sizes give the same bytes.

    Args:
        folder: Where the files of clips go; nothing else may lie there.
        sizes: How much is drawn.
        first_day: After the past days.
    """

    def __init__(self, folder: Path, sizes: Sizes, first_day: date) -> None:
        self._folder, self._sizes, self.first_day = folder, sizes, first_day
        self._drawn = dict[str, list[Drawn]]()

    @cached_property
    def _scans(self) -> Scans:
        return load_scans()

    def _day_files(self, name: str, seed: int, number: int) -> list[Drawn]:
        if name not in self._drawn:
            categories = draw_categories(seed, number)
            self._drawn[name] = draw_files(
                self._folder / name, seed, self._scans.scoring, categories
            )
        return self._drawn[name]

    def _files(
        self, name: str, seed: int, categories: Sequence[Category], share: float = 0.0
    ) -> list[Drawn]:
        """Draw what models learn from; a share of it is held out."""
        if name not in self._drawn:
            drawn = draw_files(self._folder / name, seed, self._scans.training, categories)
            for place, (_, file) in enumerate(drawn):
                choose_side(file, held_out=place < share * len(drawn))
            self._drawn[name] = drawn
        return self._drawn[name]

    @property
    def _unlabelled(self) -> list[Drawn]:
        return self._files(UNLABELLED, 1, draw_categories(1, self._sizes.unlabelled_files))

    def _labelled(self, name: str, seed: int, categories: Sequence[Category]) -> list[Clip]:
        share = self._sizes.held_out / (self._sizes.labelled + self._sizes.held_out)
        return draw_clips(name, seed, self._files(name, seed, categories, share))

    def land_past(self, folder: Path) -> None:
        """Let everything land that was there before the week.

        Labels of one topic are not among it.
        """
        sizes = self._sizes
        labelled = self._labelled(
            LABELS, 2, draw_categories(2, sizes.labelled + sizes.held_out, _OLD)
        )
        unlabelled = draw_clips(UNLABELLED, 3, self._unlabelled, sizes.unlabelled)
        land(folder / "unlabeled" / UNLABELLED, "unlabeled", unlabelled)
        land(folder / "labeled" / LABELS, "labeled", labelled)
        files = self._day_files("past", 4, sizes.past_files)
        for number in range(sizes.past_days):
            name = str(self.first_day - timedelta(days=sizes.past_days - number))
            land(folder / "score" / name, "score", draw_clips(name, 100 + number, files, sizes.day))

    def day(self, day: date) -> list[Clip]:
        """Draw a day, with files of its own."""
        seed = 1_000 + day.toordinal()
        return draw_clips(str(day), seed, self._day_files(str(day), seed, self._sizes.day))

    def drifted(self, day: date) -> list[Clip]:
        """Draw a day of another language, without captions."""
        return [replace(clip, text=_FOREIGN) for clip in self.day(day)]

    def silent(self, day: date) -> list[Clip]:
        """Draw a day that has lost its texts."""
        return [replace(clip, text=ClipText()) for clip in self.day(day)]

    def damaged(self, day: date) -> list[Clip]:
        """Draw a day, three of whose files are no videos."""
        clips = self.day(day)
        for number in range(3):
            file = self._folder / f"broken-{day}-{number}.mp4"
            if not file.exists():
                file.write_bytes(f"no video {number}".encode())
            clips[number] = replace(clips[number], file=file)
        return clips

    def corrected(self, day: date) -> list[Clip]:
        """Draw a day as it is sent again: two videos fewer, another title."""
        first, *others = self.day(day)[2:]
        text = replace(first.text, title=f"{first.text.title} 更正")
        return [replace(first, text=text), *others]

    def new_labels(self) -> list[Clip]:
        """Draw labels of all topics, most of them of the one that had none."""
        most = draw_categories(5, 3 * self._sizes.labelled // 4, _NEW)
        categories = most + draw_categories(6, self._sizes.labelled // 4, _OLD)
        return self._labelled(NEW_LABELS, 5, categories)

    def wrong_labels(self) -> list[Clip]:
        """Draw labels, each of the next topic: a column that has slipped."""
        clips = draw_clips(WRONG_LABELS, 7, self._unlabelled, 3 * self._sizes.labelled)
        following = {
            category: CATEGORIES[(place + len(CATEGORIES) // len(TOPICS)) % len(CATEGORIES)]
            for place, category in enumerate(CATEGORIES)
        }
        return [replace(clip, category=following[clip.category]) for clip in clips]
