"""World A: what categories say and show, with normal noise.

A category is told by two things, and either alone leaves others of its level-1 group possible: what
its text is about (a topic), and what its frames show (a sight: one scene, or two scenes in one of
two orders). Both are noisy: words come from other topics too, whole texts and clips say nothing,
every clip has a look of its own, and views are missing. The counts of the categories are those of
the 2022 WeChat data, scaled down.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from featurestore.views.text.vocabulary import Vocabulary
from tests.benchmarks.ablation.corpus import Clips, Floats, Ints, Rng, Texts, World
from tests.benchmarks.ablation.world_parts import (
    EMBEDDING_DIM,
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
    zipf,
)
from warehouse.tables.taxonomy import load_taxonomy

TOPIC_WORDS, COMMON_WORDS = 20, 600
TOPIC_RATE, SIBLING_RATE = 0.30, 0.12
"""How often a word is of the example's own topic, and of any topic of its level-1 group; else it is
a common word."""
SILENT_TEXT_RATE, SILENT_FRAMES_RATE = 0.2, 0.2
"""How often a text has common words only, and a clip shows what every clip may show."""
GROUP_SCALE, SCENE_SCALE = 2.0, 2.2
"""Lengths of the two parts of a scene: what scenes of its group share, and its own."""
LOOK_STD, FRAME_STD = 0.8, 1.0
"""Spread of a clip's own look, the same in all of its frames, and of each frame, in every
dimension."""
SWITCH_PLACES = (0.375, 0.5, 0.625)
"""Where in a clip the first of two scenes gives way to the second."""


@dataclass(frozen=True)
class WorldA(World):
    """Topics of words and sights of scenes."""

    seed: ClassVar[int] = 2022

    group: Ints
    """`[C]`, level-1 group of each category."""
    topic: Ints
    """`[C]`, topic of each category's text."""
    sight: Ints
    """`[C]`, what each category's frames show."""
    group_topics: tuple[Ints, ...]
    """The topics of each group."""
    scenes: Floats
    """`[S, 2, E]`, first and second scene of each sight; the same twice where nothing changes."""
    words: tuple[Ints, ...]
    """Token ids of each word: 20 words for each topic one after another, then the common words."""
    topic_word_share: Floats
    """`[20]`, how often each word of a topic is its word."""
    common_word_share: Floats
    """`[600]`, likewise of the common words."""

    @property
    def num_topics(self) -> int:
        """The number of topics."""
        return int(self.topic.max()) + 1

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The special tokens, then one token for each character."""
        return character_vocabulary()

    def draw(self, labels: Ints, generator: Rng, *, is_test: bool) -> tuple[Texts, Clips]:  # noqa: ARG002 - both alike
        """Draw texts, then clips."""
        words = _draw_words(self, labels, generator)
        clips = draw_clips(self.scenes[self.sight[labels]], generator)
        return lay_out(words, self.words), clips


def make_world() -> WorldA:
    """Draw the one world, from its own seed."""
    generator = np.random.default_rng(WorldA.seed)
    taxonomy = load_taxonomy("wechat2022")
    group = groups(taxonomy)
    topic, sight, group_topics, scenes = _codes(group, generator)
    num_words = TOPIC_WORDS * (topic.max() + 1) + COMMON_WORDS
    return WorldA(
        taxonomy=taxonomy,
        num_labelled=count_labelled(taxonomy),
        group=group,
        topic=topic,
        sight=sight,
        group_topics=group_topics,
        scenes=scenes,
        words=draw_dictionary(int(num_words), generator),
        topic_word_share=zipf(TOPIC_WORDS),
        common_word_share=zipf(COMMON_WORDS),
    )


def _codes(group: Ints, generator: Rng) -> tuple[Ints, Ints, tuple[Ints, ...], Floats]:
    """Deal topics and sights: within a group the categories fill a grid of topics by sights.

    In every second group the first two sights are the same two scenes in both orders.
    """
    topic, sight = np.zeros_like(group), np.zeros_like(group)
    group_topics, scenes = [], list[Floats]()
    num_topics = 0
    for index, grid in enumerate(deal(group, generator)):
        topic[grid.members] = num_topics + grid.column
        sight[grid.members] = len(scenes) + grid.row
        group_topics.append(np.arange(num_topics, num_topics + grid.width))
        num_topics += grid.width
        scenes += draw_scenes(grid.height, generator, is_ordered=index % 2 == 0)
    return topic, sight, tuple(group_topics), np.stack(scenes)


def draw_scenes(number: int, generator: Rng, *, is_ordered: bool) -> list[Floats]:
    """Draw the sights of one group.

    Args:
        number: How many.
        generator: Decides.
        is_ordered: Whether the first two of them are the same two scenes in both orders.

    Returns:
        `[2, E]` for each, its first and its second scene.
    """
    shared = random_direction(generator) * GROUP_SCALE
    own = [shared + random_direction(generator) * SCENE_SCALE for _ in range(number)]
    pairs = [np.stack([scene, scene]) for scene in own]
    if is_ordered and number > 1:
        pairs[:2] = [np.stack([own[0], own[1]]), np.stack([own[1], own[0]])]
    return pairs


def _draw_words(world: WorldA, labels: Ints, generator: Rng) -> tuple[Ints, ...]:
    lengths = draw_lengths(len(labels), generator)
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
    return lose_some(np.split(words, np.cumsum(lengths)[:-1]), generator)


def draw_clips(scenes: Floats, generator: Rng) -> Clips:
    """Draw clips that each show two scenes, the first and then the second, `[N, 2, E]`."""
    size = len(scenes)
    times = draw_times(size, generator)
    switch = generator.choice(SWITCH_PLACES, size=size)
    is_first = times.places < switch[:, None]  # [N, F]
    shown = np.where(is_first[..., None], scenes[:, :1], scenes[:, 1:])  # [N, F, E]
    shown[generator.random(size) < SILENT_FRAMES_RATE] = 0
    shown += LOOK_STD * generator.normal(size=(size, 1, EMBEDDING_DIM))
    shown += FRAME_STD * generator.normal(size=shown.shape)
    return times.clips(shown)
