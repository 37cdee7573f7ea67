"""Runs a program whose chunks and blocks are small, so that few videos are work for several.

    python -m tests.fault.small_shares prefect.engine
    python -m tests.fault.small_shares reelstore rebuild-catalog + run extract-features

It notes in a file what it has made. Where a folder of stops is named, it stops after its first
chunk or block until there is a file `go` in it.
"""

import itertools
import os
import runpy
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

NOTES, STOPS, MACHINE = "SHARES_NOTES", "SHARES_STOPS", "SHARES_MACHINE"
"""Variables: the file, the folder, and the name of who makes."""
SILENCE = timedelta(seconds=75)
"""After two heartbeats of 30 s, the shortest that Prefect allows."""

_made_here = list[str]()


def _stop() -> None:
    stops = os.environ.get(STOPS)
    while stops and _made_here and not (Path(stops) / "go").exists():
        time.sleep(0.1)


def _note(words: str) -> None:
    _made_here.append(words)
    line = f"{os.environ[MACHINE]} {words}\n".encode()
    with Path(os.environ[NOTES]).open("ab", buffering=0) as notes:
        notes.write(line)


def _make_small() -> None:
    from featurestore.extraction import chunking  # noqa: PLC0415 - torch comes with the program
    from featurestore.extraction.view_job import ViewJob  # noqa: PLC0415
    from flows.deployments import setup  # noqa: PLC0415
    from modeling.models import scored_partitions, scoring  # noqa: PLC0415

    make_chunk, stage_block = ViewJob._make, scored_partitions.stage_block

    def make_noted(self: ViewJob, index: int, kept: Any) -> None:
        _stop()
        make_chunk(self, index, kept)
        _note(f"{self._view} {self._partition.name} {index}")

    def stage_noted(
        staging: Any, model_id: str, pin: Any, index: int, make: Callable[[], Any]
    ) -> int:
        is_made = list[bool]()

        def made() -> Any:
            _stop()
            is_made.append(True)
            return make()

        num_rows = stage_block(staging, model_id, pin, index, made)
        if is_made:
            _note(f"predictions {pin.partition} {index}")
        return num_rows

    chunking.CHUNK_CONTENTS = 4
    vars(scoring).update(_BATCH_SIZE=1, _BATCHES_IN_BLOCK=1)
    setup.SILENCE = SILENCE
    ViewJob._make = make_noted  # type: ignore[method-assign]
    scored_partitions.stage_block = stage_noted


def main() -> None:
    """Run what the command line names."""
    program = sys.argv.pop(1)
    _make_small()
    if program == "reelstore":
        from flows.commands.cli import main as reelstore  # noqa: PLC0415

        for _, words in itertools.groupby(sys.argv[1:], lambda word: word == "+"):
            sys.argv[1:] = words
            if sys.argv[1:] == ["+"]:
                continue
            try:
                reelstore()
            except SystemExit as end:
                if end.code:
                    raise
    else:
        runpy.run_module(program, run_name="__main__")


if __name__ == "__main__":
    main()
