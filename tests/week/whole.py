"""Lives a whole week twice, once with kills on a Prefect server and worker, and compares the two.

    python -m tests.week.whole

Both go on at the same time, from copies of one past; build/week keeps what was left of them.
"""

import shutil
import sys
import time
from functools import partial

from tests.conftest import ROOT, starting
from tests.week.checks import LivedWeek, check_all
from tests.week.past import copy_past, make_past
from tests.week.prefect_services import Prefect, listening
from tests.week.simulated_days import live, run_by_prefect
from tests.week.whole_week import END, KILLS, SUNDAY, whole_week
from tests.week.world import WEEK, World

FOLDER = ROOT / "build" / "week"


def main() -> None:
    """Live the week, and print what was shown.

    Raises:
        AssertionError: Something is not as it must be.
    """
    begun, say = time.monotonic(), partial(print, flush=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    past, undisturbed, folder = (FOLDER / each for each in ("past", "undisturbed", "disturbed"))
    make_past(past, World(FOLDER / "clips", WEEK, SUNDAY))
    say(f"{WEEK.past_days} past days are there after {_minutes(begun)}")
    with starting(FOLDER) as start, listening() as alarms:
        words = ["-m", "tests.week.undisturbed", str(past), str(undisturbed)]
        other = start([sys.executable, *words], "undisturbed.log", cwd=ROOT)
        copy_past(past, folder, alarms.url)
        prefect = Prefect(folder, start)
        prefect.set_up()
        happenings = whole_week(folder, World(folder / "clips", WEEK, SUNDAY))
        runs = live(folder, happenings, END, run_by_prefect(prefect, KILLS), say)
        say(f"the week with kills has ended after {_minutes(begun)}")
        assert other.wait() == 0, f"the week without kills failed: see {FOLDER}/undisturbed.log"
        week = LivedWeek(past, undisturbed, folder, runs, prefect, alarms)
        for what, shown in check_all(week):
            say(f"{what:<12} {shown}")
    say(f"{'wall time':<12} {_minutes(begun)}")


def _minutes(begun: float) -> str:
    return f"{(time.monotonic() - begun) / 60:.1f} minutes"


if __name__ == "__main__":
    main()
