"""What the training examples look like, kept with a model to compare later partitions with."""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from featurestore.reading.examples import RawBatch
from featurestore.views.text.vocabulary import Vocabulary
from modeling.evaluation.baselines import MOST_TRAINING_ROWS
from modeling.evaluation.text_counts import NUM_RANGES, TextCounts, count_texts
from modeling.learning.inputs.batching import Examples, Rows
from modeling.learning.inputs.blocks import draw, read_blocks
from warehouse.formats import read_json
from warehouse.tables.taxonomy import Taxonomy

FORMAT_VERSION: Final = 2
"""Version 1 had no `texts`."""

QUANTILE_LEVELS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
NUM_BINS = 20


class TextStatistics(BaseModel):
    """What the texts of the sampled examples are like, by their tokens without special ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean_log_length: float
    """Mean over the texts of the logarithm of their tokens; 0 where there is no text."""
    unknown_tokens: float
    """Mean over the texts of the share of `[UNK]`."""
    ocr_missing: float
    """Share of the sampled examples without a token of OCR."""
    asr_missing: float
    """Share of the sampled examples without a token of ASR."""
    token_shares: tuple[float, ...]
    """Of all tokens, by 256 equal ranges of ids."""


class Statistics(BaseModel):
    """What `statistics.json` of a model folder says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1, 2] = FORMAT_VERSION
    num_examples: int
    """Labelled training examples."""
    num_sampled: int
    """Those of them whose features were read, at most 20,000."""
    category_shares: dict[str, float]
    """Of every category, by its id."""
    frames_missing: float
    """Share of the examples without a frame."""
    text_missing: float
    """Share of the examples without text."""
    quantile_levels: tuple[float, ...] = QUANTILE_LEVELS
    """What the quantiles below are at; they are empty where there is nothing to count."""
    token_count: tuple[float, ...]
    """Quantiles of the tokens of an example that has text."""
    frame_count: tuple[float, ...]
    """Quantiles of the frames of a sampled example that has any."""
    clip_seconds: tuple[float, ...]
    """Quantiles of the seconds from the first frame of such an example to its last."""
    embedding_mean: tuple[float, ...]
    """`[E]`, over the frames of the sampled examples."""
    embedding_std: tuple[float, ...]
    """`[E]`, as above."""
    confidence_counts: tuple[int, ...]
    """Validation examples by the probability of their predicted category, in 20 bins of equal width
    from 0 to 1."""
    texts: TextStatistics | None = None
    """None in version 1."""


def parse_statistics(payload: bytes, where: object) -> Statistics:
    """Read `statistics.json` of any version.

    Args:
        payload: The whole file, whose digest was checked.
        where: The file, for a sentence.

    Raises:
        Invalid: It has another format version.
        Corrupt: It is no JSON object.
    """
    return Statistics.model_validate(read_json(payload, FORMAT_VERSION, where, oldest=1))


def describe(
    examples: Examples,
    training_rows: Rows,
    confidence: npt.NDArray[np.floating],
    taxonomy: Taxonomy,
    vocabulary: Vocabulary,
) -> Statistics:
    """Describe the examples that a model learned from.

    Args:
        examples: Where the rows are.
        training_rows: Labelled.
        confidence: `[N]`, probability of the predicted category of each validation example.
        taxonomy: Of the labels.
        vocabulary: Of the token ids.
    """
    counts = np.bincount(examples.labels[training_rows], minlength=len(taxonomy))
    shares = counts / max(1, len(training_rows))
    has_frames, num_tokens = examples.has_frames[training_rows], examples.num_tokens[training_rows]
    sampled = draw(training_rows, MOST_TRAINING_ROWS)
    frames, texts = _Frames(examples.embedding_dim), _Texts()
    for batch in read_blocks(examples, sampled):
        frames.add(batch)
        texts.add(count_texts(batch, vocabulary))
    mean, std = frames.moments()
    return Statistics(
        num_examples=len(training_rows),
        num_sampled=len(sampled),
        category_shares=dict(zip(taxonomy.category_ids, shares.tolist(), strict=True)),
        frames_missing=_share(~has_frames),
        text_missing=_share(num_tokens == 0),
        token_count=_quantiles(num_tokens[num_tokens > 0]),
        frame_count=_quantiles(np.array(frames.counts)),
        clip_seconds=_quantiles(np.array(frames.seconds)),
        embedding_mean=tuple(mean.tolist()),
        embedding_std=tuple(std.tolist()),
        confidence_counts=tuple(np.histogram(confidence, NUM_BINS, (0, 1))[0].tolist()),
        texts=texts.statistics(),
    )


class _Frames:
    """Sums over the frames of examples that have some."""

    def __init__(self, embedding_dim: int) -> None:
        self.counts: list[int] = []
        self.seconds: list[float] = []
        self._sum, self._squares = np.zeros(embedding_dim), np.zeros(embedding_dim)

    def add(self, batch: RawBatch) -> None:
        has_frames = batch.frame_mask.any(axis=1)
        mask = batch.frame_mask[has_frames].astype(np.bool_)
        seconds = batch.pts_seconds[has_frames]
        last = np.where(mask, seconds, -np.inf).max(axis=1)
        first = np.where(mask, seconds, np.inf).min(axis=1)
        self.counts += mask.sum(axis=1).tolist()
        self.seconds += (last - first).tolist()
        frames = batch.embeddings[has_frames][mask].astype(np.float64)
        self._sum += frames.sum(axis=0)
        self._squares += (frames**2).sum(axis=0)

    def moments(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The mean and the standard deviation, `[E]` each."""
        number = max(1, sum(self.counts))
        mean = self._sum / number
        return mean, np.sqrt(np.maximum(0, self._squares / number - mean**2))


class _Texts:
    """Sums over the texts of examples."""

    def __init__(self) -> None:
        self._num_examples, self._num_texts = 0, 0
        self._log_lengths, self._unknown_shares = 0.0, 0.0
        self._num_ocr, self._num_asr = 0, 0
        self._by_range = np.zeros(NUM_RANGES, np.int64)

    def add(self, counts: TextCounts) -> None:
        self._num_examples += len(counts.num_tokens)
        self._num_texts += int(counts.has_text.sum())
        self._log_lengths += float(counts.log_lengths.sum())
        self._unknown_shares += float(counts.unknown_shares.sum())
        self._num_ocr += int(counts.has_ocr.sum())
        self._num_asr += int(counts.has_asr.sum())
        self._by_range += counts.by_range.sum(axis=0)

    def statistics(self) -> TextStatistics:
        num_examples, num_texts = max(1, self._num_examples), max(1, self._num_texts)
        shares = self._by_range / max(1, self._by_range.sum())
        return TextStatistics(
            mean_log_length=self._log_lengths / num_texts,
            unknown_tokens=self._unknown_shares / num_texts,
            ocr_missing=1 - self._num_ocr / num_examples,
            asr_missing=1 - self._num_asr / num_examples,
            token_shares=tuple(shares.tolist()),
        )


def _share(mask: npt.NDArray[np.bool_]) -> float:
    return float(mask.sum() / max(1, len(mask)))


def _quantiles(values: npt.NDArray[np.number]) -> tuple[float, ...]:
    return tuple(np.quantile(values, QUANTILE_LEVELS).tolist()) if len(values) else ()
