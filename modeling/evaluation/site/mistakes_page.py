"""The page of labels that are probably wrong, and what to do about them."""

from collections.abc import Sequence
from dataclasses import dataclass

from modeling.evaluation.site.page import Shell, render
from warehouse.tables.taxonomy import Category


@dataclass(frozen=True)
class MistakeRow:
    """A label that the other labels contradict."""

    partition: str
    video_id: str
    title: str
    label: Category
    proposed: Category
    probability: float
    """Of the proposed category."""
    annotator: str | None
    strip: str | None
    """The path of its preview strip, from the site's folder."""


@dataclass(frozen=True)
class Mistakes:
    """All that the page tells."""

    rows: Sequence[MistakeRow] = ()
    """The most probable first."""
    problem: str | None = None
    """Why nothing can be said."""


def mistakes_page(mistakes: Mistakes, shell: Shell) -> bytes:
    """Write the page of the likely mislabelled."""
    return render("mistakes.html", shell, {"mistakes": mistakes}, has_tables=bool(mistakes.rows))
