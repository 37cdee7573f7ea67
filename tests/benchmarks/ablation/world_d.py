"""World D: real headlines with drawn frames.

The headlines are those of REELSTORE_SAMPLES, 1,000 of each of ten classes. They are tokenised as
the text view does it, words cut by jieba, keywords by TF-IDF of the headlines that are not tested
on. Frames are drawn as in world A, by the class of the headline. Half of the headlines are kept for
testing; of the others each seed deals some to training, some to validation, and leaves some without
a label. What is best possible is not known: nobody drew the headlines.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from featurestore.extraction.words.fields import read_fields
from featurestore.extraction.words.text import COLUMNS, TextExtractor, TextRecipe, make_text_spec
from featurestore.extraction.words.tfidf import count_terms, fit_tfidf
from featurestore.views.text.text_spec import TfidfParameters
from featurestore.views.text.vocabulary import Vocabulary
from tests.benchmarks.ablation.corpus import Clips, Floats, Ints, Rng, Texts, World
from tests.benchmarks.ablation.world_a import draw_clips, draw_scenes
from tests.benchmarks.ablation.world_parts import lose_some
from warehouse.tables.taxonomy import Category, Taxonomy

_Item = TypeVar("_Item", bound=np.generic)

FOLDER = Path(os.environ.get("REELSTORE_SAMPLES", "/nowhere"), "text")
GROUPS = {
    "money": ("finance", "realty", "stocks"),
    "public life": ("education", "society", "politics"),
    "technology": ("science", "game"),
    "leisure": ("sports", "entertainment"),
}
"""The classes of each level-1 group, which the files do not have."""
NUM_LABELLED, TESTED_SHARE = 100, 0.5
"""Training examples of each class, and the share of its headlines that is tested on."""


@dataclass(frozen=True)
class WorldD(World):
    """Headlines, and scenes of their classes."""

    seed: ClassVar[int] = 2024
    num_unlabelled: ClassVar[int] = 2_800
    test_times: ClassVar[int] = 5

    sight: Ints
    """`[C]`, what each class's frames show."""
    scenes: Floats
    """`[S, 2, E]`, as in world A."""
    training_headlines: tuple[Ints, ...]
    """Of each class, by their rows among the texts."""
    test_headlines: tuple[Ints, ...]
    texts: pl.DataFrame = field(repr=False)
    """Rows of the text view, one for each headline."""
    vocabulary_file: bytes = field(repr=False)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """BERT's, of Chinese."""
        return Vocabulary(self.vocabulary_file)

    def draw(self, labels: Ints, generator: Rng, *, is_test: bool) -> tuple[Texts, Clips]:
        """Deal headlines, none twice, then draw clips."""
        headlines = self.test_headlines if is_test else self.training_headlines
        rows = np.zeros_like(labels)
        for category, pool in enumerate(headlines):
            of_category = labels == category
            rows[of_category] = generator.choice(pool, size=of_category.sum(), replace=False)
        words = lose_some(list(rows[:, None]), generator)
        return self._read(words), draw_clips(self.scenes[self.sight[labels]], generator)

    def _read(self, words: tuple[Ints, ...]) -> Texts:
        """Take the texts that are not lost; here a whole headline counts as one word."""
        return Texts(
            words,
            self._take("token_ids", words, np.int32),
            self._take("slot_ids", words, np.uint8),
            self._take("word_start", words, np.bool_),
        )

    def _take(
        self, column: str, words: tuple[Ints, ...], dtype: type[_Item]
    ) -> tuple[npt.NDArray[_Item], ...]:
        rows = self.texts[column].to_list()
        return tuple(np.array(rows[row[0]] if len(row) else [], dtype) for row in words)


def make_world() -> WorldD:
    """Read the headlines and draw the scenes.

    Raises:
        FileNotFoundError: REELSTORE_SAMPLES names no folder with headlines.
    """
    generator = np.random.default_rng(WorldD.seed)
    names = (FOLDER / "thucnews_classes.txt").read_text(encoding="utf-8").split()
    level1 = {name: str(place) for place, group in enumerate(GROUPS) for name in GROUPS[group]}
    taxonomy = Taxonomy(
        "headlines",
        tuple(Category(str(place), level1[name], name) for place, name in enumerate(names)),
    )
    lines = (FOLDER / "thucnews_dev.tsv").read_text(encoding="utf-8").splitlines()
    headlines, classes = zip(*(line.rsplit("\t", 1) for line in lines), strict=True)
    training, test = _divide(np.array(classes, np.int64), generator)
    vocabulary = (FOLDER / "bert_base_chinese_vocab.txt").read_bytes()
    sight, scenes = _draw_sights(taxonomy, generator)
    return WorldD(
        taxonomy=taxonomy,
        num_labelled=np.full(len(taxonomy), NUM_LABELLED),
        sight=sight,
        scenes=scenes,
        training_headlines=training,
        test_headlines=test,
        texts=_tokenise(headlines, np.concatenate(training), vocabulary),
        vocabulary_file=vocabulary,
    )


def _divide(classes: Ints, generator: Rng) -> tuple[tuple[Ints, ...], tuple[Ints, ...]]:
    """Divide the headlines of each class into those for training and those for testing."""
    training, test = [], []
    for category in range(classes.max() + 1):
        rows = generator.permutation(np.flatnonzero(classes == category))
        kept, tested = np.split(rows, [round(len(rows) * (1 - TESTED_SHARE))])
        training.append(kept)
        test.append(tested)
    return tuple(training), tuple(test)


def _draw_sights(taxonomy: Taxonomy, generator: Rng) -> tuple[Ints, Floats]:
    """Draw a sight for each class; in each group two show the same scenes in both orders."""
    sight = np.zeros(len(taxonomy), np.int64)
    scenes = list[Floats]()
    for level1_id in taxonomy.level1_ids:
        members = [
            place
            for place, category in enumerate(taxonomy.categories)
            if category.level1_id == level1_id
        ]
        sight[members] = len(scenes) + np.arange(len(members))
        scenes += draw_scenes(len(members), generator, is_ordered=True)
    return sight, np.stack(scenes)


def _tokenise(headlines: Sequence[str], known: Ints, vocabulary: bytes) -> pl.DataFrame:
    """Make the rows of the text view, one for each headline.

    Args:
        headlines: Titles; their videos have no other text.
        known: Rows of those that TF-IDF is fitted on.
        vocabulary: The BERT vocabulary file.
    """
    parameters = TfidfParameters()
    documents = [read_fields(headlines[row], None, None) for row in known]
    weights = fit_tfidf([count_terms(documents)], parameters)
    recipe = TextRecipe(make_text_spec(weights, vocabulary, parameters), vocabulary, weights)
    ids = [f"{row:05d}" for row in range(len(headlines))]
    videos = pl.DataFrame({"video_id": ids, "title": headlines, "ocr": None, "asr": None})
    return TextExtractor(recipe).extract(videos.select(COLUMNS))
