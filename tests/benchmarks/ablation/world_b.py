"""World B: registers of words and mixtures of sights, with heavy tails.

As in world A, a category is told by what its text is about (a topic) and by what its frames show,
and either alone leaves others of its level-1 group possible. Otherwise it is drawn differently:

- A text is written in one of three registers. Each names the concepts of a topic by synonyms of its
  own choice, which name those of other topics of the group in other registers. So a word says
  little before one knows the register, which shows in the common words.
- Words come in bursts: three in ten repeat an earlier word of its text.
- A part of the OCR slot is misread: such a word's characters are any.
- What a category's frames show is a mixture of four sights: two pairs that lie opposite each other
  around what the group shares. Each pair is part of two mixtures, of one as its main pair. So the
  means of clips say little of which mixture of a group it is.
- From one frame to the next a clip keeps its sight or changes to any of its mixture, and its noise
  goes on in part. What is new in the noise has Student's distribution with three degrees of
  freedom.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from featurestore.views.text.vocabulary import Vocabulary
from tests.benchmarks.ablation.corpus import Clips, Floats, Ints, Rng, Texts, World
from tests.benchmarks.ablation.world_parts import (
    EMBEDDING_DIM,
    FIRST_CHARACTER,
    LENGTH_SHARE,
    LENGTHS,
    NUM_CHARACTERS,
    NUM_FRAMES,
    character_vocabulary,
    count_labelled,
    deal,
    draw_dictionary,
    draw_lengths,
    draw_times,
    groups,
    lay_out,
    lose_some,
    random_direction,
    slot_ends,
    zipf,
)
from warehouse.tables.taxonomy import load_taxonomy

REGISTER_SHARE = (0.45, 0.35, 0.2)
CONCEPTS, COMMON_WORDS = 12, 500
TOPIC_RATE, SIBLING_RATE, STRAY_RATE = 0.32, 0.08, 0.04
"""How often a word that is no repetition is of the example's own topic, of any topic of its level-1
group, and of any topic at all; else it is a common word."""
SILENT_TEXT_RATE, SILENT_FRAMES_RATE = 0.15, 0.15
"""How often a text is about nothing, and a clip shows what every clip may show."""
REPEAT_RATE = 0.3
MISREAD_RATE = 0.3
"""Of the words in the OCR slot."""
SIGHT_SHARE = (0.5, 0.2, 0.2, 0.1)
"""Of the sights of a mixture: its main pair, then the other."""
KEEP_RATE = 0.6
"""How often a frame shows what the one before it showed, whatever the mixture."""
GROUP_SCALE, SIGHT_SCALE = 2.0, 2.6
"""Lengths of the two parts of a sight: what sights of its group share, and its own."""
NOISE_SCALE, NOISE_KEPT, FREEDOM = 0.9, 0.5, 3
"""Student's noise of a frame, the share of it that goes on in the next frame, and its degrees of
freedom."""


@dataclass(frozen=True)
class WorldB(World):
    """Topics of concepts, and mixtures of sights."""

    seed: ClassVar[int] = 2023

    group: Ints
    """`[C]`, level-1 group of each category."""
    topic: Ints
    """`[C]`, topic of each category's text."""
    mixture: Ints
    """`[C]`, of the sights that each category's frames show."""
    sights: Floats
    """`[M, 4, E]`, of each mixture."""
    words: tuple[Ints, ...]
    """Token ids of each word: those of the topics, then the common ones."""
    word_share: Floats
    """`[R, topics + 1, W]`, how often each word is the next one, if it is neither a repetition nor
    misread, by register and topic; the last topic is that of texts which are about nothing."""

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The special tokens, then one token for each character."""
        return character_vocabulary()

    def draw(self, labels: Ints, generator: Rng, *, is_test: bool) -> tuple[Texts, Clips]:  # noqa: ARG002 - both alike
        """Draw texts, then clips."""
        texts = _draw_texts(self, labels, generator)
        return texts, _draw_frames(self, labels, generator)


def make_world() -> WorldB:
    """Draw the one world, from its own seed."""
    generator = np.random.default_rng(WorldB.seed)
    taxonomy = load_taxonomy("wechat2022")
    group = groups(taxonomy)
    topic, mixture = np.zeros_like(group), np.zeros_like(group)
    topic_group = list[int]()
    sights = list[Floats]()
    for index, grid in enumerate(deal(group, generator)):
        topic[grid.members] = len(topic_group) + grid.column
        mixture[grid.members] = len(sights) + grid.row
        topic_group += [index] * grid.width
        sights += _draw_mixtures(grid.height, generator)
    word_share = _draw_word_share(np.array(topic_group), generator)
    return WorldB(
        taxonomy=taxonomy,
        num_labelled=count_labelled(taxonomy),
        group=group,
        topic=topic,
        mixture=mixture,
        sights=np.stack(sights),
        words=draw_dictionary(word_share.shape[2], generator),
        word_share=word_share,
    )


def _draw_mixtures(number: int, generator: Rng) -> list[Floats]:
    """Draw the sights of each mixture of a group, `[4, E]` each."""
    shared = random_direction(generator) * GROUP_SCALE
    own = [random_direction(generator) * SIGHT_SCALE for _ in range(max(2, number))]
    mixtures = []
    for place in range(number):
        first, second = own[place], own[(place + 1) % len(own)]
        mixtures.append(
            np.stack([shared + first, shared - first, shared + second, shared - second])
        )
    return mixtures


def _draw_word_share(topic_group: Ints, generator: Rng) -> Floats:
    """Draw how often each register and topic uses each word, `[R, topics + 1, W]`."""
    own = _draw_synonyms(topic_group, generator)  # [R, topics, words of topics]
    in_group = topic_group[:, None] == topic_group
    siblings = (in_group / in_group.sum(axis=1, keepdims=True)) @ own
    strays = own.mean(axis=1, keepdims=True)
    about = TOPIC_RATE * own + SIBLING_RATE * siblings + STRAY_RATE * strays
    silent = STRAY_RATE * strays
    of_topics = np.concatenate([about, silent], axis=1)
    common = np.stack([generator.permutation(zipf(COMMON_WORDS)) for _ in REGISTER_SHARE])
    rest = 1 - of_topics.sum(axis=2, keepdims=True)
    return np.concatenate([of_topics, rest * common[:, None]], axis=2)


def _draw_synonyms(topic_group: Ints, generator: Rng) -> Floats:
    """Draw how often each topic uses the words of all topics, by register, `[R, topics, W]`.

    There is a word for every concept of every topic. A register names a topic's concept by any of
    the words that the topics of its group have.
    """
    num_topics = len(topic_group)
    share = np.zeros((len(REGISTER_SHARE), num_topics, num_topics, CONCEPTS))
    for by_topic in share:
        for topic in range(num_topics):
            siblings = np.flatnonzero(topic_group == topic_group[topic])
            owners = generator.choice(siblings, size=CONCEPTS)
            by_topic[topic, owners, generator.permutation(CONCEPTS)] = zipf(CONCEPTS)
    return share.reshape(len(REGISTER_SHARE), num_topics, -1)


def _draw_texts(world: WorldB, labels: Ints, generator: Rng) -> Texts:
    known = {tuple(word.tolist()): index for index, word in enumerate(world.words)}
    silent_topic = world.word_share.shape[1] - 1
    register = generator.choice(len(REGISTER_SHARE), size=len(labels), p=REGISTER_SHARE)
    silent = generator.random(len(labels)) < SILENT_TEXT_RATE
    topic = np.where(silent, silent_topic, world.topic[labels])
    cumulative = world.word_share.cumsum(axis=2)
    texts = []
    for row, length in enumerate(draw_lengths(len(labels), generator)):
        chances = cumulative[register[row], topic[row]]
        fresh = np.searchsorted(chances / chances[-1], generator.random(length), side="right")
        texts.append(_draw_text(fresh, known, generator))
    return lay_out(lose_some(texts, generator), [np.array(word) for word in known])


def _draw_text(fresh: Ints, known: dict[tuple[int, ...], int], generator: Rng) -> Ints:
    """Repeat earlier words of a text and misread some.

    Args:
        fresh: `[T]`, what each word is where it is neither a repetition nor misread.
        known: The index of each word, by its characters; misread ones are added.
        generator: Decides.

    Returns:
        `[T]` indices.
    """
    repeats = generator.random(len(fresh)) < REPEAT_RATE
    misread = (generator.random(len(fresh)) < MISREAD_RATE) & in_ocr(len(fresh))
    text = fresh.copy()
    for place in range(len(fresh)):
        if misread[place]:
            text[place] = known.setdefault(_draw_characters(generator), len(known))
        elif repeats[place] and place:
            text[place] = text[generator.integers(place)]
    return text


def in_ocr(num_words: int) -> npt.NDArray[np.bool_]:
    """Say which words of a text lie in its OCR slot, `[T]`."""
    start, end = slot_ends(num_words)
    places = np.arange(num_words)
    return (places >= start) & (places < end)


def _draw_characters(generator: Rng) -> tuple[int, ...]:
    length = generator.choice(LENGTHS, p=LENGTH_SHARE)
    characters = FIRST_CHARACTER + generator.integers(NUM_CHARACTERS, size=length)
    return tuple(characters.tolist())


def _draw_frames(world: WorldB, labels: Ints, generator: Rng) -> Clips:
    size = len(labels)
    times = draw_times(size, generator)
    num_sights = world.sights.shape[1]
    drawn = generator.choice(num_sights, size=(size, NUM_FRAMES), p=SIGHT_SHARE)
    keeps = generator.random((size, NUM_FRAMES)) < KEEP_RATE
    for place in range(1, NUM_FRAMES):
        drawn[:, place] = np.where(keeps[:, place], drawn[:, place - 1], drawn[:, place])
    shown = np.take_along_axis(world.sights[world.mixture[labels]], drawn[..., None], axis=1)
    shown[generator.random(size) < SILENT_FRAMES_RATE] = 0
    return times.clips(shown + _draw_noise(size, generator))


def _draw_noise(size: int, generator: Rng) -> Floats:
    """Draw Student's noise that goes on from frame to frame, `[N, F, E]`."""
    normal = generator.normal(size=(size, NUM_FRAMES, EMBEDDING_DIM))
    squares = generator.chisquare(FREEDOM, size=(size, NUM_FRAMES, 1))
    noise = NOISE_SCALE * normal * np.sqrt(FREEDOM / squares)
    for place in range(1, NUM_FRAMES):
        noise[:, place] += NOISE_KEPT * noise[:, place - 1]
    return np.asarray(noise)
