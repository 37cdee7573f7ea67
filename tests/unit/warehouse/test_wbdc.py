import json
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from warehouse.errors import Invalid
from warehouse.sources.ocr import OcrLine
from warehouse.sources.wbdc import read_records

Annotate = Callable[[Any], Path]
ROW = {
    "id": "14036047732927185163",
    "title": "标题",
    "asr": "嗯嗯",
    "ocr": [{"time": 2, "text": "字"}],
}


@pytest.fixture
def annotate(tmp_path: Path) -> Annotate:
    def write(content: Any) -> Path:
        path = tmp_path / "labeled.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return write


def test_records_are_read_in_the_challenges_layout(annotate: Annotate) -> None:
    first, second = read_records(
        annotate([ROW, {**ROW, "id": "0" * 20, "category_id": "0123", "annotator": "Ada"}]),
        "labeled",
    )
    assert (first.row, first.title, first.asr, first.ocr) == (
        1,
        "标题",
        "嗯嗯",
        (OcrLine(2.0, "字"),),
    )
    assert first.media_path == "zip_frames/labeled/163/14036047732927185163.zip"
    assert (first.category_id, second.category_id, second.row) == (None, "0123", 2)
    assert (second.annotator, second.label_source) == ("Ada", None)


def test_times_may_have_fractions(annotate: Annotate) -> None:
    (record,) = read_records(annotate([{**ROW, "ocr": [{"time": 1.5, "text": "字"}]}]), "labeled")
    assert record.ocr == (OcrLine(1.5, "字"),)


def test_byte_order_mark_and_white_space_do_no_harm(annotate: Annotate) -> None:
    assert (
        len(
            list(
                read_records(
                    annotate(b"\xef\xbb\xbf \n" + json.dumps([ROW]).encode() + b"\n"), "labeled"
                )
            )
        )
        == 1
    )


def test_unstorable_characters_are_replaced(annotate: Annotate) -> None:
    (record,) = read_records(annotate([{**ROW, "title": "a\ud800b", "asr": "a\0b"}]), "labeled")
    assert record.title.encode()
    assert record.asr == "a\ufffdb"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"id": "1"}, "does not begin with a JSON array"),
        (b"", "does not begin with a JSON array"),
        ([], "lists no videos"),
        ([ROW, 7], "row 2 is not an object"),
        (
            [ROW, {**ROW, "id": 14036047732927185163}],
            "row 2, field id: 14036047732927185163 is not a video id",
        ),
        ([{**ROW, "id": "123"}], "row 1, field id: '123' is not a string of 20 digits"),
        ([{**ROW, "category_id": 12}], "row 1, field category_id: 12 is not text"),
        ([{**ROW, "id": "../../../../etc/passw"}], "row 1, field id: .* not a string of 20 digits"),
        ([{**ROW, "id": "0/../../../../../etc"}], "row 1, field id: .* not a string of 20 digits"),
        (
            [{**ROW, "id": "１２３４５６７８９０１２３４５６７８９０"}],
            "row 1, field id: .* not a string of 20 digits",
        ),
        (
            [{**ROW, "category_id": "12"}],
            "row 1, field category_id: '12' is not a string of 4 digits",
        ),
        ([{**ROW, "title": ["x"]}], "row 1, field title"),
        ([{**ROW, "ocr": "text"}], "row 1, field ocr: 'text' is not a list"),
        ([{**ROW, "ocr": [{"time": 1}]}], "row 1, field ocr"),
        ([{**ROW, "ocr": [{"time": "1", "text": "x"}]}], "has the time '1'"),
        ([{key: ROW[key] for key in ("id", "title", "asr")}], "row 1 has no field ocr"),
        (json.dumps([ROW, ROW]).encode()[:-30], "not valid JSON after row 1"),
        (json.dumps([ROW]).encode() + b"x", "not valid JSON after row"),
        (b'[{"id": "\xff"}]', "row 1 is not UTF-8"),
        (b'[{"id": "\xb1\x5c"}]', r"not valid JSON after row 0 \(is not UTF-8"),
        (json.dumps([ROW]).encode("utf-16"), "is not UTF-8"),
        ([{**ROW, "ocr": [{"time": 10**400, "text": "x"}]}], "has the time 1000"),
    ],
)
def test_wrong_annotations_are_refused_with_file_row_and_value(
    annotate: Annotate, content: Any, problem: str
) -> None:
    with pytest.raises(Invalid, match=rf"labeled\.json.*{problem}"):
        list(read_records(annotate(content), "labeled"))


def test_a_wrong_record_is_handed_over_and_the_next_is_read(annotate: Annotate) -> None:
    rows = [ROW, 7, {**ROW, "id": "0" * 20, "title": 7}, {**ROW, "id": "1" * 20}]
    torn = (
        json.dumps(rows).encode()[:-1]
        + b', {"id": "\xe9\xa2"}, '
        + json.dumps(ROW | {"id": "2" * 20}).encode()
        + b"]"
    )
    refused: list[Invalid] = []
    found = [record.video_id for record in read_records(annotate(torn), "labeled", refused.append)]
    assert found == [ROW["id"], "1" * 20, "2" * 20]
    assert [re.findall(r"row \d", str(error)) for error in refused] == [
        ["row 2"],
        ["row 3"],
        ["row 5"],
    ]


def test_unreadable_annotations_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.json", tmp_path):
        with pytest.raises(Invalid, match=f"{path} cannot be read"):
            list(read_records(path, "labeled"))


def test_memory_does_not_grow_with_the_listing(annotate: Annotate) -> None:
    num_rows, num_bytes = 5_000, 1_000_000
    path = annotate([{**ROW, "asr": "字" * 200}] * num_rows)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_records(path, "labeled")) == num_rows
        assert tracemalloc.get_traced_memory()[1] < num_bytes < path.stat().st_size
    finally:
        tracemalloc.stop()
