"""Describing a day: a few numbers of its stored features and predictions.

A day is read in blocks of bounded size, and of a large one a sample.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from featurestore.reading.examples import RawBatch
from featurestore.views.text.vocabulary import Vocabulary
from modeling.evaluation.distributions import NUM_BINS, Statistics
from modeling.evaluation.drift.day_statistics import (
    GROUP_SHARE,
    KINDS,
    DayStatistic,
    DayStatistics,
    Kind,
)
from modeling.evaluation.drift.grouped_sums import Estimate, GroupedSums, Groups, draw_groups
from modeling.evaluation.text_counts import TextCounts, count_texts
from modeling.learning.inputs.batching import Examples
from modeling.learning.inputs.blocks import draw, read_blocks
from warehouse.tables.taxonomy import Taxonomy

Floats = npt.NDArray[np.float64]

MOST_VIDEOS_READ = 20_000


def describe_day(
    examples: Examples,
    predictions: pl.DataFrame,
    reference: Statistics,
    taxonomy: Taxonomy,
    vocabulary: Vocabulary,
) -> DayStatistics:
    """Describe a scored partition.

    Args:
        examples: N, of that partition alone.
        predictions: `category_id` and `probability` of each, in the same order.
        reference: Of the training examples of the model that predicted.
        taxonomy: Of the predicted categories.
        vocabulary: Of the token ids.
    """
    described: DayStatistics = {}
    texts, frames = _Texts(reference, vocabulary), _Frames(reference)
    rows = draw(np.arange(len(examples)), MOST_VIDEOS_READ)
    for groups, batch in _blocks(examples, rows):
        texts.add(groups, batch)
        frames.add(groups, batch)
    described |= texts.statistics()
    described |= frames.statistics()
    described |= _mean("text_missing", examples.num_tokens == 0)
    described |= _mean("frames_missing", ~examples.has_frames)
    described |= _mean("confidence", predictions["probability"].to_numpy())
    described |= _predicted_mix(predictions["category_id"], reference)
    described |= _predicted_groups(predictions["category_id"], taxonomy)
    return described


def training_values(reference: Statistics, taxonomy: Taxonomy) -> dict[str, float]:
    """What the same numbers are of the training examples, as far as these were kept."""
    values = {name: 0.0 for name, kind in KINDS.items() if kind is Kind.DISTANCE}
    for category in taxonomy.categories:
        name = GROUP_SHARE + category.level1_id
        share = reference.category_shares.get(category.category_id, 0.0)
        values[name] = values.get(name, 0.0) + share
    values["embedding_spread"] = 0.0
    values["text_missing"] = reference.text_missing
    values["frames_missing"] = reference.frames_missing
    if total := sum(reference.confidence_counts):
        middles = (np.arange(NUM_BINS) + 0.5) / NUM_BINS
        values["confidence"] = float(middles @ reference.confidence_counts) / total
    if (texts := reference.texts) is not None:
        values["text_length"] = texts.mean_log_length
        values["unknown_tokens"] = texts.unknown_tokens
        values["ocr_missing"] = texts.ocr_missing
        values["asr_missing"] = texts.asr_missing
    return values


def _blocks(examples: Examples, rows: npt.NDArray[np.int64]) -> Iterator[tuple[Groups, RawBatch]]:
    groups, start = draw_groups(len(rows)), 0
    for batch in read_blocks(examples, rows):
        end = start + len(batch.token_ids)
        yield groups[start:end], batch
        start = end


class _Texts:
    """The texts of a day."""

    def __init__(self, reference: Statistics, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._shares = None if reference.texts is None else np.array(reference.texts.token_shares)
        self._mix = GroupedSums(0 if self._shares is None else len(self._shares))
        self._values: dict[str, list[npt.NDArray[np.generic]]] = {}

    def add(self, groups: Groups, batch: RawBatch) -> None:
        counts = count_texts(batch, self._vocabulary)
        for name, values in _of_each_video(counts).items():
            self._values.setdefault(name, []).append(values)
        if self._shares is not None:
            vectors = _differences(counts.by_range, self._shares)
            self._mix.add(groups, vectors, counts.num_tokens)

    def statistics(self) -> DayStatistics:
        described: DayStatistics = {}
        for name, values in self._values.items():
            described |= _mean(name, np.concatenate(values))
        if self._shares is not None and "text_length" in described:
            count = described["text_length"].count
            described |= _estimated("token_mix", count, self._mix.squared_distance())
        return described


def _of_each_video(counts: TextCounts) -> dict[str, npt.NDArray[np.generic]]:
    return {
        "text_length": counts.log_lengths,
        "unknown_tokens": counts.unknown_shares,
        "ocr_missing": ~counts.has_ocr,
        "asr_missing": ~counts.has_asr,
    }


class _Frames:
    """The frame embeddings of a day, standardised by those of the training examples."""

    def __init__(self, reference: Statistics) -> None:
        deviation = np.array(reference.embedding_std, np.float32)
        width = np.sqrt(max(1, len(deviation)))
        self._mean = np.array(reference.embedding_mean, np.float32)
        self._scale = np.where(deviation > 0, deviation, 1) * width
        self._sums = GroupedSums(len(deviation))
        self._num_videos = 0

    def add(self, groups: Groups, batch: RawBatch) -> None:
        mask = batch.frame_mask.astype(np.bool_)
        present = np.where(mask[..., None], batch.embeddings, 0).astype(np.float32)
        frames = np.where(mask[..., None], (present - self._mean) / self._scale, 0)
        self._sums.add(groups, frames.sum(axis=1), mask.sum(axis=1))
        self._sums.add_squares(groups, (frames**2).sum(axis=(1, 2), dtype=np.float64))
        self._num_videos += int(mask.any(axis=1).sum())

    def statistics(self) -> DayStatistics:
        distance, spread = self._sums.squared_distance(), self._sums.spread()
        return {
            **_estimated("embedding_mean", self._num_videos, distance),
            **_estimated("embedding_spread", self._num_videos, spread),
        }


def _predicted_mix(category_ids: pl.Series, reference: Statistics) -> DayStatistics:
    places = {name: place for place, name in enumerate(reference.category_shares)}
    # A category that training did not know, because categories were renamed since, has the last
    # place.
    shares = np.array([*reference.category_shares.values(), 0.0])
    place = np.array([places.get(name, len(places)) for name in category_ids], np.int64)
    groups = draw_groups(len(place))
    num_groups = int(groups.max(initial=-1)) + 1
    counts = np.bincount(groups * len(shares) + place, minlength=num_groups * len(shares))
    counts = counts.reshape(num_groups, len(shares))
    mix = GroupedSums(len(shares))
    mix.add(np.arange(num_groups), _differences(counts, shares), counts.sum(axis=1))
    return _estimated("predicted_mix", len(place), mix.squared_distance())


def _predicted_groups(category_ids: pl.Series, taxonomy: Taxonomy) -> DayStatistics:
    group_of = {each.category_id: each.level1_id for each in taxonomy.categories}
    groups = np.array([group_of.get(category_id) for category_id in category_ids], np.object_)
    described: DayStatistics = {}
    for group in taxonomy.level1_ids:
        described |= _mean(GROUP_SHARE + group, groups == group)
    return described


def _differences(counts: npt.NDArray[np.int64], shares: Floats) -> Floats:
    """What counts are more than expected, scaled so that the squares of shares add up to chi²/N.

    Each expected share is averaged with that of an even mix, so that what training hardly saw
    does not outweigh everything.
    """
    expected = counts.sum(axis=1, keepdims=True) * shares
    scale = np.sqrt((shares + 1 / len(shares)) / 2)
    return np.asarray((counts - expected) / scale)


def _mean(name: str, values: npt.NDArray[np.generic]) -> DayStatistics:
    if not len(values):
        return {}
    numbers = values.astype(np.float64)
    variance = float(numbers.var(ddof=min(1, len(numbers) - 1))) / len(numbers)
    return _estimated(name, len(numbers), Estimate(float(numbers.mean()), variance))


def _estimated(name: str, count: int, estimate: Estimate | None) -> DayStatistics:
    if estimate is None:
        return {}
    return {name: DayStatistic(count=count, value=estimate.value, variance=estimate.variance)}
