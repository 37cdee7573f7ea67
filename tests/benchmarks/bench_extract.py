"""How fast extraction is, beside the usual way and beside what it cannot be faster than, all measured in this run.

Prints a table and writes build/bench-extract.json. Figures of two runs are not comparable, ratios of one run are.
"""

# ruff: noqa: T201 - a benchmark prints

import json
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

import flows  # noqa: F401 - its setting for waiting threads is read when torch is first imported
from tests.benchmarks.bench_encoding import encoding_rows
from tests.benchmarks.bench_frames import frame_rows
from tests.benchmarks.bench_text import text_rows

OUT = Path(__file__).parents[2] / "build" / "bench-extract.json"


def main() -> None:
    """Measure every part."""
    rows: list[dict[str, Any]] = [*frame_rows(), *encoding_rows(), *text_rows()]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("name", "ours", "peer", "bound", "ratio", "target", "holds"):
        table.add_column(name, justify="left" if name in {"name", "target"} else "right")
    for row in rows:
        figures = ("" if row[name] is None else f"{row[name]:,.4g}" for name in ("ours", "peer", "bound", "ratio"))
        table.add_row(row["name"], *figures, row["target"], "yes" if row["holds"] else "no")
    Console(width=150).print(table)
    print(f"written to {OUT}")


if __name__ == "__main__":
    main()
