import csv
import io
from itertools import product

import polars as pl
import pytest

from warehouse.printable import printable, text_of_cell
from warehouse.tables import spreadsheet

FORMULAS = ['=HYPERLINK("x")', "+1", "-1", "@sum", "'=1", "\t=1", "=1\r\n=2", '"=1', "=一"]


def test_three_hundred_hostile_titles_come_back_as_they_were_and_none_is_a_formula() -> None:
    leads = ["", "'", "''", '"', "\t", "\r\n", "\ufeff", "\u200b", "\x1b"]
    starts = ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
    bodies = ['cmd|" /C calc"!A0', "HYPERLINK(1)", "1,2;3", "\n=1", "题"]
    titles = ["".join(parts) for parts in product(leads, starts, bodies)]
    assert len(titles) >= 300
    payload = spreadsheet.encode(pl.DataFrame({"title": titles}))
    cells = [row[0] for row in csv.reader(io.StringIO(payload.decode(), newline=""))][1:]
    assert len(cells) == len(titles)
    assert not [cell for cell in cells if cell[0] in starts or not cell.isprintable()]
    assert [text_of_cell(cell) for cell in cells] == [printable(title) for title in titles]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula_and_each_is_one_line(text: str) -> None:
    payload = spreadsheet.encode(pl.DataFrame({"title": [text, "题"], "p": [0.5, None]}))
    rows = list(csv.reader(io.StringIO(payload.decode(), newline="")))
    assert rows[0] == ["title", "p"]
    assert len(rows) == 3
    assert rows[1][0][0] not in "=+-@\t\r\n"
    assert rows[2] == ["题", ""]
    if text.isprintable():
        assert text_of_cell(rows[1][0]) == text
