"""The gallery of a page: videos with what is predicted of them, those to look at first in front."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from warehouse.printable import printable
from warehouse.tables.taxonomy import Category, Taxonomy

Verdict = Literal["wrong", "disagreed", "right", "unknown"]

NUM_DRAWN = 48
"""The page itself draws so many; its script draws the others as they are asked for."""
_TITLE_CHARS = 200


@dataclass(frozen=True)
class GalleryItem:
    """A video and its prediction."""

    video_id: str
    title: str
    predicted: Category
    probability: float
    """Of the predicted category."""
    true: Category | None = None
    """None where nobody has labelled it."""
    other: Category | None = None
    """What another model predicts; None where none was asked."""
    strip: str | None = None
    """The path of a JPEG of one to eight square frames side by side, from the site's folder."""
    missing_views: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Whether the prediction is right; where nobody knows, whether the other model differs."""
        if self.true is not None:
            return "right" if self.true == self.predicted else "wrong"
        if self.other is not None and self.other != self.predicted:
            return "disagreed"
        return "unknown"

    @property
    def short_title(self) -> str:
        """The title, bounded, with nothing in it that cannot be seen."""
        return printable(self.title.strip(), _TITLE_CHARS)


@dataclass(frozen=True)
class Gallery:
    """Videos in the order in which they are shown."""

    items: tuple[GalleryItem, ...]
    taxonomy: Taxonomy

    @property
    def drawn(self) -> tuple[GalleryItem, ...]:
        """Those that the page itself draws."""
        return self.items[:NUM_DRAWN]

    def count(self, verdict: Verdict) -> int:
        """Count the videos of a verdict."""
        return sum(item.verdict == verdict for item in self.items)

    def data(self) -> dict[str, Any]:
        """All videos as the page's script reads them: rows of numbers and words.

        Places of categories are those of the taxonomy.
        """
        place = {each: index for index, each in enumerate(self.taxonomy.categories)}

        def row(item: GalleryItem) -> list[Any]:
            return [
                printable(item.video_id, sys.maxsize),
                item.short_title,
                place[item.predicted],
                round(float(item.probability), 4),
                None if item.true is None else place[item.true],
                None if item.other is None else place[item.other],
                item.strip,
                " ".join(item.missing_views),
            ]

        return {
            "categories": [
                [printable(each.category_id), printable(each.name), printable(each.level1_name)]
                for each in self.taxonomy.categories
            ],
            "items": [row(item) for item in self.items],
        }


def arrange(items: Sequence[GalleryItem], taxonomy: Taxonomy) -> Gallery:
    """Put mistakes and disagreements first, the surest of them first; then the least sure.

    Args:
        items: Each video once.
        taxonomy: Of all their categories.
    """

    def order(item: GalleryItem) -> tuple[bool, float, str]:
        is_first = item.verdict in ("wrong", "disagreed")
        return (not is_first, -item.probability if is_first else item.probability, item.video_id)

    return Gallery(tuple(sorted(items, key=order)), taxonomy)
