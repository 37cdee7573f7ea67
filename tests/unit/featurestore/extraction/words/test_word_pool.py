import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import util
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from featurestore.extraction.words import word_pool
from featurestore.extraction.words.fields import MAX_FIELD_CHARS, Fields, read_fields
from featurestore.extraction.words.text import TextExtractor, TextRecipe, make_text_spec
from featurestore.extraction.words.tfidf import TermWeights, count_terms, fit_tfidf
from featurestore.extraction.words.word_pool import WordPool
from featurestore.views.text import tokens
from featurestore.views.text.text_spec import TfidfParameters
from warehouse.errors import Retryable

ALL = TfidfParameters(min_document_frequency=1)
CHARACTERS = "我爱北京天安门上海外滩夜景高铁票价"
VOCABULARY = "\n".join(
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(CHARACTERS)]
).encode()
OCR = pl.List(pl.Struct({"time_seconds": pl.Float64, "text": pl.String}))
NUM_VIDEOS = 3 * word_pool.EXTRACTED_BATCH + 7
SECONDS_OF_A_COSTLY_BATCH = 30
"""Far less than what it takes: over 100 texts, each of which costs a second."""


@pytest.fixture(scope="module")
def videos() -> pl.DataFrame:
    places = ("北京天安门", "上海外滩", "", "高铁")
    columns: dict[str, list[Any]] = {
        "video_id": [f"视频{i:04}" for i in range(NUM_VIDEOS)],
        "title": [f"我爱{places[i % 4]}{i}" if i % 9 else "" for i in range(NUM_VIDEOS)],
        "ocr": [[{"time_seconds": 1.5, "text": places[i % 4]}] for i in range(NUM_VIDEOS)],
        "asr": [places[i % 3] * (i % 5) for i in range(NUM_VIDEOS)],
    }
    return pl.DataFrame(columns, schema_overrides={"ocr": OCR})


@pytest.fixture(scope="module")
def weights(videos: pl.DataFrame) -> TermWeights:
    return fit_tfidf([count_terms(_fields(videos))], ALL)


@pytest.fixture(scope="module")
def recipe(weights: TermWeights) -> TextRecipe:
    return TextRecipe(make_text_spec(weights, VOCABULARY, ALL), VOCABULARY, weights)


@pytest.fixture(scope="module")
def pool(recipe: TextRecipe) -> Iterator[WordPool]:
    with WordPool(2, recipe) as running:
        yield running


def _fields(videos: pl.DataFrame) -> Iterator[Fields]:
    return (read_fields(*row) for row in videos.select("title", "ocr", "asr").iter_rows())


def _pids(pool: WordPool) -> list[int]:
    return list(pool._executor._processes)  # noqa: SLF001 - who is killed here


def _wait_until_gone(pid: int) -> bool:
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.05)
    return False


def test_rows_are_the_same_whatever_the_number_of_processes(
    pool: WordPool, recipe: TextRecipe, videos: pl.DataFrame
) -> None:
    here = tokens.encode(TextExtractor(recipe).extract(videos))
    assert tokens.encode(pool.extract(videos)) == here
    with WordPool(1, recipe) as one:
        assert tokens.encode(one.extract(videos)) == here
        assert len(_pids(one)) == 1


def test_rows_come_in_the_order_given_without_videos_that_have_no_text(
    pool: WordPool, videos: pl.DataFrame
) -> None:
    rows = pool.extract(videos.reverse())
    with_text = [
        id_ for id_, fields in zip(videos["video_id"], _fields(videos), strict=True) if fields
    ]
    assert rows["video_id"].to_list() == with_text[::-1]
    assert 0 < len(with_text) < NUM_VIDEOS
    assert pool.extract(videos.head(0)).schema == rows.schema


def test_weights_are_the_same_whatever_the_number_of_processes(
    pool: WordPool, weights: TermWeights, videos: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_pool, "COUNTED_BATCH", 10)
    assert fit_tfidf(pool.count_terms([videos[:33], videos[33:]]), ALL).sha256 == weights.sha256


def test_processes_stay_from_one_chunk_to_the_next(pool: WordPool, videos: pl.DataFrame) -> None:
    pool.extract(videos)
    before = _pids(pool)
    pool.extract(videos)
    assert _pids(pool) == before


def test_a_process_that_is_killed_is_one_sentence_and_the_next_chunk_has_another(
    recipe: TextRecipe, videos: pl.DataFrame
) -> None:
    with WordPool(2, recipe) as pool:
        expected = pool.extract(videos)
        for pid in _pids(pool):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(Retryable, match="ended at its work; free some memory and run again"):
            pool.extract(videos)
        assert pool.extract(videos).equals(expected)


def test_a_process_that_cannot_start_is_one_sentence(
    videos: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    with WordPool(1) as pool:
        monkeypatch.setattr(util, "spawnv_passfds", refuse)
        with pytest.raises(Retryable, match=r"did not start: .*temporarily unavailable"):
            list(pool.count_terms([videos]))


def test_leaving_the_pool_ends_processes_at_their_work(
    recipe: TextRecipe, videos: pl.DataFrame
) -> None:
    costly = videos.with_columns(asr=pl.lit("的" * MAX_FIELD_CHARS))
    with WordPool(2, recipe) as pool:
        next(pool.count_terms([videos, *[costly] * 1000]))
        pids = _pids(pool)
        began = time.monotonic()
    assert time.monotonic() - began < SECONDS_OF_A_COSTLY_BATCH
    assert len(pids) == 2
    assert all(map(_wait_until_gone, pids))


PARENT = """
import sys, time
import polars as pl
from featurestore.extraction.words.word_pool import WordPool
pool = WordPool(1)
line = pl.List(pl.Struct({"time_seconds": pl.Float64, "text": pl.String}))
columns = {"title": ["词"], "ocr": [[]], "asr": [""]}
table = pl.DataFrame(columns, schema_overrides={"ocr": line})
list(pool.count_terms([table]))
print(*pool._executor._processes, flush=True)
time.sleep(60)
"""


def test_processes_end_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert _wait_until_gone(pid)


def test_a_program_that_leaves_its_pool_open_ends_all_the_same() -> None:
    program = PARENT.replace("time.sleep(60)", "")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert _wait_until_gone(int(done.stdout))
