"""What is told of a stage while it goes on, and when it has ended."""

from flows.stage import Stage


def test_a_stage_says_its_counts_its_rate_and_what_is_left() -> None:
    seconds = [100.0]
    stage = Stage("train", clock=lambda: seconds[0])
    seconds[0] += 5
    assert stage.line() == "train: begun 5.0 s ago"
    stage.show(500, 1_500)
    seconds[0] += 10
    stage.show(600, 1_500, "loss 1.234")
    assert stage.percent == 40
    # The 500 steps were an earlier run's: they say nothing of this one's pace.
    assert stage.line() == "train: 600 of 1,500, 10 a second, 90 s left, loss 1.234"
    assert stage.last_line() == "train: 600 in 15.0 s, 10 a second"


def test_a_stage_of_one_unit_has_a_rate_when_it_ends() -> None:
    seconds = [0.0]
    stage = Stage("extract frames 2026-11-20", clock=lambda: seconds[0])
    seconds[0] += 8
    stage.show(512, 512)
    assert stage.last_line() == "extract frames 2026-11-20: 512 in 8.0 s, 64 a second"
