from dataclasses import asdict

import pytest

from featurestore.progress.media_facts import MediaFacts, parse_facts

CLIP = MediaFacts(720, 1280, "h264", 12.5, 25.0)
ZIP = MediaFacts(640, 480, "jpeg")


@pytest.mark.parametrize("facts", [CLIP, ZIP])
def test_facts_are_read_as_they_were_said(facts: MediaFacts) -> None:
    assert parse_facts(asdict(facts)) == facts


@pytest.mark.parametrize(
    "changed",
    [
        {"width": 0},
        {"width": 2**31},
        {"height": -1},
        {"height": "720"},
        {"codec": "H264\x1b"},
        {"codec": "h" * 33},
        {"codec": None},
        {"duration_seconds": float("inf")},
        {"duration_seconds": -1.0},
        {"frames_per_second": float("nan")},
    ],
)
def test_facts_of_another_form_are_none(changed: dict[str, object]) -> None:
    assert parse_facts({**asdict(CLIP), **changed}) is None


def test_what_is_no_fact_at_all_is_none() -> None:
    wrong: list[object] = [None, "", 7, [], {}, {"width": 1}]
    for said in wrong:
        assert parse_facts(said) is None
