"""Lives the whole week without Prefect, and keeps what its runs came to and announced.

python -m tests.week.undisturbed PAST FOLDER
"""

import json
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tests.week.past import copy_past, settings_in
from tests.week.simulated_days import live, run_here
from tests.week.whole_week import END, SUNDAY, whole_week
from tests.week.world import WEEK, World
from warehouse.reporting import SilentReporter

KEPT = "kept.json"
"""What is kept, in the folder of the week."""


class _Listener(SilentReporter):
    def __init__(self) -> None:
        self.announced = list[tuple[str, str]]()

    def announce(self, event: str, subject: str, facts: Mapping[str, object]) -> None:  # noqa: ARG002
        self.announced.append((f"reelstore.{event}", subject))


def main() -> None:
    """Live the week."""
    past, folder = map(Path, sys.argv[1:])
    copy_past(past, folder)
    listener, world = _Listener(), World(folder / "clips", WEEK, SUNDAY)
    run = run_here(settings_in(folder), listener)
    runs = live(folder, whole_week(folder, world), END, run, partial(print, flush=True))
    kept = {
        "runs": [(f"{each.at}", each.deployment, each.state) for each in runs],
        "announced": sorted(set(listener.announced)),
    }
    (folder / KEPT).write_text(json.dumps(kept, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
