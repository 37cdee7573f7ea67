"""What docs/scale.md says of measures: exponents, carried seconds, targets, and the bill."""

import pytest

from tests.benchmarks.scale.measures import Fit, Measure, fits
from tests.benchmarks.scale.page import Machine, page

MACHINE = Machine(num_cores=2, moment="2026-11-28")


def measured(step: str, unit: str, seconds: dict[int, float]) -> list[Measure]:
    return [Measure(step, unit, size, each) for size, each in seconds.items()]


def fit_of(seconds: dict[int, float]) -> Fit:
    (fit,) = fits(measured("reelstore plan", "days", seconds))
    return fit


def test_exponents_are_those_of_a_power_and_leave_start_up_out_of_the_last() -> None:
    assert fit_of({10: 0.1, 100: 1, 1000: 10}).exponent == pytest.approx(1)
    started = fit_of({10: 1.01, 100: 1.1, 1000: 2, 10_000: 11})
    assert started.exponent < 0.5
    assert started.last_exponent == pytest.approx(0.74, abs=0.01)


def test_seconds_are_carried_by_the_line_through_the_largest_sizes() -> None:
    started = fit_of({10: 1.5, 100: 1.1, 1000: 2})
    assert started.seconds(100_000) == pytest.approx(101)


def test_seconds_are_never_less_than_none() -> None:
    assert fit_of({10: 2, 100: 1}).seconds(10_000) == 0


def test_page_names_what_grows_faster_than_n_log_n_and_what_missed_its_target() -> None:
    measures = [
        *measured("reelstore plan", "days", {10: 1, 100: 1.1, 1000: 1.6}),
        *measured("reelstore status", "days", {10: 1, 100: 1.1, 1000: 1.4}),
        *measured("snapshot", "videos", {100: 1, 1000: 100}),
    ]
    written = page(measures, MACHINE)
    assert "| steps that grow faster than n log n | snapshot | none | no |" in written
    assert (
        "| reelstore plan, 1,000 days compared with 10 | 1.60 times | at most 1.5 | no |" in written
    )
    assert (
        "| reelstore status, 1,000 days compared with 10 | 1.40 times | at most 1.5 | yes |"
        in written
    )


def test_page_of_a_run_that_was_cut_off_leaves_out_what_is_missing() -> None:
    written = page(measured("extract", "videos", {100: 10, 300: 20}), MACHINE)
    assert "opening" not in written.split("## Targets")[1].split("\n\n")[1]
    # 0.05 s a video and 5 s of start-up for each of 100 partitions
    assert "| extract | 58 | cores all day |" in written
