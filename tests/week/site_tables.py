"""Tables of a page as cells by heading, and what is counted while they are compared."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.week.site_pages import Page
from warehouse import commits
from warehouse.commits import Commit


class Comparison:
    """Compares what pages show with what a store has, and counts."""

    def __init__(self) -> None:
        self.num_compared = 0
        """Numbers and words."""

    def same(self, shown: object, stored: object, where: str) -> None:
        """Compare a part of a page.

        Args:
            shown: On the page.
            stored: In the store.
            where: Names the part, for people.
        """
        assert shown == stored, f"{where} shows {shown}, and the store has {stored}"
        self.num_compared += _count(stored)


def check_all_known(page: Page, where: str) -> None:
    """Refuse a page that has a table which nobody has taken from it."""
    assert not page.tables, f"{where} has tables that were not compared: {list(page.tables)}"


def records(page: Page, name: str) -> list[dict[str, str]]:
    """Take a table from a page, as cells by the column's heading."""
    head, *rows = page.tables.pop(name, [[]])
    return [dict(zip(head, row, strict=True)) for row in rows]


def by_name(
    page: Page, name: str, key: str, like: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Take the columns of a table that others have, by what its rows are about."""
    columns = next(iter(like.values()), {})
    rows = records(page, name)
    return {id_of(row[key]) if key == "category" else row[key]: part(row, columns) for row in rows}


def part(row: Mapping[str, str], columns: Iterable[str]) -> dict[str, str]:
    """Take some columns of a row."""
    return {column: row[column] for column in columns}


def texts(figures: Mapping[str, float | None]) -> dict[str, str]:
    """Write figures as a page says their exact values; what is not known is empty."""
    return {name: "" if value is None else str(value) for name, value in figures.items()}


def id_of(category: str) -> str:
    """The id of a category, which stands behind its name."""
    return category.rsplit(maxsplit=1)[-1]


def markdown_tables(payload: bytes) -> list[list[list[str]]]:
    """Read the tables of a text in Markdown, each as rows of cells, the headings first."""
    tables_of_card: list[list[list[str]]] = []
    is_inside = False
    for line in payload.decode().splitlines():
        if not line.startswith("|"):
            is_inside = False
            continue
        if not is_inside:
            tables_of_card.append([])
        is_inside = True
        cells = [_plain(cell) for cell in line.strip("|").split("|")]
        if not set("".join(cells)) <= set("-: "):
            tables_of_card[-1].append(cells)
    return tables_of_card


def _plain(cell: str) -> str:
    """A cell without what Markdown makes bold, code or no markup."""
    return re.sub(r"\\([^\w\s])", r"\1", cell.strip().strip("*`"))


def read_json(commit: Commit, name: str) -> dict[str, Any]:
    """Read a file of a commit."""
    content: dict[str, Any] = json.loads(commits.read_bytes(commit, name))
    return content


def _count(stored: object) -> int:
    if isinstance(stored, dict):
        stored = list(stored.values())
    return sum(map(_count, stored)) if isinstance(stored, list | tuple | set) else 1
