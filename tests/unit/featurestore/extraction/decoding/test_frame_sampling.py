from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from featurestore.extraction.decoding.frame_sampling import midpoints, sample


def test_midpoints_of_a_whole_clip_reach_both_halves_of_its_ends() -> None:
    assert midpoints(0, 800, 8) == [50, 150, 250, 350, 450, 550, 650, 750]
    assert midpoints(1000, 1016, 8) == [1001, 1003, 1005, 1007, 1009, 1011, 1013, 1015]


def test_equal_frames_are_sampled_at_floor_of_i_and_a_half_n_eighths() -> None:
    for num in (8, 9, 16, 24, 25, 32, 1000):
        assert sample(range(num), num, 8) == [(2 * i + 1) * num // 16 for i in range(8)]


def test_fewer_frames_than_wanted_are_each_taken_once() -> None:
    assert sample([5, 6, 9], 10, 8) == [0, 1, 2]


def test_a_frame_shown_for_long_is_taken_for_every_target_it_covers() -> None:
    assert sample([0, 1, 2, 3, 4, 5, 6, 7], 80, 8) == [5, 7, 7, 7, 7, 7, 7, 7]


@given(
    st.lists(st.integers(-(10**12), 10**12), min_size=8, max_size=60, unique=True).map(sorted),
    st.integers(1, 10**9),
    st.integers(1, 8),
)
def test_the_frame_chosen_is_the_one_shown_at_the_exact_target(
    shown_from: list[int], last_duration: int, num_frames: int
) -> None:
    end = shown_from[-1] + last_duration
    for i, index in enumerate(sample(shown_from, end, num_frames)):
        target = shown_from[0] + (i + Fraction(1, 2)) * (end - shown_from[0]) / num_frames
        assert shown_from[index] <= target
        assert index + 1 == len(shown_from) or target < shown_from[index + 1]
