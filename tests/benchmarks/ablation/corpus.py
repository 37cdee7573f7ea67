"""Corpora in memory, drawn from a world whose every rule is known.

A world says what its categories are and draws the text and frames of examples; what is drawn of
which category, and how it is read, is the same for all worlds.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from featurestore.reading.examples import RawBatch
from featurestore.views.text.vocabulary import Vocabulary
from warehouse.tables.taxonomy import Taxonomy

Rng = np.random.Generator
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

REPEATS = ((6, 5), (13, 3), (25, 2))
"""The published table of resampling, its limits scaled as the counts are."""
VALIDATION_SHARE = 0.2
"""Of the labelled examples; drawn in addition to them."""


class Texts(NamedTuple):
    """The texts of N examples."""

    words: tuple[Ints, ...]
    """Indices of the words of each text, none where it is missing."""
    token_ids: tuple[npt.NDArray[np.int32], ...]
    slot_ids: tuple[npt.NDArray[np.uint8], ...]
    word_start: tuple[npt.NDArray[np.bool_], ...]


class Clips(NamedTuple):
    """The frames of N examples."""

    embeddings: npt.NDArray[np.float16]
    """`[N, F, E]`"""
    frame_mask: npt.NDArray[np.uint8]
    """`[N, F]`"""
    pts_seconds: npt.NDArray[np.float32]
    """`[N, F]`"""


@dataclass(frozen=True)
class World(ABC):
    """What all examples are drawn from."""

    seed: ClassVar[int]
    """Of all that is drawn."""
    num_unlabelled: ClassVar[int] = 8_000
    test_times: ClassVar[int] = 8
    """Test examples of a category for each labelled one."""

    taxonomy: Taxonomy
    num_labelled: Ints
    """`[C]`, training examples by category."""

    @property
    @abstractmethod
    def vocabulary(self) -> Vocabulary:
        """Of the token ids."""

    @abstractmethod
    def draw(self, labels: Ints, generator: Rng, *, is_test: bool) -> tuple[Texts, Clips]:
        """Draw an example for each label.

        Args:
            labels: `[N]`, categories.
            generator: Decides what is drawn.
            is_test: Whether the examples are to be tested on; a world whose material is finite
                keeps a part of it for them.
        """


@dataclass(frozen=True)
class Corpus:
    """Examples in memory, with the interface of the feature store's reader."""

    labels: Ints
    """`[N]`, -1 where unlabelled."""
    true_labels: Ints
    """`[N]`, for the best possible score alone."""
    is_validation: npt.NDArray[np.bool_]
    words: tuple[Ints, ...]
    """This and the next three as in `Texts`."""
    token_ids: tuple[npt.NDArray[np.int32], ...]
    slot_ids: tuple[npt.NDArray[np.uint8], ...]
    word_start: tuple[npt.NDArray[np.bool_], ...]
    embeddings: npt.NDArray[np.float16]
    """This and the next two as in `Clips`."""
    frame_mask: npt.NDArray[np.uint8]
    pts_seconds: npt.NDArray[np.float32]

    @property
    def embedding_dim(self) -> int:
        """E."""
        return int(self.embeddings.shape[2])

    def __len__(self) -> int:
        """N."""
        return len(self.labels)

    @cached_property
    def video_ids(self) -> Sequence[str]:
        """N ids."""
        return [f"video-{row:06d}" for row in range(len(self))]

    @cached_property
    def num_tokens(self) -> npt.NDArray[np.int32]:
        """`[N]`, 0 where there is no text."""
        return np.array([len(row) for row in self.token_ids], np.int32)

    @property
    def has_frames(self) -> npt.NDArray[np.bool_]:
        """`[N]`, whether any frame is there."""
        return np.asarray(self.frame_mask.any(axis=1))

    def read(self, rows: Ints) -> RawBatch:
        """Take the features of some examples."""
        return RawBatch(
            token_ids=[self.token_ids[row] for row in rows],
            slot_ids=[self.slot_ids[row] for row in rows],
            word_start=[self.word_start[row] for row in rows],
            embeddings=self.embeddings[rows],
            frame_mask=self.frame_mask[rows],
            pts_seconds=self.pts_seconds[rows],
        )

    def release(self) -> None:
        """Keep all: it is in memory."""


def draw_training(world: World, seed: int) -> Corpus:
    """Draw training examples, validation examples and unlabelled ones, in this order."""
    generator = np.random.default_rng([world.seed, 1, seed])
    training = np.repeat(np.arange(len(world.num_labelled)), world.num_labelled)
    validation = generator.choice(training, size=round(len(training) * VALIDATION_SHARE))
    unlabelled = generator.choice(training, size=world.num_unlabelled)
    labels = np.concatenate([training, validation, unlabelled])
    order = np.arange(len(labels))
    is_validation = (order >= len(training)) & (order < len(training) + len(validation))
    known = order < len(training) + len(validation)
    return _draw(world, labels, known, is_validation, generator)


def draw_test(world: World, *, for_choices: bool = False) -> Corpus:
    """Draw the one test set, the same for every seed of training.

    Args:
        world: What is drawn from.
        for_choices: Draws another one, by which settings are compared before anything is reported.
    """
    labels = np.repeat(np.arange(len(world.num_labelled)), world.num_labelled * world.test_times)
    everything = np.ones(len(labels), np.bool_)
    generator = np.random.default_rng([world.seed, 3 if for_choices else 2])
    return _draw(world, labels, everything, ~everything, generator, is_test=True)


def join(first: Corpus, second: Corpus) -> Corpus:
    """Put the examples of one corpus behind those of another."""
    pairs = {
        field.name: (getattr(first, field.name), getattr(second, field.name))
        for field in fields(Corpus)
    }
    joined: dict[str, Any] = {
        name: one + two if isinstance(one, tuple) else np.concatenate([one, two])
        for name, (one, two) in pairs.items()
    }
    return Corpus(**joined)


def keep_few_labels(corpus: Corpus, number: int) -> Corpus:
    """Take the labels away from all but the first training examples of each category."""
    labels = np.where(corpus.is_validation, corpus.labels, -1)
    training = np.flatnonzero((corpus.labels >= 0) & ~corpus.is_validation)
    for category in np.unique(corpus.labels[training]):
        few = training[corpus.labels[training] == category][:number]
        labels[few] = category
    return replace(corpus, labels=labels)


def _draw(
    world: World,
    labels: Ints,
    known: npt.NDArray[np.bool_],
    is_validation: npt.NDArray[np.bool_],
    generator: Rng,
    *,
    is_test: bool = False,
) -> Corpus:
    texts, clips = world.draw(labels, generator, is_test=is_test)
    return Corpus(
        labels=np.where(known, labels, -1),
        true_labels=labels,
        is_validation=is_validation,
        **texts._asdict(),
        **clips._asdict(),
    )
