from collections.abc import Callable
from typing import Any

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ALL_EXPERTS, FusionConfig, Recipe
from modeling.learning.inputs.training_inputs import TrainingInputs
from tests.benchmarks import training_phases
from tests.benchmarks.training_phases import JUDGING, ON_ALL, PARTS, TRAINING, Phases
from warehouse.tables.taxonomy import Taxonomy


def test_each_phase_of_a_training_is_timed_and_its_memory_sampled(
    make_examples: Callable[..., Any], recipe: Recipe, vocabulary: Vocabulary, taxonomy: Taxonomy
) -> None:
    examples = make_examples(240)
    examples.labels[160:] = -1
    phases = Phases()
    fused = FusionConfig(experts=ALL_EXPERTS, rounds=1, exchange_frames=True)
    training_phases.train_watched(
        TrainingInputs(examples, vocabulary, taxonomy),
        recipe.model_copy(update={"fusion": fused}),
        phases,
    )
    parts = {f"{TRAINING}: {title}" for _, _, title in PARTS}
    assert {TRAINING, JUDGING, ON_ALL} | parts <= phases.seconds.keys()
    assert phases.seconds[TRAINING] >= max(phases.seconds[part] for part in parts) > 0
    assert phases.peaks.keys() == phases.seconds.keys()
