import pytest

from featurestore.extraction import work_limits
from featurestore.extraction.work_limits import WorkLimits

LIMITS = WorkLimits(pixels=10**6, seconds=30)


def test_the_error_for_too_many_pixels_is_known_by_its_sentence() -> None:
    rejected = LIMITS.too_many_pixels("9 frames of 4 x 4 pixels would have to be decoded")
    assert rejected.reason == "too_large"
    assert work_limits.met(rejected.reason, rejected.sentence) == LIMITS.pixels


@pytest.mark.parametrize(
    ("reason", "detail", "limit"),
    [
        (
            "too_large",
            "90 frames of 3840 x 2160 pixels would have to be decoded, more than 8589934592 pixels",
            2**33,
        ),
        ("too_large", "a.mp4 has more than 268435456 bytes", None),
        ("too_large", "5000 x 5000 pixels are more than 16777216", None),
        (
            "too_large",
            (
                "9 frames of 1 x 1 pixels would have to be decoded, more than 5 pixels.png has more"
                " bytes"
            ),
            None,
        ),
        ("too_large", None, None),
        ("decode_timeout", "not decoded within 240 seconds", 240),
        ("decode_timeout", "not decoded within 1e+06 seconds", 10**6),
        ("not_media", "not decoded within 240 seconds", None),
        ("ok", None, None),
    ],
)
def test_only_limits_that_a_setting_raises_are_told_apart(
    reason: str, detail: str | None, limit: float | None
) -> None:
    assert work_limits.met(reason, detail) == limit
