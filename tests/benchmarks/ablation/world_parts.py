"""What drawn worlds are made of: counts, a grid of categories, words, and texts in their slots."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from featurestore.views.text.vocabulary import Vocabulary
from tests.benchmarks.ablation.corpus import Clips, Floats, Ints, Rng, Texts
from warehouse.tables.taxonomy import Taxonomy

COUNTS = Path(__file__).parents[3] / "warehouse" / "tables" / "taxonomies" / "wechat2022.csv"
NUM_FRAMES, EMBEDDING_DIM = 8, 48
LABELLED_SHARE, MIN_LABELLED = 0.025, 5
"""Of the real counts; no category has fewer."""
NUM_CHARACTERS = 900
WORDS_OF_TEXT = (8, 24)
LENGTHS, LENGTH_SHARE = (1, 2, 3), (0.1, 0.75, 0.15)
"""Of a word, in characters."""

MISSING_TEXT_RATE, MISSING_FRAMES_RATE = 0.03, 0.03
SHORT_CLIP_RATE = 0.1
"""How often a clip has fewer than 8 frames, 3 at least."""

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_CLS, _SEP = 2, 3
FIRST_CHARACTER = len(_SPECIAL)
"""Token id of the first character."""
_SLOT_ENDS = (0.25, 0.6)
"""Where in a text the title ends, and the OCR."""


def count_labelled(taxonomy: Taxonomy) -> Ints:
    """Scale the counts of the 2022 WeChat data down, `[C]`."""
    with COUNTS.open(encoding="utf-8") as lines:
        counts = {row["category_id"]: int(row["label_count"]) for row in csv.DictReader(lines)}
    real = np.array([counts[category_id] for category_id in taxonomy.category_ids])
    return np.maximum(MIN_LABELLED, np.rint(real * LABELLED_SHARE)).astype(np.int64)


def groups(taxonomy: Taxonomy) -> Ints:
    """Give the level-1 group of each category, `[C]`."""
    level1_ids = [category.level1_id for category in taxonomy.categories]
    return np.unique(level1_ids, return_inverse=True)[1]


@dataclass(frozen=True)
class Grid:
    """The categories of one level-1 group, dealt to the cells of a grid."""

    members: Ints
    """`[n]`, categories in the order of the cells."""
    width: int
    height: int

    @property
    def column(self) -> Ints:
        """`[n]`, of each member."""
        return np.arange(len(self.members)) % self.width

    @property
    def row(self) -> Ints:
        """`[n]`, of each member."""
        return np.arange(len(self.members)) // self.width


def deal(group: Ints, generator: Rng) -> Iterator[Grid]:
    """Deal the categories of each group to a grid that is nearly square."""
    for index in range(group.max() + 1):
        members = generator.permutation(np.flatnonzero(group == index))
        width = int(np.ceil(np.sqrt(len(members))))
        yield Grid(members, width, -(-len(members) // width))


def random_direction(generator: Rng) -> Floats:
    """Draw a vector of length 1, any direction as likely, `[E]`."""
    drawn = generator.normal(size=EMBEDDING_DIM)
    return np.asarray(drawn / np.linalg.norm(drawn))


def draw_dictionary(number: int, generator: Rng) -> tuple[Ints, ...]:
    """Draw distinct words of one to three characters, mostly two.

    A character is part of several words.
    """
    words: dict[tuple[int, ...], None] = {}
    while len(words) < number:
        length = generator.choice(LENGTHS, p=LENGTH_SHARE)
        characters = FIRST_CHARACTER + generator.integers(NUM_CHARACTERS, size=length)
        words[tuple(characters.tolist())] = None
    return tuple(np.array(word) for word in words)


def zipf(number: int) -> Floats:
    """Give shares that fall as one over the rank, `[number]`."""
    weights = 1 / np.arange(1, number + 1)
    return np.asarray(weights / weights.sum())


def character_vocabulary() -> Vocabulary:
    """Make a vocabulary of the special tokens, then one token for each character."""
    characters = [f"字{index}" for index in range(NUM_CHARACTERS)]
    return Vocabulary("\n".join([*_SPECIAL, *characters]).encode())


def draw_lengths(size: int, generator: Rng) -> Ints:
    """Draw how many words each text has, `[size]`."""
    return generator.integers(WORDS_OF_TEXT[0], WORDS_OF_TEXT[1] + 1, size=size)


def lose_some(texts: Sequence[Ints], generator: Rng) -> tuple[Ints, ...]:
    """Leave some texts without any word."""
    is_missing = generator.random(len(texts)) < MISSING_TEXT_RATE
    return tuple(
        text[:0] if absent else text for text, absent in zip(texts, is_missing, strict=True)
    )


@dataclass(frozen=True)
class Times:
    """When the frames of N clips were shown."""

    places: Floats
    """`[N, F]`, where in its clip each frame lies, from 0 to 1."""
    mask: npt.NDArray[np.bool_]
    """`[N, F]`, which frames are there."""
    seconds: Floats
    """`[N]`, length of each clip."""

    def clips(self, shown: Floats) -> Clips:
        """Keep the frames that are there, of `[N, F, E]`."""
        return Clips(
            (shown * self.mask[..., None]).astype(np.float16),
            self.mask.astype(np.uint8),
            (self.places * self.seconds[:, None] * self.mask).astype(np.float32),
        )


def draw_times(size: int, generator: Rng) -> Times:
    """Draw how many frames each clip has, and how long it is."""
    short = generator.random(size) < SHORT_CLIP_RATE
    num_frames = np.where(short, generator.integers(3, NUM_FRAMES, size=size), NUM_FRAMES)
    num_frames[generator.random(size) < MISSING_FRAMES_RATE] = 0
    seconds = generator.uniform(5, 60, size=size)
    return Times(frame_places(num_frames), np.arange(NUM_FRAMES) < num_frames[:, None], seconds)


def frame_places(num_frames: Ints) -> Floats:
    """Say where in its clip each frame lies, from 0 to 1, `[N, F]`."""
    return np.asarray((np.arange(NUM_FRAMES) + 0.5) / np.maximum(1, num_frames)[:, None])


def slot_ends(num_words: int) -> list[int]:
    """Say how many of a text's words come before the end of the title, and of the OCR."""
    return [round(num_words * share) for share in _SLOT_ENDS]


def lay_out(words: tuple[Ints, ...], token_ids: Sequence[Ints]) -> Texts:
    """Lay texts out in three slots: `[CLS] title [SEP] OCR [SEP] ASR [SEP]`.

    Args:
        words: Indices of the words of each text; where there are none, the text stays empty.
        token_ids: Of each word.
    """
    pieces = [*token_ids, np.array([_CLS]), np.array([_SEP])]
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
    return Texts(
        words,
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
    title, ocr, asr = np.split(words, slot_ends(len(words)))
    laid = np.concatenate([[cls], title, [sep], ocr, [sep], asr, [sep]])
    return laid, np.repeat([0, 1, 2], [len(title) + 2, len(ocr) + 1, len(asr) + 1])
