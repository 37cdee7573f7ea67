"""Rows of measures, compared with their peers and bounds: how they are made, printed and kept."""

# ruff: noqa: T201 - a benchmark prints

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

BUILD = Path(__file__).parents[2] / "build"

Row = dict[str, Any]
"""name, ours, peer, bound, ratio, target, holds"""


def row(
    name: str,
    ours: float,
    peer: float | None,
    bound: float | None,
    ratio: float | None,
    target: str | None,
    holds: bool,
) -> Row:
    """One row of the table."""
    return {
        "name": name,
        "ours": ours,
        "peer": peer,
        "bound": bound,
        "ratio": ratio,
        "target": target,
        "holds": holds,
    }


def at_most(most: float, ratio: float) -> tuple[str, bool]:
    """A target, and whether it holds."""
    return f"at most {most:g}", ratio <= most


def at_least(least: float, ratio: float) -> tuple[str, bool]:
    """Likewise."""
    return f"at least {least:g}", ratio >= least


def write(measured: Iterable[Row], name: str) -> None:
    """Print each row as it is made, then a table, and write all to `build/NAME.json`."""
    rows = []
    for one in measured:
        print(json.dumps(one, ensure_ascii=False), flush=True)
        rows.append(one)
    path = BUILD / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("name", "ours", "peer", "bound", "ratio", "target", "holds"):
        table.add_column(column, justify="left" if column in {"name", "target"} else "right")
    for one in rows:
        figures = (
            "" if one[key] is None else f"{one[key]:,.4g}"
            for key in ("ours", "peer", "bound", "ratio")
        )
        table.add_row(one["name"], *figures, one["target"] or "", "yes" if one["holds"] else "no")
    Console(width=150).print(table)
    print(f"written to {path}")
