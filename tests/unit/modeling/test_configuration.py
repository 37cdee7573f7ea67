import pytest

from modeling.configuration import PRESETS, amend, preset
from warehouse.errors import Invalid


def test_published_is_the_solutions_recipe() -> None:
    recipe = preset("published")
    model, pretraining, finetuning = recipe.model, recipe.pretraining, recipe.finetuning
    assert (model.num_language_layers, model.width, model.num_heads, model.num_cross_layers) == (12, 768, 12, 5)
    assert (pretraining.batch_size, pretraining.learning_rate, pretraining.epochs) == (50, 5e-5, 5)
    assert (pretraining.mask_probability, pretraining.matching_weight) == (0.15, 0.3)
    assert (finetuning.batch_size, finetuning.learning_rate, finetuning.epochs) == (26, 4e-5, 5)
    assert (finetuning.adversary, finetuning.ema_decay, finetuning.label_smoothing) == ("fgm", 0.999, 0.1)
    assert (finetuning.resample, finetuning.classifier_dropout, model.reads) == (True, 0.2, "pooled")
    assert (finetuning.weight_decay, finetuning.warmup_fraction) == (0.01, 0.1)


def test_presets_are_named_after_themselves() -> None:
    assert {name: recipe.name for name, recipe in PRESETS.items()} == {name: name for name in PRESETS}


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Invalid, match="preset 'huge' is unknown; choose one of published, default, demo"):
        preset("huge")


def test_settings_are_amended() -> None:
    recipe = amend(preset("demo"), {"finetuning": {"epochs": 1}, "model": {"width": 8, "num_heads": 2}})
    assert (recipe.finetuning.epochs, recipe.model.width) == (1, 8)
    assert recipe.pretraining == preset("demo").pretraining


@pytest.mark.parametrize(
    ("section", "changes", "sentence"),
    [
        ("model", {"width": 100, "num_heads": 12}, "width 100 is not divisible by num_heads 12"),
        ("finetuning", {"batch_size": 1}, "finetuning.batch_size: .* greater than or equal to 2"),
        ("finetuning", {"adversary": "evil"}, "finetuning.adversary: .*'none', 'fgm' or 'pgd'"),
        ("pretraining", {"learning_rate": 0}, "pretraining.learning_rate"),
        ("pretraining", {"learning_rat": 1e-3}, "pretraining.learning_rat: Extra inputs"),
        ("optimizer", {"name": "adam"}, "optimizer: Extra inputs"),
    ],
)
def test_settings_that_cannot_work_are_refused(section: str, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        amend(preset("published"), {section: changes})
