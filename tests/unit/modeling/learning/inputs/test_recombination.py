from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe
from modeling.learning.finetuning import train
from modeling.learning.inputs.batching import Examples, Rows
from modeling.learning.inputs.recombination import Recombined, recombine
from modeling.learning.inputs.soft_labels import SoftLabels
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.start import Start
from warehouse.tables.taxonomy import Taxonomy

NUM_EXAMPLES, NUM_CATEGORIES = 60, 4


@pytest.fixture
def examples(make_examples: Callable[..., Any]) -> Any:
    made = make_examples(NUM_EXAMPLES, missing_text=(4,), missing_frames=(6,))
    made.labels[::2] = -1
    return made


@pytest.fixture
def rows(examples: Examples) -> Rows:
    return np.flatnonzero((examples.labels < 0) & ~examples.is_validation)


@pytest.fixture
def recombined(examples: Examples, rows: Rows) -> Recombined:
    return recombine(examples, rows, rows % 3, seed=1)


def test_frames_are_exchanged_within_a_category(recombined: Recombined, rows: Rows) -> None:
    assert recombined.text_rows.tolist() == rows.tolist()
    assert sorted(recombined.frame_rows) == rows.tolist()
    assert (recombined.frame_rows % 3 == rows % 3).all()
    assert (recombined.frame_rows != rows).mean() > 0.5


def test_the_seed_decides_who_is_paired(
    examples: Examples, rows: Rows, recombined: Recombined
) -> None:
    again, other = (recombine(examples, rows, rows % 3, seed=seed) for seed in (1, 2))
    assert np.array_equal(again.frame_rows, recombined.frame_rows)
    assert not np.array_equal(other.frame_rows, recombined.frame_rows)


def test_a_pair_has_the_text_of_one_and_the_frames_of_another(
    examples: Examples, recombined: Recombined
) -> None:
    pairs = recombined.pairs
    chosen = np.array([pairs[3], 2, pairs[0], 5])
    raw = recombined.read(chosen)
    texts = examples.read(np.array([recombined.text_rows[3], 2, recombined.text_rows[0], 5]))
    frames = examples.read(np.array([recombined.frame_rows[3], 2, recombined.frame_rows[0], 5]))
    for name in ("token_ids", "slot_ids", "word_start"):
        assert [row.tolist() for row in getattr(raw, name)] == [
            row.tolist() for row in getattr(texts, name)
        ]
    for name in ("embeddings", "frame_mask", "pts_seconds"):
        np.testing.assert_array_equal(getattr(raw, name), getattr(frames, name))


def test_what_is_said_of_a_pair_is_what_is_read(recombined: Recombined) -> None:
    everything = np.arange(len(recombined))
    raw = recombined.read(everything)
    assert recombined.num_tokens.tolist() == [len(row) for row in raw.token_ids]
    assert recombined.has_frames.tolist() == raw.frame_mask.any(axis=1).tolist()
    assert (recombined.labels[recombined.pairs] == -1).all()
    assert not recombined.is_validation[recombined.pairs].any()


def test_ids_name_both_examples_of_a_pair(examples: Examples, recombined: Recombined) -> None:
    ids = recombined.video_ids
    assert list(ids[:NUM_EXAMPLES]) == list(examples.video_ids)
    text, frames = recombined.text_rows[0], recombined.frame_rows[0]
    assert ids[NUM_EXAMPLES] == f"{examples.video_ids[text]}+{examples.video_ids[frames]}"
    assert len(ids) == len(recombined) == len(list(ids))


def test_a_student_learns_from_pairs(
    recombined: Recombined, recipe: Recipe, taxonomy: Taxonomy, vocabulary: Vocabulary
) -> None:
    drawn = np.random.default_rng(0).dirichlet(np.ones(NUM_CATEGORIES), len(recombined.pairs))
    soft_labels = SoftLabels(recombined.pairs, drawn.astype(np.float32))
    inputs = TrainingInputs(recombined, vocabulary, taxonomy, soft_labels=soft_labels)
    trained = train(inputs, recipe, Start(seed=1))
    num_rows = len(inputs.training_rows) + len(recombined.pairs)
    num_batches = -(-num_rows // recipe.finetuning.batch_size)
    assert (
        trained.history["finetuning"]["steps"][-1]["step"] == recipe.finetuning.epochs * num_batches
    )
