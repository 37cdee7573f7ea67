"""How fast extraction is, beside the usual way and beside what it cannot be faster than, all measured in this run.

Prints a table and writes build/bench-extract.json. Figures of two runs are not comparable, ratios of one run are.
"""

# ruff: noqa: T201 - a benchmark prints

import importlib
import importlib.util
import json
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

import flows  # noqa: F401 - its setting for waiting threads is read when torch is first imported

OUT = Path(__file__).parents[2] / "build" / "bench-extract.json"
PARTS = {"bench_frames": "frame_rows", "bench_text": "text_rows"}


def main() -> None:
    """Measure every part that is there."""
    rows: list[dict[str, Any]] = []
    for module, function in PARTS.items():
        if importlib.util.find_spec(module):
            rows += getattr(importlib.import_module(module), function)()
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
