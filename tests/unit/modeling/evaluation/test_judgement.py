import json
from collections.abc import Callable
from typing import Any

import pytest

from modeling.configuration import Recipe
from modeling.evaluation.judgement import Judgement, judge
from modeling.finetuning import train
from modeling.vocabulary import Vocabulary
from warehouse.taxonomy import Taxonomy


@pytest.fixture(scope="module")
def judged(make_examples: Callable[..., Any], taxonomy: Taxonomy, recipe: Recipe, vocabulary: Vocabulary) -> Judgement:
    examples = make_examples(60)
    return judge(train(examples, taxonomy, recipe, vocabulary, seed=1), examples)


def test_metrics_are_plain_json(judged: Judgement) -> None:
    assert json.loads(json.dumps(judged.metrics, allow_nan=False)).keys() == judged.metrics.keys()
    assert set(judged.metrics["validation"]) == set(judged.metrics["intervals"]) == set(judged.metrics["majority"])


def test_what_is_judged_is_counted(judged: Judgement) -> None:
    assert judged.metrics["num_training_examples"] == 45
    assert judged.metrics["num_validation_examples"] == 15
