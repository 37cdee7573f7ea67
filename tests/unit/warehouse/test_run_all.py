import pytest

from warehouse.errors import Invalid, ReelstoreError, Retryable
from warehouse.run_all import raise_any, run_all


def halve(number: int) -> int:
    if number % 2:
        raise Invalid(f"{number} is odd")
    return number // 2


def test_what_fails_does_not_stop_the_others() -> None:
    made, errors = run_all([2, 3, 4], halve)
    assert made == [1, 2]
    assert [str(error) for error in errors] == ["3 is odd"]


def test_one_error_ends_the_run_as_itself_and_several_with_all_their_sentences() -> None:
    raise_any([])
    with pytest.raises(Invalid, match="3 is odd"):
        raise_any(run_all([3], halve)[1])
    with pytest.raises(Retryable, match="3 is odd; 5 is odd"):
        raise_any(run_all([3, 5], halve)[1])


def test_an_error_that_is_not_ours_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        run_all([0], lambda number: 1 // number)
    assert issubclass(Invalid, ReelstoreError)
