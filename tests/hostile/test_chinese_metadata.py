"""Text that breaks careless readers, in ids, titles, OCR, speech and media tags.

All is kept and harms no other.
"""

import io
import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import polars as pl
import pytest

from featurestore import wanted
from featurestore.extraction.words.fields import read_fields
from featurestore.extraction.words.text import TextExtractor, TextRecipe
from featurestore.extraction.words.tfidf import TermWeights
from featurestore.progress.ledger import read as read_ledger
from featurestore.progress.reasons import OK, Reason
from featurestore.views.frames import embeddings
from featurestore.views.text import tokens
from featurestore.views.text.text_spec import TextSpec
from flows.operations import wanted_specs
from flows.settings import load_settings
from tests.hostile.house import publish, write_settings
from tests.operations import ingest
from warehouse import commits, tables
from warehouse.errors import Invalid
from warehouse.sources import wbdc
from warehouse.store import Store, open_store

Record = Callable[[str, str], None]

DAMAGED = ["半个\ud83d表情", "\udc80开头", "空\0字符", "\0", "丢失的\ufffd字", "\ud83d" * 40]
ODD = [
    "\u202e倒着写\u202c",
    "\u2066隔开\u2069 \u200f右",
    "零\u200b宽\ufeff字\u00ad符",
    "ÖÐÎÄÂÒÂë",
    "私用\ue000区\U000f0000",
    "全角ＡＢＣ１２３　空格",
    "Z̷̢̛͎a̸l̶g̵o̴",
    "👩‍👩‍👧🇨🇳💥",
    "嗯" * 3000,
    "𠮷野家𠀀㐀龘",
    "行一\r\n行二\x1b[31m红\x07\x85",
    "',\"; DROP TABLE videos;--=cmd|' /C calc'!A0",
    "<script>alert(1)</script>{{7*7}}%s%n",
    "长" * 30_000,
    " \t\u3000",
    "",
]
CLEAN = ["上海外滩夜景", "我爱北京天安门", "高铁票价"]
IDS = [
    *(
        "视频①",
        "視頻",
        "𠮷野家",
        "ビデオ・一",
        "비디오",
        "видео",
        "βίντεο",
        "فيديو",
        "ویدیو\u200cها",
        "סרטון",
        "वीडियो",
    ),
    *(
        "วิดีโอ",
        "ວິດີໂອ",
        "վիդեո",
        "ვიდეო",
        "ቪዲዮ",
        "é",
        "e\u0301",
        "👩‍🚀",
        "a b",
        "../../etc/passwd",
        "/abs",
        "C:\\x",
        ".",
        "..",
    ),
    *(
        "a,b",
        'a"b',
        "=1+1",
        "-x",
        "%s",
        "<b>",
        "a'b",
        "x" * 128,
        "𠮷" * 128,
        "\ue000",
        "\ufffd",
        "00000000000000000001",
    ),
]
BAD_IDS = [
    "",
    " a",
    "a\0b",
    "a\nb",
    "半\ud83d",
    "\u202ea",
    "a\u2066",
    "\ufeffa",
    "a\u200b",
    "x" * 129,
]


def clip(title: bytes) -> bytes:
    """A good MP4 of 10 frames with a title tag of any bytes."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        output.metadata["title"] = "T" * len(title)
        stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for i in range(10):
            frame = av.VideoFrame.from_ndarray(
                np.full((64, 96, 3), 20 * i, np.uint8), format="rgb24"
            )
            frame.pts, frame.time_base = i, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue().replace(b"T" * len(title), title)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("metadata")


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict[str, Any]]:
    """Each id with odd text in each field by turns, and clean neighbours between.

    Some have media with foreign tags.
    """
    titles = [
        "短视频标题".encode("gbk"),
        b"\xff\xfe\x80\x81",
        "标题\u202e".encode(),
        "標題".encode("big5"),
        b"\x1b[31m\x07",
    ]
    for index, title in enumerate(titles):
        (folder / f"{index}.mp4").write_bytes(clip(title))
    odd = [*DAMAGED, *ODD]
    rows: list[dict[str, Any]] = []
    for index, video_id in enumerate(IDS):
        texts = [odd[(index + 7 * field) % len(odd)] for field in range(4)]
        lines = [{"time": 1.5, "text": texts[1]}, {"time": None, "text": texts[2]}]
        path = f"{index}.mp4" if index < len(titles) else ""
        rows.append(
            {"video_id": video_id, "path": path, "title": texts[0], "ocr": lines, "asr": texts[3]}
        )
        rows.append(
            {
                "video_id": f"clean{index:03}",
                "path": "",
                "title": CLEAN[index % 3],
                "ocr": [],
                "asr": "外滩",
            }
        )
    rows += [
        {"video_id": f"无字{i}", "path": "", "title": "\u202e", "ocr": [], "asr": "嗯嗯嗯"}
        for i in range(2)
    ]
    return rows


@pytest.fixture(scope="module")
def settings(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    path = write_settings(folder, "".join(CLEAN))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REELSTORE_CONFIG", str(path))
        yield patch


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


@pytest.mark.usefixtures("settings")
def test_odd_ids_text_and_tags_lose_nothing_and_fail_nobody(
    folder: Path, rows: list[dict[str, Any]], record: Record, now: Any
) -> None:
    summary = ingest(write(folder / "manifest.jsonl", rows), "odd", "unlabeled")
    store = open_store(folder / "store")
    fingerprints = wanted_specs.freeze(store, wanted_specs.prepare(store, load_settings()), now)
    text, frames = (
        publish(store, "odd", view, fingerprints[view], now) for view in ("text", "frames")
    )

    listed = tables.read_videos(tables.video_partition(store, "odd"))
    ids = sorted(row["video_id"] for row in rows)
    assert listed["video_id"].to_list() == ids
    damaged = {row["video_id"] for row in rows if _texts(row) & set(DAMAGED)}
    assert summary.num_texts_damaged == len(damaged)
    by_id = {row["video_id"]: row for row in rows}
    for video_id, title in listed.select("video_id", "title").iter_rows():
        given = by_id[video_id]["title"]
        assert len(title) == len(given)
        assert all(kept in (was, "\ufffd") for was, kept in zip(given, title, strict=True))

    with_text = {
        row["video_id"] for row in rows if read_fields(row["title"], _lines(row), row["asr"])
    }
    ledger = read_ledger(text)
    assert ledger["video_id"].to_list() == ids
    assert set(ledger.filter(outcome=OK)["video_id"]) == with_text == set(ids) - {"无字0", "无字1"}
    assert set(ledger["outcome"]) <= {OK, Reason.NO_TEXT}
    found = tokens.read(commits.verified_path(text, "shard-00000.parquet"))
    assert found["video_id"].to_list() == sorted(with_text)
    assert _neighbours(found).equals(_neighbours(_alone(store, fingerprints["text"], listed)))

    ledger = read_ledger(frames)
    assert ledger["video_id"].to_list() == ids
    with_media = sorted(row["video_id"] for row in rows if row["path"])
    assert ledger.filter(outcome=OK)["video_id"].to_list() == with_media
    assert (
        list(embeddings.open_mapped(commits.verified_path(frames, "shard-00000.h5")).video_ids)
        == with_media
    )
    record(
        "Chinese metadata",
        f"{len(rows)} videos with ids in any script: {len(ids)} listed, {len(damaged)} texts with"
        f" characters that cannot be stored counted, {len(with_text)} token rows, {len(with_media)}"
        " media with foreign tags decoded, 0 neighbours changed",
    )


def _texts(row: dict[str, Any]) -> set[str]:
    return {row["title"], row["asr"], *(line["text"] for line in row["ocr"])}


def _lines(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"time_seconds": line["time"], "text": line["text"]} for line in row["ocr"]]


def _neighbours(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("video_id").str.starts_with("clean"))


def _alone(store: Store, fingerprint: str, listed: pl.DataFrame) -> pl.DataFrame:
    """Rows of the clean videos, extracted without the others."""
    commit = wanted.spec_commit(store, "text", fingerprint)
    weights = TermWeights.from_files(
        {name: commits.read_bytes(commit, name) for name in commit.files}
    )
    vocabulary = commits.read_bytes(commit, wanted.VOCABULARY_FILE)
    recipe = TextRecipe(wanted.load_spec(store, fingerprint, TextSpec), vocabulary, weights)
    return TextExtractor(recipe).extract(_neighbours(listed))


@pytest.mark.parametrize("video_id", BAD_IDS)
@pytest.mark.usefixtures("settings")
def test_an_id_that_cannot_be_kept_is_named_in_one_sentence_with_its_row(
    tmp_path: Path, video_id: str
) -> None:
    rows = [{"video_id": "a", "path": ""}, {"video_id": video_id, "path": ""}]
    manifest = write(tmp_path / "manifest.jsonl", rows)
    with pytest.raises(
        Invalid, match=r"manifest\.jsonl, row 2: video id .* is not usable: give"
    ) as refused:
        ingest(manifest, "bad", "score", strict=True)
    summary = ingest(manifest, "bad", "score")
    assert (summary.num_videos, summary.rows_set_aside) == (1, (str(refused.value),))
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
@pytest.mark.usefixtures("settings")
def test_a_listing_in_gbk_is_refused_in_one_sentence(tmp_path: Path, suffix: str) -> None:
    manifest = tmp_path / f"manifest.{suffix}"
    row = (
        '{"video_id": "a", "path": "", "title": "标题"}\n'
        if suffix == "jsonl"
        else "video_id,path,title\na,,标题\n"
    )
    manifest.write_bytes(row.encode("gbk"))
    with pytest.raises(Invalid, match=r"is not UTF-8 .*: save it as UTF-8"):
        ingest(manifest, "bad", "score")


def test_the_contest_layout_reads_odd_text_too(tmp_path: Path) -> None:
    annotations = tmp_path / "labeled.json"
    odd = [*DAMAGED, *ODD]
    rows = [
        {"id": f"{i:020}", "title": text, "asr": text, "ocr": [{"time": 1, "text": text}]}
        for i, text in enumerate(odd)
    ]
    annotations.write_text(json.dumps(rows))
    found = list(wbdc.read_records(annotations, "labeled"))
    for text, each in zip(odd, found, strict=True):
        kept = "".join(
            "\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text
        )
        assert (each.title, each.asr, each.ocr[0].text) == (kept, kept, kept)
