"""Labels that are wrong on purpose are found, by what does not know them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modeling.experts.out_of_fold import propose
from modeling.mistakes import find_mistakes
from modeling.nearest import nearest_labelled
from tests.drawn_features import NOW, DrawnFeatures, DrawnVideo
from warehouse.errors import Invalid
from warehouse.sources import corrections
from warehouse.store import Store, open_store
from warehouse.tables import split
from warehouse.tables.taxonomy import Taxonomy


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


@pytest.fixture
def publish(store: Store) -> Callable[..., None]:
    drawn = DrawnFeatures(store)

    def publish(name: str, *videos: DrawnVideo, role: str = "labeled") -> None:
        drawn.publish(name, role, videos)  # type: ignore[arg-type]

    return publish


def right(name: str, num_videos: int) -> list[DrawnVideo]:
    return [DrawnVideo(f"{name}{number:03d}", number % 3) for number in range(num_videos)]


def test_the_label_that_is_wrong_on_purpose_comes_first(
    store: Store, publish: Callable[..., None]
) -> None:
    publish("a", *right("a", 45))
    wrong = DrawnVideo("wrong", 2, title="=看", category_id="0000")
    publish("b", *right("b", 45), wrong)
    found = find_mistakes(store, NOW)
    assert tuple(found.columns) == corrections.COLUMNS
    first = found.row(0, named=True)
    assert first["probability"] > 0.9
    assert first | {"probability": None} == {
        "video_id": "wrong",
        "partition": "b",
        "title": "=看",
        "category_id": "0000",
        "proposed_category_id": "0100",
        "probability": None,
        "annotator": None,
        "source": None,
    }
    assert found["probability"].is_sorted(descending=True)
    assert (found["category_id"] != found["proposed_category_id"]).all()
    assert find_mistakes(store, NOW).equals(found)


def test_copies_lie_in_one_fold_so_that_none_vouches_for_another(
    store: Store, publish: Callable[..., None]
) -> None:
    copies = [
        DrawnVideo(f"copy{number}", 2, content="one clip", category_id="0000")
        for number in range(4)
    ]
    publish("a", *right("a", 90), *copies)
    found = find_mistakes(store, NOW)
    assert set(found.head(4)["video_id"]) == {copy.video_id for copy in copies}


def test_folds_are_of_one_size_and_a_content_has_one() -> None:
    folds = [split.fold_of(7, f"{number:064x}", 5) for number in range(5_000)]
    counts = np.bincount(folds)
    assert len(counts) == 5
    assert abs(counts - 1_000).max() < 120
    assert folds[3] == split.fold_of(7, f"{3:064x}", 5)
    held_out = [split.is_validation(7, f"{number:064x}") for number in range(5_000)]
    assert {fold for fold, is_held_out in zip(folds, held_out, strict=True) if is_held_out} == {0}


def test_a_category_that_no_other_fold_shows_is_not_called_wrong(
    store: Store, publish: Callable[..., None]
) -> None:
    others = [DrawnVideo(f"a{number:03d}", number % 2) for number in range(60)]
    publish("a", *others, DrawnVideo("lonely", 2))
    assert "lonely" not in find_mistakes(store, NOW)["video_id"].to_list()


def test_too_few_labels_get_a_sentence(store: Store, publish: Callable[..., None]) -> None:
    publish("a", *right("a", 3))
    with pytest.raises(Invalid, match="3 labelled videos are too few"):
        find_mistakes(store, NOW)


def test_labels_that_no_other_fold_can_choose_by_are_too_few(
    make_examples: Callable[..., Any], taxonomy: Taxonomy
) -> None:
    examples = make_examples(20)
    others = np.array([0, 2, 3, 4])[np.arange(20) % 4]
    folds = np.where(examples.labels == 0, 1, others)
    with pytest.raises(Invalid, match="labelled videos are too few"):
        propose(examples, folds, taxonomy, lambda *_: None)


@pytest.mark.parametrize("missing", ["missing_text", "missing_frames"])
def test_examples_of_one_view_alone_are_judged_by_it(
    make_examples: Callable[..., Any], taxonomy: Taxonomy, missing: str
) -> None:
    examples = make_examples(60, **{missing: tuple(range(60))})
    shown: list[tuple[int, int]] = []
    folds = np.arange(60) % 5
    proposals = propose(examples, folds, taxonomy, lambda *progress: shown.append(progress))
    visible = {"missing_text": proposals.labels % 2, "missing_frames": proposals.labels // 2}
    true = {"missing_text": examples.labels % 2, "missing_frames": examples.labels // 2}
    assert (visible[missing] == true[missing]).mean() > 0.9
    assert shown == [(fold, 5) for fold in range(1, 6)]


def test_the_nearest_labelled_videos_are_those_of_like_features(
    store: Store, publish: Callable[..., None]
) -> None:
    publish("a", *right("a", 30))
    publish("b", *right("b", 30))
    publish("day", DrawnVideo("new", 1), DrawnVideo("copy", 2, content="a002"), role="score")
    found = nearest_labelled(store, "day", "new", 6, NOW)
    assert [neighbour.category_id for neighbour in found] == ["0001"] * 6
    assert [neighbour.similarity for neighbour in found] == sorted(
        (neighbour.similarity for neighbour in found), reverse=True
    )
    copy = nearest_labelled(store, "day", "copy", 1, NOW)[0]
    assert (copy.video_id, copy.partition) == ("a002", "a")
    assert (copy.similarity, copy.frames, copy.text) == pytest.approx((1, 1, 1), abs=1e-5)


def test_a_labelled_video_is_not_its_own_neighbour(
    store: Store, publish: Callable[..., None]
) -> None:
    publish("a", *right("a", 30))
    found = nearest_labelled(store, "a", "a004", 50, NOW)
    assert len(found) == 29
    assert "a004" not in [neighbour.video_id for neighbour in found]
    with pytest.raises(Invalid, match="lists no video 'x'"):
        nearest_labelled(store, "a", "x", 1, NOW)
