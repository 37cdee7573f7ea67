import resource
from collections.abc import Callable
from typing import Any

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import amend, preset
from modeling.learning.finetuning import train
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.pretraining import pretrain
from modeling.learning.start import Start
from warehouse.tables.taxonomy import Taxonomy

GIB = 2**20  # of the kilobytes that getrusage counts


def test_one_step_of_each_phase_runs_at_the_published_sizes(
    make_examples: Callable[..., Any], taxonomy: Taxonomy, vocabulary: Vocabulary
) -> None:
    examples = make_examples(5, missing_text=(1,))
    examples.labels[:] = [0, 1, 2, 3, 0]
    words = [f"more{index}" for index in range(21_128 - vocabulary.size)]
    whole = Vocabulary(vocabulary.payload + b"\n" + "\n".join(words).encode())
    one_step = {"batch_size": 4, "epochs": 1}
    recipe = amend(
        preset("published"), {"pretraining": one_step, "finetuning": one_step | {"resample": False}}
    )
    pretrained = pretrain(examples, whole, recipe, Start(seed=0))
    assert [record["step"] for record in pretrained.history["steps"]] == [1]
    assert pretrained.weights["encoder.language.embeddings.word_embeddings.weight"].shape == (
        21_128,
        768,
    )
    trained = train(
        TrainingInputs(examples, whole, taxonomy), recipe, Start(seed=0, encoder=pretrained)
    )
    assert [record["step"] for record in trained.history["finetuning"]["steps"]] == [1]
    assert (
        len(trained.model.encoder.layers),
        len(trained.model.encoder.language.encoder.layer),
    ) == (5, 12)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 10 * GIB
