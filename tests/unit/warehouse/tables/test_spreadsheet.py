import csv
import io

import polars as pl
import pytest

from warehouse.printable import text_of_cell
from warehouse.tables import spreadsheet

FORMULAS = ['=HYPERLINK("x")', "+1", "-1", "@sum", "'=1", "\t=1", "=1\r\n=2", '"=1', "=一"]


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
