import pytest
import torch

from modeling.configuration import PRESETS, amend, preset
from modeling.learning.adversarial import add_pgd_gradients
from warehouse.errors import Invalid

PUBLISHED: dict[str, dict[str, object]] = {
    "model": {
        "width": 768,
        "num_heads": 12,
        "num_language_layers": 12,
        "num_cross_layers": 5,
        "feed_forward_width": 3072,
        "max_positions": 512,
        "dropout": 0.1,
        "attention_dropout": 0.1,
        "reads": "pooled",
    },
    "pretraining": {
        "batch_size": 50,
        "learning_rate": 5e-5,
        "epochs": 5,
        "warmup_fraction": 0.1,
        "weight_decay": 0.01,
        "mask_unit": "token",
        "mask_probability": 0.15,
        "matching_weight": 0.3,
        "gradient_accumulation_steps": 1,
        "early_stopping_patience": None,
    },
    "finetuning": {
        "batch_size": 26,
        "learning_rate": 4e-5,
        "epochs": 5,
        "warmup_fraction": 0.1,
        "weight_decay": 0.01,
        "ema_decay": 0.999,
        "adversary": "fgm",
        "adversary_epsilon": 1.0,
        "label_smoothing": 0.1,
        "resample": True,
        "repeats": ((100, 5), (500, 3), (1000, 2)),
        "classifier_dropout": 0.2,
        "tail_rescale": False,
        "gradient_accumulation_steps": 1,
        "early_stopping_patience": None,
    },
}


@pytest.mark.parametrize("section", PUBLISHED)
def test_published_is_the_solutions_recipe(section: str) -> None:
    settings = preset("published").model_dump()[section]
    assert settings.items() >= PUBLISHED[section].items()


def test_settings_added_later_are_written_only_where_they_are_not_their_defaults() -> None:
    added: dict[str, dict[str, object]] = {
        "model": {"whole_word_rows": 64},
        "pretraining": {"contrastive_weight": 1.0, "frame_weight": 0.5},
        "finetuning": {"word_dropout": 0.1, "level1_loss_weight": 0.5, "logit_adjustment": 1.0},
        "fusion": {"choose_by": "expected_score"},
    }
    plain = preset("published").model_dump(mode="json")
    changed = amend(preset("published"), added).model_dump(mode="json")
    for section, settings in added.items():
        assert not settings.keys() & plain[section].keys()
        assert changed[section] == plain[section] | settings


def test_pgd_is_the_solutions_where_it_is_chosen() -> None:
    """Radius 1, steps of 0.3 of it."""
    recipe = amend(preset("published"), {"finetuning": {"adversary": "pgd"}})
    weight = torch.zeros(4, 1, requires_grad=True)
    weight.grad = torch.ones(4, 1)
    places: list[float] = []

    def backward() -> None:
        places.append(weight.detach().norm().item())
        weight.grad = torch.ones(4, 1)

    add_pgd_gradients(
        weight, [weight], backward, epsilon=recipe.finetuning.adversary_epsilon, num_steps=5
    )
    assert places == pytest.approx([0.3, 0.6, 0.9, 1.0, 1.0])


def test_presets_are_named_after_themselves() -> None:
    assert {name: recipe.name for name, recipe in PRESETS.items()} == {
        name: name for name in PRESETS
    }


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        Invalid, match=r"'huge' is unknown; choose one of published, .*, default, demo"
    ):
        preset("huge")


def test_settings_are_amended() -> None:
    recipe = amend(
        preset("demo"), {"finetuning": {"epochs": 1}, "model": {"width": 8, "num_heads": 2}}
    )
    assert (recipe.finetuning.epochs, recipe.model.width) == (1, 8)
    assert recipe.pretraining == preset("demo").pretraining


@pytest.mark.parametrize(
    ("section", "changes", "sentence"),
    [
        ("model", {"width": 100, "num_heads": 12}, "width 100 is not divisible by num_heads 12"),
        ("finetuning", {"batch_size": 1}, "finetuning.batch_size: .* greater than or equal to 2"),
        ("finetuning", {"adversary": "evil"}, "finetuning.adversary: .*'none', 'fgm' or 'pgd'"),
        ("pretraining", {"learning_rate": 0}, "pretraining.learning_rate"),
        (
            "pretraining",
            {"learning_rat": 1e-3},
            r"'learning_rat': did you mean learning_rate\? the right ones are .*epochs",
        ),
        ("finetuning", {"adversary_epsilon": 0}, "finetuning.adversary_epsilon: .* greater than 0"),
        ("finetuning", {"label_smoothing": 1}, "finetuning.label_smoothing: .* less than 1"),
        ("finetuning", {"soft_label_weight": 0}, "finetuning.soft_label_weight: .* greater than 0"),
        ("pretraining", {"early_stopping_patience": 0}, "pretraining.early_stopping_patience"),
        (
            "finetuning",
            {"gradient_accumulation_steps": 0},
            "finetuning.gradient_accumulation_steps",
        ),
        (
            "finetuning",
            {"gradient_accumulation_steps": 27},
            (
                "finetuning: .* batch_size 26 is less than gradient_accumulation_steps 27; lower"
                " the latter"
            ),
        ),
        (
            "optimizer",
            {"name": "adam"},
            "no section 'optimizer': the right ones are fusion, model, pretraining, finetuning",
        ),
        ("name", {"x": 1}, "no section 'name'"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    section: str, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        amend(preset("published"), {section: changes})
