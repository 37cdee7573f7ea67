"""How fast text is extracted and TF-IDF fitted, compared with jieba's own cut.

Which all of it needs, and the published rule.

The documents are real headlines, 500 characters each as title, OCR lines and ASR: REELSTORE_SAMPLES
names their folder. Every measure is repeated in turn with what it is compared to, and the median of
the ratios counts.
"""

# ruff: noqa: T201 - a benchmark prints

import io
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jieba
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from tokenizers import BertWordPieceTokenizer

from featurestore.extraction.words.text import COLUMNS, TextExtractor, TextRecipe, make_text_spec
from featurestore.extraction.words.tfidf import count_terms, fit_tfidf
from featurestore.extraction.words.word_workers import WordPool
from featurestore.extraction.words.words import Fields, read_fields
from featurestore.views.text.text_spec import TfidfParameters
from tests.benchmarks.report import Row, row

NUM_VIDEOS, NUM_PUBLISHED, NUM_POOLED = 400, 100, 2000
FIELD_CHARS, PADDED_TOKENS = 230, 388
ROUNDS = 5
MAX_OF_CUT, MIN_SPEED_UP = 1.25, 1.8


def text_rows() -> list[Row]:
    """Measure; the rows of the table, or none where REELSTORE_SAMPLES names no headlines."""
    folder = Path(os.environ.get("REELSTORE_SAMPLES", "/nowhere"), "text")
    if not folder.is_dir():
        return []
    videos = make_videos((folder / "thucnews_dev.tsv").read_text().splitlines(), NUM_VIDEOS)
    vocabulary = (folder / "bert_base_chinese_vocab.txt").read_bytes()
    fields = [read_fields(*row) for row in videos.select(COLUMNS[1:]).iter_rows()]
    parameters = TfidfParameters()
    weights = fit_tfidf([count_terms(fields)], parameters)
    recipe = TextRecipe(make_text_spec(weights, vocabulary, parameters), vocabulary, weights)
    return [*_one_core(videos, fields, recipe), _two_cores(videos, recipe)]


def make_videos(lines: Sequence[str], num_videos: int) -> pl.DataFrame:
    """Videos of about 500 characters.

    A headline as title, others as OCR lines and as what is said.
    """
    headlines = [line.split("\t")[0] for line in lines]
    rng = random.Random(0)  # noqa: S311 - draws nothing secret

    def said() -> list[str]:
        found: list[str] = []
        while sum(map(len, found)) < FIELD_CHARS:
            found.append(rng.choice(headlines))
        return found

    ocr = [
        [{"time_seconds": float(i), "text": text} for i, text in enumerate(said())]
        for _ in range(num_videos)
    ]
    columns: dict[str, list[Any]] = {
        "video_id": [f"{i:08}" for i in range(num_videos)],
        "title": [rng.choice(headlines) for _ in range(num_videos)],
        "ocr": ocr,
        "asr": ["".join(said()) for _ in range(num_videos)],
    }
    return pl.DataFrame(columns)


def _one_core(videos: pl.DataFrame, fields: Sequence[Fields], recipe: TextRecipe) -> list[Row]:
    cutter, extractor = _cutter(), TextExtractor(recipe)
    rule = PublishedRule(cutter, recipe.ids)
    published = NUM_PUBLISHED / _cpu_seconds(lambda: rule.extract(fields[:NUM_PUBLISHED]))

    def cut() -> None:
        for each in fields:
            for text in (each.title, each.ocr, each.asr):
                list(cutter.cut(text))

    def fit() -> None:
        rows = videos.select(COLUMNS[1:]).iter_rows()
        fit_tfidf([count_terms(read_fields(*row) for row in rows)], recipe.spec.tfidf)

    measures: dict[str, tuple[Callable[[], object], float | None]] = {
        "text extraction on one core, documents a CPU second": (
            lambda: extractor.extract(videos),
            published,
        ),
        "TF-IDF fitting on one core, documents a CPU second": (fit, None),
    }
    rows = []
    for name, (work, peer) in measures.items():
        work()
        cut()
        ours, bound = zip(
            *((_cpu_seconds(work), _cpu_seconds(cut)) for _ in range(ROUNDS)), strict=True
        )
        ratio = statistics.median(our / its for our, its in zip(ours, bound, strict=True))
        speeds = [len(videos) / statistics.median(seconds) for seconds in (ours, bound)]
        rows.append(
            row(
                name,
                speeds[0],
                peer,
                speeds[1],
                ratio,
                f"at most {MAX_OF_CUT}",
                ratio <= MAX_OF_CUT,
            )
        )
    return rows


def _two_cores(videos: pl.DataFrame, recipe: TextRecipe) -> Row:
    many = pl.concat([videos] * (NUM_POOLED // len(videos)))
    with WordPool(1) as one, WordPool(2) as two:
        for pool in (one, two):
            pool.extract(recipe, many)
        apart = [
            (_wall_seconds(one, recipe, many), _wall_seconds(two, recipe, many))
            for _ in range(ROUNDS)
        ]
    ratio = statistics.median(alone / both for alone, both in apart)
    alone, both = (len(many) / statistics.median(seconds) for seconds in zip(*apart, strict=True))
    name = "text extraction by two workers, documents a second"
    return row(
        name, both, alone, 2 * alone, ratio, f"at least {MIN_SPEED_UP}", ratio >= MIN_SPEED_UP
    )


def _cutter() -> jieba.Tokenizer:
    """Make jieba's own tokenizer, its dictionary read without the cache."""
    cutter = jieba.Tokenizer()
    dictionary = Path(jieba.__file__).with_name("dict.txt").read_bytes()
    cutter.FREQ, cutter.total = cutter.gen_pfdict(io.BytesIO(dictionary))
    cutter.initialized = True
    return cutter


class PublishedRule:
    """TF-IDF fitted on each document alone, on words joined again.

    One video tokenised at a time, padded.
    """

    def __init__(self, cutter: jieba.Tokenizer, ids: dict[str, int]) -> None:
        self._cutter = cutter
        self._tokenizer = BertWordPieceTokenizer(ids, lowercase=True)
        self._tokenizer.enable_padding(length=PADDED_TOKENS)

    def extract(self, fields: Sequence[Fields]) -> None:
        """Tokenise videos."""
        for each in fields:
            vectorizer = TfidfVectorizer()
            scores = vectorizer.fit_transform(
                ["".join(self._cutter.cut(each.title + each.ocr + each.asr))]
            ).toarray()
            ranked = sorted(
                zip(scores[0], vectorizer.get_feature_names_out(), strict=True), reverse=True
            )
            title = each.title + "".join(word for _, word in ranked)
            self._tokenizer.encode(
                "".join(part[:64] + part[-64:] for part in (title, each.ocr, each.asr))
            )


def _cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _wall_seconds(pool: WordPool, recipe: TextRecipe, videos: pl.DataFrame) -> float:
    start = time.perf_counter()
    pool.extract(recipe, videos)
    return time.perf_counter() - start


if __name__ == "__main__":
    for measured in text_rows():
        print(measured)
