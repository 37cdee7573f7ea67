"""Reads pages of a site as a browser's user does: tables, lists and the data of galleries."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

_OWN_LINE = ("li", "p", "dt", "dd", "h1", "figcaption")
_NO_END = ("meta", "link", "br", "img", "input")


@dataclass
class Page:
    """What stands on a page."""

    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    """Rows of cells, by the section and the table's place in it; a cell that says its exact value
    is that value."""
    lines: dict[str, list[str]] = field(default_factory=dict)
    """The text of list items and paragraphs outside tables, by section."""
    gallery: dict[str, Any] | None = None
    """The data that the page's script draws the gallery from."""
    cells: list[str] = field(default_factory=list)
    """What the cells of maps are called."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._section = ""
        self._open: list[str] = []
        self._rows: list[list[str]] | None = None
        self._value: str | None = None
        self._text: list[str] = []
        self._is_gallery = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _NO_END:
            return
        self._open.append(tag)
        self._is_gallery = given.get("id") == "items"
        if tag == "section":
            self._section = (given.get("aria-labelledby") or "").removesuffix("-heading")
        elif tag == "table":
            place = sum(name.split()[0] == self._section for name in self.page.tables)
            self._rows = self.page.tables.setdefault(f"{self._section} {place}", [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("td", "th"):
            self._value, self._text = given.get("data-value"), []
        elif tag == "a" and "svg" in self._open:
            self.page.cells.append(given.get("aria-label") or "")
        elif tag in _OWN_LINE and self._rows is None:
            self._end_line()

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "table":
            self._rows, self._text = None, []
        elif tag in ("td", "th") and self._rows is not None:
            self._rows[-1].append(self._words() if self._value is None else self._value)
        elif tag in _OWN_LINE and self._rows is None:
            self._end_line()
        self._is_gallery = False

    def handle_data(self, data: str) -> None:
        if self._is_gallery:
            self.page.gallery = json.loads(data)
        elif not {"script", "style", "svg", "nav"} & set(self._open):
            self._text.append(data)

    def _end_line(self) -> None:
        if words := self._words():
            self.page.lines.setdefault(self._section, []).append(words)
        self._text = []

    def _words(self) -> str:
        return " ".join("".join(self._text).split())


def read_page(file: Path) -> Page:
    """Read a page."""
    reader = _Reader()
    reader.feed(file.read_text(encoding="utf-8"))
    return reader.page
