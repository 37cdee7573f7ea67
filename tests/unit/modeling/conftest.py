"""A small world with a known answer.

Level 1 shows in the words, level 2 in words and frames together.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
import torch

from featurestore.reading.examples import RawBatch
from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import FinetuningConfig, ModelConfig, PretrainingConfig, Recipe
from warehouse.tables.taxonomy import Category, Taxonomy

NUM_TOPICS, NUM_DIGITS = 2, 2
EMBEDDING_DIM = 6
SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
NUM_WORDS = 40


@dataclass
class SyntheticExamples:
    """Examples held in memory, with the interface of the feature store's reader."""

    num_examples: int
    seed: int = 0
    missing_text: tuple[int, ...] = ()
    missing_frames: tuple[int, ...] = ()
    embedding_dim: int = EMBEDDING_DIM
    video_ids: list[str] = field(init=False)
    labels: npt.NDArray[np.int64] = field(init=False)
    is_validation: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        generator = np.random.default_rng(self.seed)
        size = self.num_examples
        self.video_ids = [f"video-{self.seed}-{index:05d}" for index in range(size)]
        topic, digit = (
            generator.integers(NUM_TOPICS, size=size),
            generator.integers(NUM_DIGITS, size=size),
        )
        self.labels = (topic * NUM_DIGITS + digit).astype(np.int64)
        self.is_validation = np.arange(size) % 4 == 3
        self._tokens = [self._text(index, topic[index], generator) for index in range(size)]
        places = np.random.default_rng(7).normal(size=(NUM_DIGITS, 1, self.embedding_dim))
        noise = generator.normal(size=(size, 8, self.embedding_dim)) / 4
        self.embeddings = (places[digit] + noise).astype(np.float16)
        num_frames = generator.integers(3, 9, size=size)
        self.frame_mask = (np.arange(8) < num_frames[:, None]).astype(np.uint8)
        self.frame_mask[list(self.missing_frames)] = 0
        self.pts_seconds = np.cumsum(generator.random((size, 8)), axis=1).astype(np.float32)

    def _text(
        self, index: int, topic: int, generator: np.random.Generator
    ) -> npt.NDArray[np.int32]:
        words = (
            len(SPECIAL_TOKENS)
            + topic * NUM_WORDS // 2
            + generator.integers(NUM_WORDS // 2, size=20)
        )
        tokens = words[: generator.integers(4, 20)].astype(np.int32)
        if index in self.missing_text:
            return np.empty(0, np.int32)
        return np.concatenate([[2], tokens[:2], [3], tokens[2:3], [3], tokens[3:], [3]]).astype(
            np.int32
        )

    def __len__(self) -> int:
        return self.num_examples

    @property
    def num_tokens(self) -> npt.NDArray[np.int32]:
        return np.array([len(row) for row in self._tokens], np.int32)

    @property
    def has_frames(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.frame_mask.any(axis=1))

    def read(self, rows: npt.NDArray[np.int64]) -> RawBatch:
        token_ids = [self._tokens[row] for row in rows]
        return RawBatch(
            token_ids=token_ids,
            slot_ids=[np.minimum(np.cumsum(ids == 3), 2).astype(np.uint8) for ids in token_ids],
            word_start=[ids % 2 == 1 for ids in token_ids],
            embeddings=self.embeddings[rows],
            frame_mask=self.frame_mask[rows],
            pts_seconds=self.pts_seconds[rows],
        )

    def release(self) -> None:
        pass


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # tensors this small only wait for each other
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _deterministic() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def make_examples() -> Callable[..., SyntheticExamples]:
    return SyntheticExamples


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    pairs = [(topic, digit) for topic in range(NUM_TOPICS) for digit in range(NUM_DIGITS)]
    return Taxonomy(
        "toy", tuple(Category(f"{topic:02d}{digit:02d}", f"{topic:02d}") for topic, digit in pairs)
    )


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    words = [f"word{index}" for index in range(NUM_WORDS)]
    return Vocabulary("\n".join(SPECIAL_TOKENS + words).encode())


@pytest.fixture(scope="session")
def sizes() -> ModelConfig:
    return ModelConfig(
        width=16,
        num_heads=2,
        num_language_layers=1,
        num_cross_layers=2,
        feed_forward_width=32,
        max_positions=32,
        reads="pooled_and_means",
    )


@pytest.fixture(scope="session")
def recipe(sizes: ModelConfig) -> Recipe:
    return Recipe(
        name="toy",
        model=sizes,
        pretraining=PretrainingConfig(batch_size=8, learning_rate=2e-3, epochs=1, mask_unit="word"),
        finetuning=FinetuningConfig(batch_size=8, learning_rate=5e-3, epochs=2, resample=False),
    )
