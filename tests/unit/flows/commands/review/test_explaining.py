import json
from collections.abc import Callable

import numpy as np
import pytest

Run = Callable[..., tuple[int, str, str]]
DAY, VIDEO, ZIP, BARE = "2026-11-20", f"{100:020d}", f"{101:020d}", f"{102:020d}"


@pytest.mark.usefixtures("scored")
def test_an_explanation_tells_parts_keywords_frames_and_neighbours(run: Run) -> None:
    status, out, err = run("explain", DAY, "--video", VIDEO, "--json")
    assert (status, err) == (0, "")
    told = json.loads(out)
    assert told["chosen"]["category_id"] == "0000"
    assert told["chosen"]["probability"] == pytest.approx(0.985, abs=1e-3)
    assert [other["category_id"] for other in told["runners_up"]] == ["0100"]
    assert list(told["shares"])[-2:] == ["cross_encoder", "prior"]
    assert sum(told["shares"].values()) > 0
    assert told["title"].startswith("地铁口的煎饼果子")
    assert told["media"].endswith("media/20.mp4")
    assert len(told["keywords"]) > 0
    assert told["frames"] == sorted(told["frames"])
    assert len(told["nearest"]) == 5
    similarities = [neighbour["similarity"] for neighbour in told["nearest"]]
    np.testing.assert_array_equal(similarities, sorted(similarities, reverse=True))


@pytest.mark.usefixtures("scored")
def test_an_explanation_is_shown_with_what_the_model_lacked(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    status, out, _ = run("explain", DAY, "--video", BARE)
    assert status == 0
    for said in (
        f"video {BARE} of {DAY}: category 0000 in group 00, probability 0.519",
        "the model had no frames",
        "medium (none)",
        "frames at (none)",
        "the next most probable categories",
        "what speaks for 0000 against 0100",
        "the labelled videos most like it",
    ):
        assert said in out


@pytest.mark.usefixtures("scored")
@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((DAY, "--video", "old"), "lists no video 'old'"),
        (("labeled", "--video", VIDEO), "no predictions"),
        ((DAY, "--video", VIDEO, "--model", "ffff"), "no commit has 'ffff'"),
    ],
)
def test_an_explanation_that_cannot_be_gets_a_sentence(
    run: Run, words: tuple[str, ...], named: str
) -> None:
    status, _, err = run("explain", *words)
    assert (status, err.count("\n")) == (2, 1)
    assert named in err
