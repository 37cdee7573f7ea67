import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.operations.labelled_sample import LabelledSample, draw_sample
from flows.settings import load_settings
from tests.operations import ingest
from warehouse.errors import Invalid
from warehouse.store import open_store

COUNTS = {"0000": 40, "0001": 10, "0101": 5, "0102": 2, "0201": 1}

Draw = Callable[[int], LabelledSample]


@pytest.fixture
def put_in(home: Path) -> Callable[..., None]:
    def put(partition: str, contents: list[tuple[str, bytes]], **parameters: str) -> None:
        rows = []
        for place, (category_id, payload) in enumerate(contents):
            name = f"{partition}-{place:03d}"
            (home / f"{name}.mp4").write_bytes(payload)
            rows.append({"video_id": name, "path": f"{name}.mp4", "category_id": category_id})
        manifest = home / f"{partition}.jsonl"
        manifest.write_text("\n".join(map(json.dumps, rows)))
        ingest(manifest, partition, "labeled", **parameters)

    return put


@pytest.fixture
def draw(put_in: Callable[..., None]) -> Draw:
    contents = [
        (category_id, f"{category_id} {number}".encode())
        for category_id, count in COUNTS.items()
        for number in range(count)
    ]
    put_in("first", contents[::2])
    put_in("second", contents[1::2])
    return lambda num_videos: draw_sample(open_store(load_settings().root), num_videos)


def test_each_category_with_two_media_has_two_before_any_has_more(draw: Draw) -> None:
    drawn = Counter(draw(20).category_ids)
    assert drawn.total() == 20
    assert drawn.keys() == COUNTS.keys() - {"0201"}
    assert min(drawn.values()) == 2
    assert drawn["0000"] > drawn["0001"]
    assert Counter(draw(1000).category_ids) == Counter(COUNTS) - Counter({"0201": 1})


def test_the_largest_categories_come_first_where_not_all_have_room(draw: Draw) -> None:
    assert Counter(draw(4).category_ids) == {"0000": 2, "0001": 2}
    assert Counter(draw(5).category_ids) == {"0000": 2, "0001": 2}


def test_a_sample_is_the_same_each_time_and_part_of_a_larger_one(draw: Draw) -> None:
    small, again, large = draw(20), draw(20), draw(30)
    assert small == again
    assert set(small.items) < set(large.items)
    assert len({item.path.name.partition("-")[0] for item in small.items}) == 2


def test_copies_of_a_medium_count_once_with_the_first_label(
    put_in: Callable[..., None], home: Path
) -> None:
    put_in("a", [("0000", b"one"), ("0000", b"two"), ("0001", b"one")])
    put_in("b", [("0001", b"two"), ("0001", b"three"), ("0001", b"four")])
    sample = draw_sample(open_store(home / "store"), 10)
    labels = {
        item.path.read_bytes(): label
        for item, label in zip(sample.items, sample.category_ids, strict=True)
    }
    assert labels == {b"one": "0000", b"two": "0000", b"three": "0001", b"four": "0001"}


def test_a_store_without_labels_is_refused(home: Path) -> None:
    with pytest.raises(Invalid, match="no labelled videos"):
        draw_sample(open_store(home / "store"), 10)
