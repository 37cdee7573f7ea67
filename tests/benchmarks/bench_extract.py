"""How fast extraction is, compared in one run with the usual way and with its bound.

Prints a table and writes build/bench-extract.json. Figures of two runs are not comparable, ratios
of one run are.
"""

import itertools

import flows  # noqa: F401 - its setting for waiting threads is read when torch is first imported
from tests.benchmarks.bench_encoding import encoding_rows
from tests.benchmarks.bench_frames import frame_rows
from tests.benchmarks.bench_modes import mode_rows
from tests.benchmarks.bench_peers import peer_rows
from tests.benchmarks.bench_text import text_rows
from tests.benchmarks.report import write


def main() -> None:
    """Measure every part."""
    rows = itertools.chain(frame_rows(), peer_rows(), encoding_rows(), mode_rows(), text_rows())
    write(rows, "bench-extract")


if __name__ == "__main__":
    main()
