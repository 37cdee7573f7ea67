import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse.errors import Invalid
from warehouse.identifiers import VideoId
from warehouse.sources import manifest
from warehouse.sources.ocr import OcrLine
from warehouse.sources.record import Refuse, VideoRecord, refuse_all

Write = Callable[..., Path]


def read_records(path: Path, refuse: Refuse = refuse_all) -> Iterator[VideoRecord]:
    return manifest.read_records(path, "day", refuse)


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
        {
            "video_id": "a",
            "path": "x/a.mp4",
            "title": "标题",
            "asr": "",
            "ocr": "字",
            "category_id": "0001",
            "annotator": "Ada",
            "source": "review",
        },
        {
            "video_id": "b",
            "path": "b.ZIP",
            "title": "",
            "asr": '说"话"',
            "ocr": "",
            "category_id": "",
            "annotator": "",
            "source": "",
        },
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
    assert listed[0] == [
        VideoRecord(Path(), 1, VideoId("a"), "x/a.mp4", "标题", "", ocr, "0001", "Ada", "review"),
        VideoRecord(Path(), 2, VideoId("b"), "b.ZIP", "", '说"话"', (), None),
    ]


def test_ocr_may_be_timed_lines(tmp_path: Path, written: Write) -> None:
    timed = [{"time": 1, "text": "一"}, {"time": None, "text": "二"}]
    expected = (OcrLine(1.0, "一"), OcrLine(None, "二"))
    (record,) = read_records(written(line(ocr=timed)))
    assert record.ocr == expected
    (record,) = read_records(
        written(line(ocr=[{"time_seconds": 1.0, "text": "一"}, {"text": "二"}]))
    )
    assert record.ocr == expected
    pl.DataFrame({"video_id": ["a"], "path": [None], "ocr": [timed]}).write_parquet(
        tmp_path / "m.parquet"
    )
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


@pytest.mark.parametrize(
    "path", ["../a", "x/../../a", "x/../a", "/etc/passwd", ".", "a\0", "a\n", 7]
)
def test_path_that_leaves_the_folder_is_refused(written: Write, path: Any) -> None:
    with pytest.raises(Invalid, match=r"manifest\.jsonl, row 1, field path"):
        list(read_records(written(line(path=path))))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "lists no videos"),
        (
            "\n" + line() + "\r\n{",
            r"row 4 is not valid JSON \(expecting property name .* at character 2\)",
        ),
        ("[" * 100_000, "row 1 is not valid JSON"),
        (f'{{"video_id": {"1" * 5000}}}', "row 1 is not valid JSON"),
        ("[1]", "row 1 is not a JSON object"),
        (line(titel="x"), "row 1 has an unexpected column 'titel'"),
        ('{"path": "a"}', "row 1 has no video_id"),
        ('{"video_id": NaN}', "row 1, field video_id: nan is not a video id"),
        (line(video_id=7), "row 1, field video_id: 7 is not a video id"),
        (line(video_id=" a"), "row 1: video id ' a'"),
        (line(title=7), "row 1, field title: 7 is not text"),
        (line(category_id=1), "row 1, field category_id: 1 is not text"),
        (line(ocr=7), "row 1, field ocr: 7 is not a list"),
        (line(ocr=[{"time": float("inf"), "text": ""}]), "has the time inf"),
        (line(ocr=[{"time": True, "text": ""}]), "has the time True"),
        (line(ocr=[{"time": 10**400, "text": ""}]), "has the time 1000"),
        (line(ocr=[None]), "has the line None"),
        (
            line(ocr='[{"time": 1, "te'),
            "row 1, field ocr: .* begins as a list of {time, text} and is not valid JSON",
        ),
        (
            line(ocr="[{'time': 1, 'text': 'x'}]"),
            "begins as a list of {time, text} and is not valid JSON",
        ),
        (line().encode() + b"\xff", "row 2 is not UTF-8"),
        (
            '{"video_id": "a", "title": "标题"}'.encode("gbk"),
            "row 1 is not UTF-8 .*perhaps GBK.*: save it as UTF-8",
        ),
        (line().encode("utf-16"), "is not UTF-8 .*UTF-16"),
    ],
)
def test_wrong_jsonl_is_refused_with_its_row(
    written: Write, content: str | bytes, problem: str
) -> None:
    with pytest.raises(Invalid, match=rf"manifest\.jsonl.*{problem}"):
        list(read_records(written(content)))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("path\na\n", "has no video_id"),
        ("video_id;path\na;b\n", "has semicolons between its columns: write it with commas"),
        ("video_id\tpath\na\tb\n", "has tabs between its columns"),
        ("video_id,titre\na,b\n", "unexpected column 'titre'"),
        ("video_id,path,path\na,b,c\n", "unexpected column 'path'"),
        ("video_id,path\na\n", "row 1 has not as many fields"),
        ("video_id,path\na,b\na,b,c\n", "row 2 has not as many fields"),
        ('video_id,path\n"a,b\n', "row 1 is no CSV record"),
        ('video_id,path\na,"b\nc,d\n', "row 1 spans 2 lines, so that it may hide other rows"),
        ('video_id,path\n"a\nb,"c"\n', "row 1 spans 2 lines, so that it may hide other rows"),
        ("", "has no video_id"),
        ("video_id,path\n", "lists no videos"),
        ("video_id,path\n\n,\n  \n", "lists no videos"),
        (
            "video_id,title\na,标题\n".encode("gbk"),
            "row 1 is not UTF-8 .*perhaps GBK.*: save it as UTF-8",
        ),
        ("video_id,title\na,b\n".encode("utf-16"), "is not UTF-8 .*UTF-16"),
        ("video_id,path\na,b\0.mp4\n", "row 1, field path"),
    ],
)
def test_wrong_csv_is_refused_with_its_row(
    written: Write, content: str | bytes, problem: str
) -> None:
    with pytest.raises(Invalid, match=rf"manifest\.csv.*{problem}"):
        list(read_records(written(content, "manifest.csv")))


def test_wrong_parquet_is_refused(written: Write) -> None:
    with pytest.raises(Invalid, match="is not a Parquet file"):
        list(read_records(written("nothing of the kind", "manifest.parquet")))


@pytest.mark.parametrize("columns", [{"video_id": [1]}, {"video_id": ["a"], "category_id": [7]}])
def test_parquet_that_types_ids_as_numbers_is_refused_by_its_column(
    tmp_path: Path, columns: dict[str, Any]
) -> None:
    pl.DataFrame(columns).write_parquet(tmp_path / "numbers.parquet")
    with pytest.raises(
        Invalid,
        match=rf"column {list(columns)[-1]} holds int64: write it as text, its leading zeros",
    ):
        list(read_records(tmp_path / "numbers.parquet"))


def test_parquet_may_hold_nulls_categories_and_lists_of_text(tmp_path: Path) -> None:
    columns = {
        "video_id": pl.Series(["a", "b"], dtype=pl.Categorical),
        "category_id": [None, None],
        "ocr": [["一"], None],
    }
    pl.DataFrame(columns).write_parquet(tmp_path / "m.parquet")
    records = list(read_records(tmp_path / "m.parquet"))
    assert [record.ocr for record in records] == [(OcrLine(None, "一"),), ()]


def test_a_row_of_parquet_that_is_not_utf_8_is_refused_alone(tmp_path: Path) -> None:
    buffers = [*pa.array(["ab", "cd", "ef"]).buffers()[:2], pa.py_buffer(b"ab\xff\xfeef")]
    table = pa.table(
        {"video_id": ["a", "b", "c"], "title": pa.Array.from_buffers(pa.string(), 3, buffers)}
    )
    pq.write_table(table, tmp_path / "m.parquet")
    refused: list[Invalid] = []
    assert [record.video_id for record in read_records(tmp_path / "m.parquet", refused.append)] == [
        "a",
        "c",
    ]
    assert "row 2 is not UTF-8" in str(*refused)


@pytest.mark.parametrize(
    ("cell", "lines"),
    [
        (
            '[{"time": 1.5, "text": "一"}, {"text": "二"}]',
            (OcrLine(1.5, "一"), OcrLine(None, "二")),
        ),
        ('["一", "二"]', (OcrLine(None, "一"), OcrLine(None, "二"))),
        ("[]", ()),
        ("[爆笑] 今天", (OcrLine(None, "[爆笑] 今天"),)),
        ("[2024]", (OcrLine(None, "[2024]"),)),
        (" ", ()),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_cell_of_ocr_may_be_a_json_list(
    tmp_path: Path, cell: str, lines: tuple[OcrLine, ...], suffix: str
) -> None:
    frame, path = pl.DataFrame({"video_id": ["a"], "ocr": [cell]}), tmp_path / f"manifest.{suffix}"
    written: dict[str, Callable[[Path], object]] = {
        "csv": frame.write_csv,
        "jsonl": frame.write_ndjson,
    }
    written.get(suffix, frame.write_parquet)(path)
    (record,) = read_records(path)
    assert (record.ocr, record.media_path) == (lines, None)


def test_the_sample_of_a_table_with_timed_ocr(samples: Path) -> None:
    (record,) = read_records(samples / "cases" / "csv_ocr_json.csv")
    assert [line.time_seconds for line in record.ocr] == [1.5, 2.0]


def test_a_field_may_be_long(written: Write) -> None:
    text = "长" * 200_000
    (record,) = read_records(written(f"video_id,asr\na,{text}\n", "manifest.csv"))
    assert record.asr == text


def test_lines_of_jsonl_may_end_as_windows_ends_them_and_begin_with_a_mark(written: Write) -> None:
    records = list(
        read_records(written("\ufeff" + line() + "\r\n\r\n\ufeff" + line(video_id="b", title=None)))
    )
    assert [(record.row, record.video_id) for record in records] == [(1, "a"), (4, "b")]


def test_what_tables_write_for_a_missing_value_is_missing(written: Write) -> None:
    nothing = dict.fromkeys(("path", "title", "asr", "ocr", "category_id"), float("nan"))
    (record,) = read_records(written(line(**nothing)))
    assert (record.media_path, record.title, record.asr, record.ocr, record.category_id) == (
        None,
        "",
        "",
        (),
        None,
    )


@pytest.mark.parametrize(
    ("content", "name", "good", "wrong"),
    [
        (
            '{"video_id": "a"}\n{\n{"video_id": "b"}\n[1]\n{"video_id": "c"}',
            "m.jsonl",
            ["a", "b", "c"],
            [2, 4],
        ),
        (
            b'{"video_id": "a"}\n{"video_id": "\xe9\xa2"}\n{"video_id": "c"}',
            "m.jsonl",
            ["a", "c"],
            [2],
        ),
        ('video_id,title\na,"x"y\nb,x,y\nc,x\nd\ne,"x\ny"\n', "m.csv", ["c", "e"], [1, 2, 4]),
        (b"video_id,title\na,\xe9\xa2\nb,x\n", "m.csv", ["b"], [1]),
    ],
)
def test_a_wrong_row_is_handed_over_and_the_next_is_read(
    written: Write, content: str | bytes, name: str, good: list[str], wrong: list[int]
) -> None:
    refused: list[Invalid] = []
    assert [
        record.video_id for record in read_records(written(content, name), refused.append)
    ] == good
    for row, error in zip(wrong, refused, strict=True):
        assert f"{name}, row {row} " in str(error)


def test_unreadable_manifest_is_refused(tmp_path: Path, written: Write) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        list(read_records(tmp_path / "nowhere.csv"))
    with pytest.raises(Invalid, match="not a manifest by its name"):
        list(read_records(written("[]", "manifest.json")))
