"""The ablation's corpus: stored features drawn from a world whose every probability is known.

A category is told by two things, and either alone leaves others of its level-1 group possible: what
its text is about (a topic), and what its frames show (a sight: one scene, or two scenes in one of
two orders). Both are noisy: words come from other topics too, whole texts and clips say nothing,
every clip has a look of its own, and views are missing. The counts of the categories are those of
the 2022 WeChat data, scaled down.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from featurestore.reading.examples import RawBatch
from featurestore.views.text.vocabulary import Vocabulary
from warehouse.tables.taxonomy import Taxonomy, load_taxonomy

Rng = np.random.Generator
Ints = npt.NDArray[np.int64]

COUNTS = Path(__file__).parents[3] / "warehouse" / "tables" / "taxonomies" / "wechat2022.csv"
WORLD_SEED = 2022
NUM_FRAMES, EMBEDDING_DIM = 8, 48

LABELLED_SHARE, MIN_LABELLED = 0.025, 5
"""Of the real counts; no category has fewer."""
REPEATS = ((6, 5), (13, 3), (25, 2))
"""The published table of resampling, its limits scaled as the counts are."""
VALIDATION_SHARE = 0.2
"""Of the labelled examples; drawn in addition to them."""
NUM_UNLABELLED = 8_000
TEST_TIMES = 8
"""Test examples of a category for each labelled one."""

NUM_CHARACTERS = 900
TOPIC_WORDS, COMMON_WORDS = 20, 600
WORDS_OF_TEXT = (8, 24)
TOPIC_RATE, SIBLING_RATE = 0.30, 0.12
"""How often a word is of the example's own topic, and of any topic of its level-1 group; else it is
a common word."""
SILENT_TEXT_RATE, SILENT_FRAMES_RATE = 0.2, 0.2
"""How often a text has common words only, and a clip shows what every clip may show."""
MISSING_TEXT_RATE, MISSING_FRAMES_RATE = 0.03, 0.03
SHORT_CLIP_RATE = 0.1
"""How often a clip has fewer than 8 frames, 3 at least."""
GROUP_SCALE, SCENE_SCALE = 2.0, 2.2
"""Lengths of the two parts of a scene: what scenes of its group share, and its own."""
LOOK_STD, FRAME_STD = 0.8, 1.0
"""Spread of a clip's own look, the same in all of its frames, and of each frame, in every
dimension."""
SWITCH_PLACES = (0.375, 0.5, 0.625)
"""Where in a clip the first of two scenes gives way to the second."""

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_CLS, _SEP = 2, 3
_SLOT_ENDS = (0.25, 0.6)
"""Where in a text the title ends, and the OCR."""


@dataclass(frozen=True)
class World:
    """What all examples are drawn from."""

    taxonomy: Taxonomy
    num_labelled: Ints
    """`[C]`, training examples by category."""
    group: Ints
    """`[C]`, level-1 group of each category."""
    topic: Ints
    """`[C]`, topic of each category's text."""
    sight: Ints
    """`[C]`, what each category's frames show."""
    group_topics: tuple[Ints, ...]
    """The topics of each group."""
    scenes: npt.NDArray[np.float64]
    """`[S, 2, E]`, first and second scene of each sight; the same twice where nothing changes."""
    words: tuple[Ints, ...]
    """Token ids of each word: 20 words for each topic one after another, then the common words."""
    topic_word_share: npt.NDArray[np.float64]
    """`[20]`, how often each word of a topic is its word."""
    common_word_share: npt.NDArray[np.float64]
    """`[600]`, likewise of the common words."""

    @property
    def num_topics(self) -> int:
        """The number of topics."""
        return int(self.topic.max()) + 1

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The special tokens, then one token for each character."""
        return Vocabulary(
            "\n".join([*_SPECIAL, *(f"字{index}" for index in range(NUM_CHARACTERS))]).encode()
        )


def make_world() -> World:
    """Draw the one world, from its own seed."""
    generator = np.random.default_rng(WORLD_SEED)
    taxonomy = load_taxonomy("wechat2022")
    with COUNTS.open(encoding="utf-8") as lines:
        counts = {row["category_id"]: int(row["label_count"]) for row in csv.DictReader(lines)}
    real = np.array([counts[category_id] for category_id in taxonomy.category_ids])
    level1_ids = [category.level1_id for category in taxonomy.categories]
    group = np.unique(level1_ids, return_inverse=True)[1]
    topic, sight, group_topics, scenes = _codes(group, generator)
    num_words = TOPIC_WORDS * (topic.max() + 1) + COMMON_WORDS
    return World(
        taxonomy=taxonomy,
        num_labelled=np.maximum(MIN_LABELLED, np.rint(real * LABELLED_SHARE)).astype(np.int64),
        group=group,
        topic=topic,
        sight=sight,
        group_topics=group_topics,
        scenes=scenes,
        words=_words(num_words, generator),
        topic_word_share=_zipf(TOPIC_WORDS),
        common_word_share=_zipf(COMMON_WORDS),
    )


def _codes(
    group: Ints, generator: Rng
) -> tuple[Ints, Ints, tuple[Ints, ...], npt.NDArray[np.float64]]:
    """Deal topics and sights: within a group the categories fill a grid of topics by sights.

    In every second group the first two sights are the same two scenes in both orders.
    """
    topic, sight = np.zeros_like(group), np.zeros_like(group)
    group_topics, scenes = [], list[npt.NDArray[np.float64]]()
    num_topics = 0
    for index in range(group.max() + 1):
        members = generator.permutation(np.flatnonzero(group == index))
        width = int(np.ceil(np.sqrt(len(members))))
        height = -(-len(members) // width)
        places = np.arange(len(members))
        topic[members] = num_topics + places % width
        sight[members] = len(scenes) + places // width
        group_topics.append(np.arange(num_topics, num_topics + width))
        num_topics += width
        shared = _direction(generator) * GROUP_SCALE
        own = [shared + _direction(generator) * SCENE_SCALE for _ in range(height)]
        pairs = [np.stack([scene, scene]) for scene in own]
        if index % 2 == 0 and height > 1:
            pairs[:2] = [np.stack([own[0], own[1]]), np.stack([own[1], own[0]])]
        scenes += pairs
    return topic, sight, tuple(group_topics), np.stack(scenes)


def _direction(generator: Rng) -> npt.NDArray[np.float64]:
    drawn = generator.normal(size=EMBEDDING_DIM)
    return np.asarray(drawn / np.linalg.norm(drawn))


def _words(number: int, generator: Rng) -> tuple[Ints, ...]:
    """Draw distinct words of one to three characters, mostly two.

    A character is part of several words.
    """
    words: dict[tuple[int, ...], None] = {}
    while len(words) < number:
        length = generator.choice((1, 2, 3), p=(0.1, 0.75, 0.15))
        words[
            tuple(
                int(one) for one in len(_SPECIAL) + generator.integers(NUM_CHARACTERS, size=length)
            )
        ] = None
    return tuple(np.array(word) for word in words)


def _zipf(number: int) -> npt.NDArray[np.float64]:
    weights = 1 / np.arange(1, number + 1)
    return np.asarray(weights / weights.sum())


@dataclass(frozen=True)
class Corpus:
    """Examples in memory, with the interface of the feature store's reader."""

    labels: Ints
    """`[N]`, -1 where unlabelled."""
    true_labels: Ints
    """`[N]`, for the best possible score alone."""
    is_validation: npt.NDArray[np.bool_]
    words: tuple[Ints, ...]
    """The words of each text, none where it is missing."""
    token_ids: tuple[npt.NDArray[np.int32], ...]
    slot_ids: tuple[npt.NDArray[np.uint8], ...]
    word_start: tuple[npt.NDArray[np.bool_], ...]
    embeddings: npt.NDArray[np.float16]
    """`[N, F, E]`"""
    frame_mask: npt.NDArray[np.uint8]
    """`[N, F]`"""
    pts_seconds: npt.NDArray[np.float32]
    """`[N, F]`"""

    @property
    def embedding_dim(self) -> int:
        """E."""
        return EMBEDDING_DIM

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
    generator = np.random.default_rng([WORLD_SEED, 1, seed])
    training = np.repeat(np.arange(len(world.topic)), world.num_labelled)
    validation = generator.choice(training, size=round(len(training) * VALIDATION_SHARE))
    unlabelled = generator.choice(training, size=NUM_UNLABELLED)
    labels = np.concatenate([training, validation, unlabelled])
    order = np.arange(len(labels))
    is_validation = (order >= len(training)) & (order < len(training) + len(validation))
    known = order < len(training) + len(validation)
    return _draw(world, labels, known, is_validation, generator)


def draw_test(world: World) -> Corpus:
    """Draw the one test set, the same for every seed of training."""
    labels = np.repeat(np.arange(len(world.topic)), world.num_labelled * TEST_TIMES)
    everything = np.ones(len(labels), np.bool_)
    return _draw(world, labels, everything, ~everything, np.random.default_rng([WORLD_SEED, 2]))


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


def _draw(
    world: World,
    labels: Ints,
    known: npt.NDArray[np.bool_],
    is_validation: npt.NDArray[np.bool_],
    generator: Rng,
) -> Corpus:
    words = _draw_words(world, labels, generator)
    embeddings, frame_mask, pts_seconds = _draw_frames(world, labels, generator)
    token_ids, slot_ids, word_start = _lay_out(world, words)
    return Corpus(
        labels=np.where(known, labels, -1),
        true_labels=labels,
        is_validation=is_validation,
        words=words,
        token_ids=token_ids,
        slot_ids=slot_ids,
        word_start=word_start,
        embeddings=embeddings,
        frame_mask=frame_mask,
        pts_seconds=pts_seconds,
    )


def _draw_words(world: World, labels: Ints, generator: Rng) -> tuple[Ints, ...]:
    lengths = generator.integers(WORDS_OF_TEXT[0], WORDS_OF_TEXT[1] + 1, size=len(labels))
    example = np.repeat(np.arange(len(labels)), lengths)
    silent = generator.random(len(labels)) < SILENT_TEXT_RATE
    lottery = generator.random(len(example))
    first = np.array([topics[0] for topics in world.group_topics])[world.group[labels]][example]
    number = np.array([len(topics) for topics in world.group_topics])[world.group[labels]][example]
    siblings = first + generator.integers(number)
    topics = np.where(lottery < TOPIC_RATE, world.topic[labels[example]], siblings)
    about = TOPIC_WORDS * topics + generator.choice(
        TOPIC_WORDS, size=len(example), p=world.topic_word_share
    )
    common = TOPIC_WORDS * world.num_topics + generator.choice(
        COMMON_WORDS, size=len(example), p=world.common_word_share
    )
    words = np.where((lottery < TOPIC_RATE + SIBLING_RATE) & ~silent[example], about, common)
    missing = generator.random(len(labels)) < MISSING_TEXT_RATE
    rows = np.split(words, np.cumsum(lengths)[:-1])
    return tuple(row[:0] if absent else row for row, absent in zip(rows, missing, strict=True))


def _lay_out(
    world: World, words: tuple[Ints, ...]
) -> tuple[
    tuple[npt.NDArray[np.int32], ...],
    tuple[npt.NDArray[np.uint8], ...],
    tuple[npt.NDArray[np.bool_], ...],
]:
    """Lay texts out in three slots: `[CLS] title [SEP] OCR [SEP] ASR [SEP]`.

    A missing one stays empty.
    """
    pieces = [*world.words, np.array([_CLS]), np.array([_SEP])]
    sizes = np.array([len(piece) for piece in pieces])
    rows, slots = zip(
        *(_with_borders(row, cls=len(pieces) - 2, sep=len(pieces) - 1) for row in words),
        strict=True,
    )
    laid, num_tokens = np.concatenate(rows), [sizes[row].sum() for row in rows]
    begins = np.repeat(np.cumsum(sizes[laid]) - sizes[laid], sizes[laid])
    inside = np.arange(len(begins)) - begins  # place of each token in its word
    tokens = np.concatenate(pieces)[
        np.repeat((np.cumsum(sizes) - sizes)[laid], sizes[laid]) + inside
    ]
    ends = np.cumsum(num_tokens)[:-1]
    return (
        tuple(np.split(tokens.astype(np.int32), ends)),
        tuple(np.split(np.repeat(np.concatenate(slots), sizes[laid]).astype(np.uint8), ends)),
        tuple(np.split(inside == 0, ends)),
    )


def _with_borders(words: Ints, *, cls: int, sep: int) -> tuple[Ints, Ints]:
    """Put the special words around the three parts of a text.

    Returns all words and the slot of each.
    """
    if not len(words):
        return words, words
    title, ocr, asr = np.split(words, [round(len(words) * share) for share in _SLOT_ENDS])
    laid = np.concatenate([[cls], title, [sep], ocr, [sep], asr, [sep]])
    return laid, np.repeat([0, 1, 2], [len(title) + 2, len(ocr) + 1, len(asr) + 1])


def _draw_frames(
    world: World, labels: Ints, generator: Rng
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    size = len(labels)
    short = generator.random(size) < SHORT_CLIP_RATE
    num_frames = np.where(short, generator.integers(3, NUM_FRAMES, size=size), NUM_FRAMES)
    num_frames[generator.random(size) < MISSING_FRAMES_RATE] = 0
    seconds = generator.uniform(5, 60, size=size)
    place = frame_places(num_frames)
    mask = np.arange(NUM_FRAMES) < num_frames[:, None]
    switch = generator.choice(SWITCH_PLACES, size=size)
    scenes = world.scenes[world.sight[labels]]  # [N, 2, E]
    shown = np.where(
        (place < switch[:, None])[..., None], scenes[:, :1], scenes[:, 1:]
    )  # [N, F, E]
    shown[generator.random(size) < SILENT_FRAMES_RATE] = 0
    shown += LOOK_STD * generator.normal(size=(size, 1, EMBEDDING_DIM))
    shown += FRAME_STD * generator.normal(size=shown.shape)
    shown *= mask[..., None]
    return (
        shown.astype(np.float16),
        mask.astype(np.uint8),
        (place * seconds[:, None] * mask).astype(np.float32),
    )


def frame_places(num_frames: Ints) -> npt.NDArray[np.float64]:
    """Where in its clip each frame lies, from 0 to 1, `[N, F]`."""
    return np.asarray((np.arange(NUM_FRAMES) + 0.5) / np.maximum(1, num_frames)[:, None])
