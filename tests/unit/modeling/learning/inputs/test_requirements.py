from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe, amend
from modeling.learning.inputs.requirements import (
    check_classification,
    check_pretraining,
    identify,
)
from warehouse.errors import Invalid


@pytest.fixture
def examples(make_examples: Callable[..., Any]) -> Any:
    return make_examples(40)


def test_sound_examples_pass(examples: Any, recipe: Recipe) -> None:
    check_pretraining(examples, recipe)
    check_classification(examples, recipe)


def test_without_labels_no_classifier(examples: Any, recipe: Recipe) -> None:
    examples.labels[:] = -1
    with pytest.raises(Invalid, match="no example is labelled; ingest a partition of role labeled"):
        check_classification(examples, recipe)


def test_a_category_without_a_label_blocks_nothing(examples: Any, recipe: Recipe) -> None:
    examples.labels[examples.labels == 2] = -1
    check_classification(examples, recipe)


def test_too_few_examples_for_a_batch(examples: Any, recipe: Recipe) -> None:
    wide = amend(recipe, {"finetuning": {"batch_size": 31}, "pretraining": {"batch_size": 31}})
    with pytest.raises(
        Invalid,
        match=r"finetuning has 30 examples for batches of 31; .* lower finetuning.batch_size",
    ):
        check_classification(examples, wide)
    with pytest.raises(Invalid, match="pretraining has 30 examples for batches of 31"):
        check_pretraining(examples, wide)


def test_no_validation_no_choice(examples: Any, recipe: Recipe) -> None:
    examples.is_validation[:] = False
    with pytest.raises(Invalid, match="no labelled example falls into validation"):
        check_classification(examples, recipe)


def test_validation_of_categories_that_nobody_learns_weighs_no_expert(
    examples: Any, recipe: Recipe
) -> None:
    experts = amend(recipe, {"fusion": {"experts": ["text_logistic"]}})
    check_classification(examples, experts)
    examples.labels[:] = np.where(examples.is_validation, 1, 0)
    with pytest.raises(Invalid, match="experts cannot be weighed; label more videos"):
        check_classification(examples, experts)
    check_classification(examples, experts, holds_out=False)


def test_a_text_longer_than_the_model_is_named(examples: Any, recipe: Recipe) -> None:
    longest = int(np.argmax(examples.num_tokens))
    short = amend(recipe, {"model": {"max_positions": 12}})
    sentence = (
        f"video {examples.video_ids[longest]} has {examples.num_tokens[longest]} tokens, .*"
        " max_positions 12"
    )
    with pytest.raises(Invalid, match=sentence):
        check_pretraining(examples, short)
    with pytest.raises(Invalid, match=sentence):
        check_classification(examples, short)


def test_pretraining_needs_text(make_examples: Callable[..., Any], recipe: Recipe) -> None:
    with pytest.raises(Invalid, match="no example to pretrain on has text"):
        check_pretraining(make_examples(40, missing_text=tuple(range(40))), recipe)


def test_a_trainings_identity_is_all_that_decides_it(
    make_examples: Callable[..., Any], recipe: Recipe, vocabulary: Vocabulary
) -> None:
    same = [identify(make_examples(9), recipe, vocabulary, seed=1) for _ in range(2)]
    assert same[0] == same[1]
    relabelled, resplit = make_examples(9), make_examples(9)
    relabelled.labels[0] = 1 - relabelled.labels[0]
    resplit.is_validation[0] = True
    others = {
        identify(make_examples(9), recipe, vocabulary, seed=2),
        identify(make_examples(9, seed=1), recipe, vocabulary, seed=1),
        identify(relabelled, recipe, vocabulary, seed=1),
        identify(resplit, recipe, vocabulary, seed=1),
        identify(
            make_examples(9), amend(recipe, {"finetuning": {"epochs": 3}}), vocabulary, seed=1
        ),
        identify(
            make_examples(9),
            recipe,
            replace(vocabulary, payload=vocabulary.payload + b"\nmore"),
            seed=1,
        ),
    }
    assert len(others - set(same)) == 6
