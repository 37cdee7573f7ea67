"""Ids in any script, through every kind of file that carries them."""

import contextlib
import csv
import io
import json
import sqlite3
import tempfile
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from featurestore.progress.ledger import Ledger
from featurestore.progress.reasons import OK
from featurestore.views.frames import embeddings
from featurestore.views.frames.embeddings import FrameShard
from featurestore.views.text import tokens
from featurestore.views.text.tokens import Tokens
from warehouse import tables
from warehouse.errors import Invalid
from warehouse.identifiers import MAX_VIDEO_ID_CHARS, parse_video_id
from warehouse.ingest.listing import read_listing
from warehouse.sources.manifest import read_records
from warehouse.storage import files
from warehouse.tables import parquet

CHARACTERS = st.characters() | st.sampled_from("视频𠮷한ひفд\u200c\u200d👩é/\\.\"',;=+@ 0a")


def _is_usable(text: str) -> bool:
    try:
        return parse_video_id(text) == text
    except Invalid:
        return False


VIDEO_IDS = (
    st.text(CHARACTERS, min_size=1, max_size=MAX_VIDEO_ID_CHARS).map(str.strip).filter(_is_usable)
)
LISTS = st.lists(VIDEO_IDS, min_size=1, max_size=20, unique=True)


@given(st.text(st.characters(exclude_categories=()), max_size=140))
def test_an_id_is_kept_as_it_is_or_refused(text: str) -> None:
    if _is_usable(text):
        assert 0 < len(text.encode()) <= 4 * MAX_VIDEO_ID_CHARS
        assert not {unicodedata.category(char) for char in text} & {"Cc", "Cs", "Zl", "Zp"}
        assert not any(
            unicodedata.bidirectional(char) in {"RLO", "LRO", "RLE", "PDF", "RLI", "FSI"}
            for char in text
        )
        assert text.splitlines() == [text]


@example(["\uffee", "\U00010000", "\ue000", "𠮷", "a", "视"])
@given(LISTS)
def test_ids_sort_alike_in_python_polars_and_sql(ids: list[str]) -> None:
    expected = sorted(ids)
    assert expected == sorted(ids, key=str.encode)
    assert pl.DataFrame({"video_id": ids}).sort("video_id")["video_id"].to_list() == expected
    assert (
        pl.SQLContext(t=pl.LazyFrame({"id": ids}))
        .execute("SELECT id FROM t ORDER BY id")
        .collect()["id"]
        .to_list()
        == expected
    )
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE t (id TEXT PRIMARY KEY)")
        database.executemany("INSERT INTO t VALUES (?)", [(each,) for each in ids])
        assert [id_ for (id_,) in database.execute("SELECT id FROM t ORDER BY id")] == expected


@settings(max_examples=40, deadline=None)
@given(LISTS, st.sampled_from(["jsonl", "csv", "parquet"]))
def test_ids_survive_listing_and_the_table_of_videos(ids: list[str], suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder, f"manifest.{suffix}")
        rows = pl.DataFrame({"video_id": ids, "path": [""] * len(ids)})
        if suffix == "jsonl":
            manifest.write_text(
                "".join(json.dumps(row) + "\n" for row in rows.iter_rows(named=True))
            )
        elif suffix == "csv":
            with manifest.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([rows.columns, *rows.iter_rows()])
        else:
            rows.write_parquet(manifest)
        listing = read_listing(read_records(manifest, "day"), "day", "score", Path(folder), None)
        listed = listing.rows.with_columns(
            media_sha256=pl.lit(None, pl.String),
            size_bytes=pl.lit(None, pl.Int64),
            content_sha256="text_sha256",
        )
        table = Path(folder, "videos.parquet")
        table.write_bytes(tables.to_parquet(tables.validated(tables.Videos, listed)))
        assert parquet.read(table)["video_id"].to_list() == sorted(ids)


@settings(max_examples=40, deadline=None)
@given(LISTS)
def test_ids_survive_every_kind_of_file(ids: list[str]) -> None:
    ids = sorted(ids)
    with tempfile.TemporaryDirectory() as folder:
        for name, (payload, read) in _files(ids).items():
            path = Path(folder, name)
            path.write_bytes(payload)
            assert list(read(path)) == ids, name


def _files(ids: list[str]) -> dict[str, tuple[bytes, Callable[[Path], Iterable[str]]]]:
    arrays = (
        np.zeros((len(ids), 8, 4), np.float16),
        np.ones((len(ids), 8), np.uint8),
        np.zeros((len(ids), 8)),
    )
    predicted = _predictions(ids)
    return {
        "shard.h5": (
            embeddings.encode(FrameShard(ids, arrays[0], arrays[1], arrays[2].astype(np.float32))),
            lambda path: embeddings.open_mapped(path).video_ids,
        ),
        "previews.h5": (
            embeddings.encode_previews(ids, [b"x"] * len(ids)),
            embeddings.read_previews,
        ),
        "tokens.parquet": (
            tokens.encode(_token_rows(ids)),
            lambda path: tokens.read(path)["video_id"],
        ),
        "ledger.parquet": (
            tables.to_parquet(_ledger(ids)),
            lambda path: parquet.read(path)["video_id"],
        ),
        "predictions.parquet": (
            tables.to_parquet(predicted),
            lambda path: parquet.read(path)["video_id"],
        ),
        "result.csv": (
            predicted.select("video_id", "category_id").write_csv(include_header=False).encode(),
            lambda path: [
                id_ for id_, _ in csv.reader(io.StringIO(path.read_bytes().decode(), newline=""))
            ],
        ),
        "attempts.json": (
            files.canonical_json(dict.fromkeys(ids, 1)),
            lambda path: json.loads(path.read_bytes()),
        ),
    }


def _ledger(ids: list[str]) -> pl.DataFrame:
    columns = {"content_sha256": "0", "outcome": OK, "detail": None, "shard": 0}
    rows = pl.DataFrame({"video_id": ids}).with_columns(
        **{name: pl.lit(value) for name, value in columns.items()}
    )
    return pl.DataFrame(
        Ledger.validate(rows.with_row_index("row").select(Ledger.column_names()), cast=True)
    )


def _token_rows(ids: list[str]) -> pl.DataFrame:
    row = {
        "token_ids": [1],
        "slot_ids": [0],
        "word_start": [True],
        "keywords": [],
        "keyword_weights": [],
    }
    columns = {**{name: [value] * len(ids) for name, value in row.items()}, "video_id": ids}
    chars = dict.fromkeys(("title_chars", "ocr_chars", "asr_chars"), [0] * len(ids))
    return pl.DataFrame({**columns, **chars}, schema_overrides=Tokens.create_empty().schema)


def _predictions(ids: list[str]) -> pl.DataFrame:
    row: dict[str, object] = {
        "category_id": "0000",
        "level1_id": "00",
        "probability": 0.5,
        "top5_category_ids": ["0000"],
        "top5_probabilities": [0.5],
        "probabilities": [0.5],
        "shares": [],
        "missing_views": [],
        "model_id": "m",
        "feature_commits": [],
    }
    columns = {"video_id": ids, **{name: [value] * len(ids) for name, value in row.items()}}
    schema = tables.Predictions.create_empty().schema
    return tables.validated(tables.Predictions, pl.DataFrame(columns, schema=schema))
