"""Tables as CSV that a spreadsheet may open: no cell of them is computed."""

import polars as pl

from warehouse.printable import spreadsheet_cell


def encode(rows: pl.DataFrame, float_digits: int = 6) -> bytes:
    """Write a table as CSV with a header.

    Args:
        rows: Texts and numbers; a null becomes an empty cell.
        float_digits: After the decimal point.

    Returns:
        UTF-8, with an apostrophe before each text that a spreadsheet would take for a formula.
    """
    texts = [name for name, dtype in rows.schema.items() if dtype == pl.String]
    safe = rows.with_columns(
        pl.col(name).map_elements(spreadsheet_cell, return_dtype=pl.String) for name in texts
    )
    return safe.write_csv(float_precision=float_digits).encode()
