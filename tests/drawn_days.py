"""Days of drawn videos, which differ by weekday and by more than chance, and a model of them.

Categories show in words and in embeddings; the model is fitted to the very distributions that they
are drawn from, and knows nothing of days.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from featurestore.reading.examples import RawBatch
from featurestore.views.text.vocabulary import SPECIAL_TOKENS, Vocabulary
from modeling.evaluation import distributions
from modeling.evaluation.distributions import Statistics
from modeling.evaluation.drift.day_description import describe_day
from modeling.evaluation.drift.verdict import Day
from warehouse.tables.taxonomy import Category, Taxonomy

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NUM_TOPICS, NUM_OF_TOPIC, WIDTH = 8, 3, 16
NUM_CATEGORIES = NUM_TOPICS * NUM_OF_TOPIC
TOPICS = np.arange(NUM_CATEGORIES) // NUM_OF_TOPIC
NUM_WORDS, NUM_FOREIGN = 800, 200
TAXONOMY = Taxonomy(
    "drawn",
    tuple(
        Category(f"{topic:02d}{place % NUM_OF_TOPIC:02d}", f"{topic:02d}")
        for place, topic in enumerate(TOPICS)
    ),
)
VOCABULARY = Vocabulary(
    "\n".join(
        [*SPECIAL_TOKENS, *(f"w{place}" for place in range(NUM_WORDS + NUM_FOREIGN))]
    ).encode()
)
MONDAY = date(2026, 1, 5)

_FIRST_WORD = len(SPECIAL_TOKENS)
_UNKNOWN, _START, _END = 1, 2, 3
_TEMPER = 0.1


@dataclass(frozen=True)
class Shift:
    """What has changed on a day."""

    encoder_noise: float = 0.0
    """Added to each embedding, in units of its deviation within a category."""
    topic_times: float = 1.0
    """How many times as frequent one topic is, another one on each day."""
    foreign_share: float = 0.0
    """The share of the texts that are of words which training never saw."""
    loses_ocr: bool = False
    frames_lost: float = 0.0
    """The share of the videos that lose their frames."""


NO_SHIFT = Shift()


@dataclass(frozen=True)
class _Circumstances:
    """What a day adds to what videos are like."""

    log_shares: Floats
    log_length: float = 0.0
    log_unknown: float = 0.0
    log_lost: float = 0.0
    ocr: float = 0.0
    embedding: Floats = field(default_factory=lambda: np.zeros(WIDTH))
    log_noise: float = 0.0


@dataclass(frozen=True)
class DrawnExamples:
    """Drawn videos, with the interface of the feature store's reader."""

    labels: Ints
    tokens: npt.NDArray[np.int32]
    slots: npt.NDArray[np.uint8]
    ends: Ints
    embeddings: npt.NDArray[np.float16]
    frame_mask: npt.NDArray[np.uint8]
    embedding_dim: int = WIDTH

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def video_ids(self) -> Sequence[str]:
        return [f"video-{place}" for place in range(len(self))]

    @property
    def is_validation(self) -> npt.NDArray[np.bool_]:
        return np.zeros(len(self), np.bool_)

    @property
    def num_tokens(self) -> npt.NDArray[np.int32]:
        return np.diff(self.ends, prepend=0).astype(np.int32)

    @property
    def has_frames(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.frame_mask.any(axis=1))

    def read(self, rows: Ints) -> RawBatch:
        starts = self.ends - self.num_tokens
        cuts = [slice(starts[row], self.ends[row]) for row in rows]
        return RawBatch(
            token_ids=[self.tokens[cut] for cut in cuts],
            slot_ids=[self.slots[cut] for cut in cuts],
            word_start=[np.ones(cut.stop - cut.start, np.bool_) for cut in cuts],
            embeddings=self.embeddings[rows],
            frame_mask=self.frame_mask[rows],
            pts_seconds=np.tile(np.arange(8, dtype=np.float32), (len(rows), 1)),
        )

    def release(self) -> None:
        pass


class DrawnWorld:
    """What videos are like, on weekdays and on single days.

    Args:
        seed: Another seed is another world.
        heavy_tails: Whether days differ by Student's t of 5 degrees of freedom, scaled to the same
            variance, or normally.
    """

    def __init__(self, seed: int, *, heavy_tails: bool = True) -> None:
        self._generator = np.random.default_rng(seed)
        self._heavy_tails = heavy_tails
        draw = self._generator.normal
        topics = draw(size=(NUM_TOPICS, 1, WIDTH))
        offsets = draw(scale=0.6, size=(NUM_TOPICS, NUM_OF_TOPIC, WIDTH))
        self._centres = (topics + offsets).reshape(NUM_CATEGORIES, WIDTH)
        self._log_shares = draw(scale=0.5, size=NUM_CATEGORIES)
        words = -np.log(np.arange(1, NUM_WORDS + 1)) + draw(
            scale=1.2, size=(NUM_CATEGORIES, NUM_WORDS)
        )
        self._log_words = special.log_softmax(words, axis=1)
        self._weekdays = [self._differ(0.3, 0.1) for _ in range(7)]

    def _differ(self, mix: float, others: float) -> _Circumstances:
        return _Circumstances(
            log_shares=self._effect(mix, NUM_CATEGORIES),
            log_length=float(self._effect(others)),
            log_unknown=float(self._effect(3 * others)),
            log_lost=float(self._effect(3 * others)),
            ocr=float(self._effect(others)),
            embedding=self._effect(others, WIDTH),
            log_noise=float(self._effect(others / 4)),
        )

    def _effect(self, scale: float, size: int | None = None) -> Floats:
        if self._heavy_tails:
            return np.asarray(self._generator.standard_t(5, size=size) * scale / np.sqrt(5 / 3))
        return np.asarray(self._generator.normal(scale=scale, size=size))

    @cached_property
    def reference(self) -> Statistics:
        """What the training examples look like, and how sure the model is of others like them."""
        training = self._draw(5_000, _Circumstances(np.zeros(NUM_CATEGORIES)), NO_SHIFT)
        return distributions.describe(
            training,
            np.arange(len(training)),
            self._predict(training)["probability"].to_numpy(),
            TAXONOMY,
            VOCABULARY,
        )

    def draw_day(self, number: int, num_videos: int, shift: Shift = NO_SHIFT) -> Day:
        """Draw and describe a day.

        Args:
            number: Days since a Monday.
            num_videos: At least 1.
            shift: What has changed.
        """
        weekday, day = self._weekdays[number % 7], self._differ(0.15, 0.05)
        shares = special.softmax(self._log_shares + weekday.log_shares + day.log_shares)
        shares[number % NUM_TOPICS == TOPICS] *= shift.topic_times
        day = replace(_add(weekday, day), log_shares=np.log(shares) - self._log_shares)
        examples = self._draw(num_videos, day, shift)
        partition = (MONDAY + timedelta(days=number)).isoformat()
        predictions = self._predict(examples)
        described = describe_day(examples, predictions, self.reference, TAXONOMY, VOCABULARY)
        return Day(partition, described)

    def draw_days(self, num_days: int, fewest: int, most: int) -> list[Day]:
        """Draw days in a row, of very different sizes.

        Args:
            num_days: Of them.
            fewest: Videos of a day.
            most: Videos of a day; the logarithm of the number is even between both.
        """
        sizes = np.exp(self._generator.uniform(np.log(fewest), np.log(most), size=num_days))
        return [self.draw_day(number, int(size)) for number, size in enumerate(sizes)]

    def _draw(self, num_videos: int, day: _Circumstances, shift: Shift) -> DrawnExamples:
        generator = self._generator
        shares = special.softmax(self._log_shares + day.log_shares)
        labels = generator.choice(NUM_CATEGORIES, num_videos, p=shares)
        tokens, slots, ends = self._draw_texts(labels, day, shift)
        noise = np.exp(day.log_noise) * generator.normal(size=(num_videos, 8, WIDTH))
        clip = generator.normal(scale=0.7, size=(num_videos, 1, WIDTH))
        embeddings = (self._centres[labels] + day.embedding)[:, None] + clip + noise
        embeddings += shift.encoder_noise * generator.normal(size=embeddings.shape)
        lost = 0.01 * np.exp(day.log_lost) + shift.frames_lost
        mask = np.arange(8) < generator.integers(5, 13, size=(num_videos, 1))
        mask &= generator.random((num_videos, 1)) >= lost
        return DrawnExamples(
            labels, tokens, slots, ends, embeddings.astype(np.float16), mask.astype(np.uint8)
        )

    def _draw_texts(
        self, labels: Ints, day: _Circumstances, shift: Shift
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8], Ints]:
        generator, num_videos = self._generator, len(labels)
        log_means = np.log([8, 12, 10]) + day.log_length
        lengths = np.exp(generator.normal(log_means, 0.5, size=(num_videos, 3))).astype(np.int64)
        has_field = generator.random((num_videos, 3)) < [
            0.98,
            0.0 if shift.loses_ocr else special.expit(1.0 + day.ocr),
            0.6,
        ]
        lengths = np.maximum(lengths, 1) * has_field
        is_foreign = generator.random(num_videos) < shift.foreign_share
        total = lengths.sum(axis=1)
        of_word = np.repeat(np.arange(num_videos), total)
        words = self._draw_words(labels[of_word])
        foreign = NUM_WORDS + generator.integers(NUM_FOREIGN, size=len(words))
        words = np.where(is_foreign[of_word], foreign, words) + _FIRST_WORD
        unknown = 0.01 * np.exp(day.log_unknown + generator.normal(scale=0.5, size=num_videos))
        words[generator.random(len(words)) < unknown[of_word]] = _UNKNOWN
        # [CLS], and a [SEP] at the end of each field; nothing at all where no field has a word.
        has_text = total > 0
        pieces = (lengths + np.array([2, 1, 1])) * has_text[:, None]
        slots = np.repeat(np.tile([0, 1, 2], num_videos), pieces.ravel()).astype(np.uint8)
        tokens = np.full(len(slots), _END, np.int32)
        ends = pieces.sum(axis=1).cumsum()
        tokens[(ends - pieces.sum(axis=1))[has_text]] = _START
        field_ends = pieces.ravel().cumsum()
        is_end = np.zeros(len(slots), np.bool_)
        is_end[field_ends[pieces.ravel() > 0] - 1] = True
        tokens[~is_end & (tokens != _START)] = words
        return tokens, slots, ends

    def _draw_words(self, labels: Ints) -> Ints:
        words = np.empty(len(labels), np.int64)
        for label in range(NUM_CATEGORIES):
            chosen = labels == label
            reach = np.exp(self._log_words[label]).cumsum()
            drawn = self._generator.random(int(chosen.sum())) * reach[-1]
            words[chosen] = np.searchsorted(reach, drawn, side="right")
        return words

    def _predict(self, examples: DrawnExamples) -> pl.DataFrame:
        """Predict by words and mean embeddings, each as far as an example has them."""
        places = examples.tokens - _FIRST_WORD
        known = (places >= 0) & (places < NUM_WORDS)
        of_word = np.repeat(np.arange(len(examples)), examples.num_tokens)[known]
        logits = np.tile(special.log_softmax(self._log_shares), (len(examples), 1))
        for label in range(NUM_CATEGORIES):
            said = self._log_words[label][places[known]]
            logits[:, label] += _TEMPER * np.bincount(of_word, said, len(examples))
        mask = examples.frame_mask[..., None]
        sums = (examples.embeddings * mask).sum(axis=1, dtype=np.float64)
        numbers = np.maximum(1, mask.sum(axis=1))
        squares = ((sums / numbers)[:, None] - self._centres) ** 2
        logits -= _TEMPER * examples.has_frames[:, None] * squares.sum(axis=2)
        probabilities = special.softmax(logits, axis=1)
        category_ids = np.array(TAXONOMY.category_ids)[probabilities.argmax(axis=1)]
        return pl.DataFrame({"category_id": category_ids, "probability": probabilities.max(axis=1)})


def _add(weekday: _Circumstances, day: _Circumstances) -> _Circumstances:
    names = ("log_shares", "log_length", "log_unknown", "log_lost", "ocr", "embedding", "log_noise")
    return replace(day, **{name: getattr(weekday, name) + getattr(day, name) for name in names})
