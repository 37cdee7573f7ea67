"""How fast text is extracted, and what share of a whole extraction that is.

The documents are real headlines, 500 characters each as title, OCR lines and ASR: REELSTORE_SAMPLES
names their folder. Every measure is repeated in turn with what it is compared with, and the median
of the ratios counts.
"""

# ruff: noqa: T201 - a benchmark prints

import contextlib
import io
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import timm
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from tokenizers import BertWordPieceTokenizer

from featurestore.extraction.decoding.decode import decode_video
from featurestore.extraction.words.fields import Fields, read_fields
from featurestore.extraction.words.segmentation import segment
from featurestore.extraction.words.text import COLUMNS, TextExtractor, TextRecipe, make_text_spec
from featurestore.extraction.words.tfidf import count_terms, fit_tfidf
from featurestore.extraction.words.word_pool import WordPool
from featurestore.views.text.text_spec import TfidfParameters
from tests.benchmarks.bench_frames import LARGE, cpu_seconds, some_clips
from tests.benchmarks.report import Row, at_least, at_most, row
from warehouse.errors import Rejected

NUM_VIDEOS, NUM_PUBLISHED, NUM_POOLED = 400, 100, 2000
FIELD_CHARS, PADDED_TOKENS = 230, 388
ROUNDS = 5
ENCODER = "swin_tiny_patch4_window7_224"
MAX_SHARE, MIN_SPEED_UP = 0.05, 1.8


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
    return [
        *_one_core(videos, fields, recipe),
        _share(videos, recipe),
        _two_cores(videos, recipe),
    ]


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
    extractor, rule = TextExtractor(recipe), PublishedRule(recipe.ids)
    published = NUM_PUBLISHED / cpu_seconds(rule.extract, fields[:NUM_PUBLISHED])

    def cut() -> None:
        for each in fields:
            for text in (each.title, each.ocr, each.asr):
                segment(text)

    def fit() -> None:
        rows = videos.select(COLUMNS[1:]).iter_rows()
        fit_tfidf([count_terms(read_fields(*row) for row in rows)], recipe.spec.tfidf)

    measures: dict[str, tuple[Callable[[], object], float | None]] = {
        "text extraction on one core, documents a CPU second (bound: cutting alone)": (
            lambda: extractor.extract(videos),
            published,
        ),
        "TF-IDF fitting on one core, likewise": (fit, None),
    }
    rows = []
    for name, (work, peer) in measures.items():
        ours, bound = _in_turns(lambda work=work: cpu_seconds(work), lambda: cpu_seconds(cut))  # type: ignore[misc]
        ratio = statistics.median(our / its for our, its in zip(ours, bound, strict=True))
        speeds = [len(videos) / statistics.median(seconds) for seconds in (ours, bound)]
        rows.append(row(name, speeds[0], peer, speeds[1], ratio, None, holds=True))
    return rows


def _share(videos: pl.DataFrame, recipe: TextRecipe) -> Row:
    """Compare the CPU time of a video's text with that of its frames and text."""
    extractor, clips = TextExtractor(recipe), list(some_clips().values())
    model = timm.create_model(ENCODER, num_classes=0).eval()
    pixels = torch.rand(LARGE.num_frames, 3, LARGE.crop, LARGE.crop)

    def frames() -> None:
        for clip in clips:
            with contextlib.suppress(Rejected):
                decode_video(io.BytesIO(clip), LARGE)
            with torch.inference_mode():
                model(pixels)

    texts, pictures = _in_turns(
        lambda: cpu_seconds(extractor.extract, videos) / len(videos),
        lambda: cpu_seconds(frames) / len(clips),
    )
    shares = [text / (text + frame) for text, frame in zip(texts, pictures, strict=True)]
    text, picture, share = map(statistics.median, (texts, pictures, shares))
    name = f"CPU seconds of a video's text (peer: of its frames, {ENCODER}; ratio: share of both)"
    return row(name, text, picture, None, share, *at_most(MAX_SHARE, share))


def _two_cores(videos: pl.DataFrame, recipe: TextRecipe) -> Row:
    many = pl.concat([videos] * (NUM_POOLED // len(videos)))
    with WordPool(1, recipe) as one, WordPool(2, recipe) as two:
        alone, both = _in_turns(lambda: _wall_seconds(one, many), lambda: _wall_seconds(two, many))
    ratio = statistics.median(one / two for one, two in zip(alone, both, strict=True))
    fast, slow = (len(many) / statistics.median(seconds) for seconds in (both, alone))
    name = "text extraction by two processes, documents a second"
    return row(name, fast, slow, 2 * slow, ratio, *at_least(MIN_SPEED_UP, ratio))


def _in_turns(*measures: Callable[[], float]) -> list[list[float]]:
    """Take each measure in turn, several times; a first turn loads what is needed."""
    turns = [[measure() for measure in measures] for _ in range(1 + ROUNDS)]
    return [list(column) for column in zip(*turns[1:], strict=True)]


class PublishedRule:
    """TF-IDF fitted on each document alone, on words joined again.

    One video tokenised at a time, padded.
    """

    def __init__(self, ids: dict[str, int]) -> None:
        self._tokenizer = BertWordPieceTokenizer(ids, lowercase=True)
        self._tokenizer.enable_padding(length=PADDED_TOKENS)

    def extract(self, fields: Sequence[Fields]) -> None:
        """Tokenise videos."""
        for each in fields:
            vectorizer = TfidfVectorizer()
            scores = vectorizer.fit_transform(
                ["".join(segment(each.title + each.ocr + each.asr))]
            ).toarray()
            ranked = sorted(
                zip(scores[0], vectorizer.get_feature_names_out(), strict=True), reverse=True
            )
            title = each.title + "".join(word for _, word in ranked)
            self._tokenizer.encode(
                "".join(part[:64] + part[-64:] for part in (title, each.ocr, each.asr))
            )


def _wall_seconds(pool: WordPool, videos: pl.DataFrame) -> float:
    start = time.perf_counter()
    pool.extract(videos)
    return time.perf_counter() - start


if __name__ == "__main__":
    for measured in text_rows():
        print(measured)
