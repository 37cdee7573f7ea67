import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from warehouse.errors import Invalid
from warehouse.identifiers import VideoId
from warehouse.sources.manifest import read_records
from warehouse.sources.record import OcrLine, VideoRecord

Write = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(content: str | bytes, name: str = "manifest.jsonl") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def line(**fields: Any) -> str:
    return json.dumps({"video_id": "a", "path": "a.mp4", **fields}) + "\n"


def test_three_formats_say_the_same(tmp_path: Path, written: Write) -> None:
    rows = [
        {"video_id": "a", "path": "x/a.mp4", "title": "标题", "asr": "", "ocr": "字", "category_id": "0001"},
        {"video_id": "b", "path": "b.ZIP", "title": "", "asr": '说"话"', "ocr": "", "category_id": ""},
    ]
    frame = pl.DataFrame(rows)
    frame.write_parquet(tmp_path / "manifest.parquet")
    jsonl = written("\n".join(json.dumps(row) for row in rows))
    csv = written("\ufeff" + frame.write_csv(), "manifest.csv")
    listed = [
        [replace(record, source=Path()) for record in read_records(path)]
        for path in (jsonl, csv, tmp_path / "manifest.parquet")
    ]
    assert listed[0] == listed[1] == listed[2]
    ocr = (OcrLine(None, "字"),)
    assert listed[0][0] == VideoRecord(Path(), 1, VideoId("a"), "x/a.mp4", "标题", "", ocr, "0001")
    assert listed[0][1] == VideoRecord(Path(), 2, VideoId("b"), "b.ZIP", "", '说"话"', (), None)


def test_ocr_may_be_timed_lines(tmp_path: Path, written: Write) -> None:
    timed = [{"time": 1, "text": "一"}, {"time": None, "text": "二"}]
    expected = (OcrLine(1.0, "一"), OcrLine(None, "二"))
    (record,) = read_records(written(line(ocr=timed)))
    assert record.ocr == expected
    (record,) = read_records(written(line(ocr=[{"time_seconds": 1.0, "text": "一"}, {"text": "二"}])))
    assert record.ocr == expected
    pl.DataFrame({"video_id": ["a"], "path": [None], "ocr": [timed]}).write_parquet(tmp_path / "m.parquet")
    (record,) = read_records(tmp_path / "m.parquet")
    assert (record.ocr, record.media_path) == (expected, None)


def test_rows_of_jsonl_are_counted_by_line(written: Write) -> None:
    records = list(read_records(written("\n" + line() + "\n" + line(video_id="b"))))
    assert [record.row for record in records] == [2, 4]


def test_unstorable_characters_are_replaced(written: Write) -> None:
    (record,) = read_records(written(line(title="a\ud800b\0c", ocr="\udfff")))
    assert (record.title, record.ocr) == ("a\ufffdb\ufffdc", (OcrLine(None, "\ufffd"),))


def test_absolute_path_under_the_folder_becomes_relative(tmp_path: Path, written: Write) -> None:
    (record,) = read_records(written(line(path=str(tmp_path / "x" / "a.mp4"))))
    assert record.media_path == "x/a.mp4"


@pytest.mark.parametrize("path", ["../a", "x/../../a", "x/../a", "/etc/passwd", ".", "a\0", "a\n", 7])
def test_path_that_leaves_the_folder_is_refused(written: Write, path: Any) -> None:
    with pytest.raises(Invalid, match=r"manifest\.jsonl, row 1, field path"):
        list(read_records(written(line(path=path))))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "lists no videos"),
        (line() + "{", "row 2 is not valid JSON"),
        ("[" * 100_000, "row 1 is not valid JSON"),
        ("[1]", "row 1 is not a JSON object"),
        (line(titel="x"), "row 1 has an unexpected column 'titel'"),
        ('{"video_id": "a"}', "row 1 has no path"),
        (line(video_id=7), "row 1, field video_id: 7 is not a video id"),
        (line(video_id=" a"), "row 1: video id ' a'"),
        (line(title=7), "row 1, field title: 7 is not text"),
        (line(category_id=1), "row 1, field category_id: 1 is not text"),
        (line(ocr=7), "row 1, field ocr: 7 is not a list"),
        (line(ocr=[{"time": float("inf"), "text": ""}]), "has the time inf"),
        (line(ocr=[{"time": True, "text": ""}]), "has the time True"),
        (line().encode() + b"\xff", "is not UTF-8"),
    ],
)
def test_wrong_jsonl_is_refused_with_its_row(written: Write, content: str | bytes, problem: str) -> None:
    with pytest.raises(Invalid, match=rf"manifest\.jsonl.*{problem}"):
        list(read_records(written(content)))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("video_id\na\n", "has no path"),
        ("video_id,path,path\na,b,c\n", "unexpected column 'path'"),
        ("video_id,path\na\n", "row 1 has not as many fields"),
        ("video_id,path\na,b\na,b,c\n", "row 2 has not as many fields"),
        ('video_id,path\n"a,b\n', "is not a CSV file at line"),
        ("", "has no video_id"),
        ("video_id,path\n", "lists no videos"),
    ],
)
def test_wrong_csv_is_refused_with_its_row(written: Write, content: str, problem: str) -> None:
    with pytest.raises(Invalid, match=rf"manifest\.csv.*{problem}"):
        list(read_records(written(content, "manifest.csv")))


def test_wrong_parquet_is_refused(tmp_path: Path, written: Write) -> None:
    with pytest.raises(Invalid, match="is not a Parquet file"):
        list(read_records(written("nothing of the kind", "manifest.parquet")))
    pl.DataFrame({"video_id": [1], "path": ["a"]}).write_parquet(tmp_path / "numbers.parquet")
    with pytest.raises(Invalid, match="row 1, field video_id: 1"):
        list(read_records(tmp_path / "numbers.parquet"))


def test_unreadable_manifest_is_refused(tmp_path: Path, written: Write) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        list(read_records(tmp_path / "nowhere.csv"))
    with pytest.raises(Invalid, match="not a manifest by its name"):
        list(read_records(written("[]", "manifest.json")))
