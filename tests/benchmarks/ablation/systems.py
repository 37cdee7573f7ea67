"""What the ablation trains: the default recipe, and recipes that differ from it in one part."""

from dataclasses import dataclass

from modeling.configuration import Recipe, amend, preset
from modeling.experts.students import ONE_STUDENT, Schedule
from tests.benchmarks.ablation.corpus import REPEATS
from tests.benchmarks.ablation.published.study import FULL

Changes = dict[str, dict[str, object]]

BY_PROBABILITY = "by probability"
"""Named so is what `default` and `experts` would choose by probability, not by expected F1."""
MATCHING = "with contrastive pretraining"
"""Who has learned which text and frames belong together."""
FEW = 5
"""Labels of each category where there are few."""
NUM_SEEDS = 4
"""Of what targets are set for; a part of it is compared on the first seed."""

_SIZES: Changes = {
    "model": {
        "width": 96,
        "num_heads": 4,
        "num_language_layers": 1,
        "num_cross_layers": 1,
        "feed_forward_width": 192,
        "max_positions": 96,
        "attention_dropout": 0.0,
    },
    "pretraining": {"batch_size": 50, "learning_rate": 2e-3, "epochs": 6},
    "finetuning": {
        "batch_size": 52,
        "learning_rate": 3e-3,
        "epochs": 3,
        "weight_decay": 0.1,
        "repeats": REPEATS,
    },
}
"""A small model's sizes and rates, those of `FULL`; a preset's other settings stay."""


@dataclass(frozen=True)
class System:
    """One training."""

    recipe: Recipe
    schedule: Schedule = ONE_STUDENT
    is_pretrained: bool = True
    """Whether its cross encoder, if it has one, starts from a pretrained one."""
    has_few_labels: bool = False
    is_refit: bool = False
    """Whether it is trained again on all labels, those of validation too."""
    worlds: str = "AB"
    num_seeds: int = 1
    """For how many of the seeds it is trained, the first ones: an hour is to do for all."""


@dataclass(frozen=True)
class Part:
    """What is scored with a part and what without, by name."""

    with_it: str
    without_it: str
    is_in_default: bool = True


@dataclass(frozen=True)
class Setting:
    """A part that one setting turns on and off."""

    section: str
    name: str
    off: object
    on: object
    """Where `default` has another value than `off`, that one counts."""


_STUDENT: Changes = {
    "model": {"whole_word_rows": 16_384},
    "pretraining": {"epochs": 2},
    "finetuning": {
        "batch_size": 104,
        "learning_rate": 4e-3,
        "epochs": 3,
        "weight_decay": 0.01,
        "word_dropout": 0.3,
        "frame_dropout": 0.3,
    },
}
"""Chosen on World A, on seeds that are not reported; the epochs for the CPU time that they take."""

DEFAULT = amend(amend(preset("default"), _SIZES), _STUDENT)
EXPERTS = preset("experts")
SETTINGS = {
    "word embeddings": Setting("model", "whole_word_rows", 0, 16_384),
    "word dropout": Setting("finetuning", "word_dropout", 0.0, 0.2),
    "frame dropout": Setting("finetuning", "frame_dropout", 0.0, 0.2),
    "exchanged frames": Setting("fusion", "exchange_frames", off=False, on=True),
    "FGM": Setting("finetuning", "adversary", "none", "fgm"),
    "EMA": Setting("finetuning", "ema_decay", 0.0, 0.999),
    "resampling": Setting("finetuning", "resample", off=False, on=True),
    "level-1 loss": Setting("finetuning", "level1_loss_weight", 0.0, 0.5),
    "logit adjustment": Setting("finetuning", "logit_adjustment", 0.0, 1.0),
    "contrastive pretraining": Setting("pretraining", "contrastive_weight", 0.0, 1.0),
    "guessed frames": Setting("pretraining", "frame_weight", 0.0, 1.0),
}


def _is_in_default(setting: Setting) -> bool:
    return bool(getattr(getattr(DEFAULT, setting.section), setting.name) != setting.off)


def _name(part: str) -> str:
    """Name the recipe that differs from `default` in this part."""
    return f"without {part}" if _is_in_default(SETTINGS[part]) else f"with {part}"


def _changed(setting: Setting) -> System:
    """Turn a setting off; or on, and in world A alone, where `default` does without it."""
    if _is_in_default(setting):
        return System(amend(DEFAULT, {setting.section: {setting.name: setting.off}}))
    return System(amend(DEFAULT, {setting.section: {setting.name: setting.on}}), worlds="A")


def _part(name: str) -> Part:
    if _is_in_default(SETTINGS[name]):
        return Part("default", _name(name))
    return Part(_name(name), "default", is_in_default=False)


def _without_expert(name: str) -> System:
    others = tuple(expert for expert in EXPERTS.fusion.experts if expert != name)
    return System(amend(EXPERTS, {"fusion": {"experts": others}}))


SYSTEMS: dict[str, System] = {
    "experts": System(EXPERTS, worlds="ABD", num_seeds=NUM_SEEDS),
    "default": System(DEFAULT, worlds="ABD", num_seeds=NUM_SEEDS),
    "default, refit": System(DEFAULT, is_refit=True, worlds="A"),
    "default, five labels": System(DEFAULT, has_few_labels=True, worlds="A", num_seeds=NUM_SEEDS),
    "published": System(amend(preset("published"), _SIZES), worlds="BD", num_seeds=NUM_SEEDS),
    "full": System(FULL, worlds="A", num_seeds=2),
    "experts, not taught": System(amend(EXPERTS, {"fusion": {"rounds": 0}})),
    "experts, taught twice": System(amend(EXPERTS, {"fusion": {"rounds": 2}}), worlds="A"),
    **{f"experts without {name}": _without_expert(name) for name in EXPERTS.fusion.experts},
    "experts, five labels": System(EXPERTS, has_few_labels=True, worlds="A", num_seeds=NUM_SEEDS),
    "two rounds": System(DEFAULT, Schedule(rounds=2), worlds="A"),
    "two seeds, distilled": System(DEFAULT, Schedule(num_seeds=2), worlds="A"),
    "without pretraining": System(DEFAULT, is_pretrained=False),
    "without pretraining, five labels": System(
        DEFAULT, is_pretrained=False, has_few_labels=True, worlds="A"
    ),
    "without experts": System(amend(DEFAULT, {"fusion": {"experts": ()}})),
    **{_name(part): _changed(setting) for part, setting in SETTINGS.items()},
}
PARTS = {
    **{expert: Part("experts", f"experts without {expert}") for expert in EXPERTS.fusion.experts},
    "teaching": Part("experts", "experts, not taught"),
    "second round of teaching": Part(
        "experts, taught twice", "experts", is_in_default=EXPERTS.fusion.rounds > 1
    ),
    "experts": Part("default", "without experts"),
    "cross encoder": Part("default", "experts"),
    "cross encoder, five labels": Part("default, five labels", "experts, five labels"),
    "refit": Part("default, refit", "default"),
    "choice by expected F1": Part("default", f"default, {BY_PROBABILITY}"),
    "second student": Part("two rounds", "default", is_in_default=False),
    "student of two": Part("two seeds, distilled", "default", is_in_default=False),
    "pretraining": Part("default", "without pretraining"),
    "pretraining, five labels": Part("default, five labels", "without pretraining, five labels"),
    **{name: _part(name) for name in SETTINGS},
}
"""What `docs/ablation.md` compares: the parts of `default`, and some that it has not."""
