"""How often drift is found on drawn days: where there is none, and where there is.

`python -m tests.benchmarks.bench_drift` prints the tables of docs/drift.md.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from modeling.evaluation.drift.verdict import MOST_DAYS, Day, judge, sum_up, unusual
from tests.drawn_days import NO_SHIFT, DrawnWorld, Shift

SHIFTS = {
    "none": NO_SHIFT,
    "a new encoder's noise": Shift(encoder_noise=0.5),
    "one topic tripled": Shift(topic_times=3.0),
    "another language in a fifth of the texts": Shift(foreign_share=0.2),
    "OCR lost": Shift(loses_ocr=True),
    "frames lost for a tenth": Shift(frames_lost=0.1),
}
NUM_DAYS = 200

_WORLDS = (
    (21, "heavy-tailed", 10, 1_000),
    (22, "heavy-tailed", 10, 1_000),
    (23, "heavy-tailed", 10, 1_000),
    (24, "normal", 10, 1_000),
    (25, "heavy-tailed", 1_000, 3_000),
)
_SIZES, _NUM_PAST_DAYS, _NUM_SHIFTED_DAYS = (100, 1_000), (14, 28, 56), 20


def judge_in_turn(days: Sequence[Day]) -> dict[str, tuple[str, ...]]:
    """Judge each day by those before it, without those that raised an alarm.

    Args:
        days: In the order of time.

    Returns:
        What was unusual on each day that raised an alarm, by its partition.
    """
    alarms: dict[str, tuple[str, ...]] = {}
    for place, day in enumerate(days):
        past = [other for other in days[:place] if other.partition not in alarms]
        judged = judge(day, past[-MOST_DAYS:], {})
        if sum_up(judged) == "alarm":
            alarms[day.partition] = unusual(judged)
    return alarms


def find_shares(world: DrawnWorld, past: Sequence[Day], shift: Shift) -> dict[str, float]:
    """Judge days that all have the same shift by the same past days.

    Args:
        world: That drew the past days.
        past: Undrifted.
        shift: Of the judged days.

    Returns:
        The share of them that raise an alarm, by their size and the number of past days.
    """
    shares = {}
    for num_videos in _SIZES:
        numbers = range(len(past), len(past) + _NUM_SHIFTED_DAYS)
        days = [world.draw_day(number, num_videos, shift) for number in numbers]
        for num_past in _NUM_PAST_DAYS:
            verdicts = [sum_up(judge(day, past[-num_past:], {})) for day in days]
            name = f"{num_videos:,} videos, {num_past} days"
            shares[name] = verdicts.count("alarm") / len(days)
    return shares


def main() -> None:
    """Print both tables, as Markdown."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    _say("| world | days | videos of a day | alarms on 200 days | what was unusual |")
    _say("|---|---|---|---|---|")
    for seed, kind, fewest, most in _WORLDS:
        world = DrawnWorld(seed, heavy_tails=kind == "heavy-tailed")
        alarms = judge_in_turn(world.draw_days(NUM_DAYS, fewest, most))
        names = Counter(name for found in alarms.values() for name in found)
        unusual_names = ", ".join(f"`{name}` {count}" for name, count in sorted(names.items()))
        _say(f"| {seed} | {kind} | {fewest:,} to {most:,} | {len(alarms)} | {unusual_names} |")
    world = DrawnWorld(_WORLDS[0][0])
    past = world.draw_days(max(_NUM_PAST_DAYS), 500, 2_000)
    for place, (name, shift) in enumerate(SHIFTS.items()):
        shares = find_shares(world, past, shift)
        if place == 0:
            _say(f"\n| shift | {' | '.join(shares)} |\n|---|{'---|' * len(shares)}")
        _say(f"| {name} | {' | '.join(f'{share:.2f}' for share in shares.values())} |")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
