from itertools import accumulate, cycle
from pathlib import Path

from featurestore.extraction.encoding.execution_modes import compare_modes
from featurestore.views.frames.frame_spec import FrameSpec


def test_the_least_time_of_each_mode_is_compared(recipe: tuple[FrameSpec, Path]) -> None:
    eager, openvino, between = 3.0, 2.0, 1.0
    seconds = accumulate(cycle([eager, between, openvino, between]), initial=0.0)
    compared = compare_modes(*recipe, clock=lambda: next(seconds))
    assert (compared.mode, compared.speed) == ("openvino", 1.5)
    assert 0.9999 < compared.lowest_cosine <= 1
