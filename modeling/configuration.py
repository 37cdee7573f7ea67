"""Sizes of the model and settings of its two training phases, with named presets."""

import operator
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from warehouse.clock import ZonedMoment
from warehouse.errors import Invalid
from warehouse.identifiers import name_right_ones, shown

View = Literal["frames", "text"]
Views = tuple[View, ...]
ALL_VIEWS: Views = ("frames", "text")
Seed = Annotated[
    int, Field(ge=0, description="Decides initial weights, masking and the order of examples.")
]
AsOf = Annotated[
    ZonedMoment | None,
    Field(
        description=(
            "Learn from what was committed by this moment, ISO 8601 with a time zone; by default"
            " now."
        )
    ),
]


_LEFT_OUT_AT_ZERO = operator.not_
"""Of settings that are newer than stored models, whose JSON, and so their ids, stay as they are."""


class _Configuration(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelConfig(_Configuration):
    """Sizes of the cross encoder.

    The defaults are BERT base with LXMERT's five cross-modality layers.
    """

    width: int = Field(768, ge=1)
    """The numbers in the vector of a token or of a frame."""
    num_heads: int = Field(12, ge=1)
    """The heads of each attention; they divide the width."""
    num_language_layers: int = Field(12, ge=0)
    """The layers that read the text alone."""
    num_cross_layers: int = Field(5, ge=1)
    """The layers in which text and frames read each other."""
    feed_forward_width: int = Field(3072, ge=1)
    """The width between the two products of a feed-forward block."""
    max_positions: int = Field(512, ge=1)
    """The longest text, in tokens."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """The share of hidden values that training sets to zero."""
    attention_dropout: float = Field(0.1, ge=0, lt=1)
    """The share of attention probabilities that training sets to zero; 0 lets a CPU use its fast
    attention in training too."""
    temporal_position: bool = True
    """Whether the model is told when each frame was shown."""
    whole_word_rows: int = Field(0, ge=0, exclude_if=_LEFT_OUT_AT_ZERO)
    """The rows of a table that adds to each token what is learned of its word; words share rows by
    a hash. 0 adds nothing."""
    reads: Literal["pooled", "pooled_and_means"] = "pooled"
    """What the classifier reads: the pooled output, or also the means of both streams."""

    def encoder_sizes(self) -> dict[str, object]:
        """All that two models share when the encoder of one fits into the other."""
        others = {"reads", "dropout", "attention_dropout", "whole_word_rows"}
        return {name: value for name, value in self if name not in others}

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % self.num_heads:
            raise ValueError(
                f"width {self.width} is not divisible by num_heads {self.num_heads}; choose a"
                " multiple"
            )
        return self


class TrainingConfig(_Configuration):
    """What both phases share."""

    batch_size: int = Field(ge=2)
    """The examples of one step."""
    learning_rate: float = Field(gt=0)
    """The peak, reached after the warm-up."""
    epochs: int = Field(5, ge=1)
    """How often training goes through all examples."""
    warmup_fraction: float = Field(0.1, ge=0, lt=1)
    """The share of all steps in which the learning rate rises; then it falls linearly to zero."""
    weight_decay: float = Field(0.01, ge=0)
    """How strongly AdamW pulls weights to zero."""
    max_gradient_norm: float = Field(1.0, gt=0)
    """Longer gradients are cut to this norm."""
    ema_decay: float = Field(0.0, ge=0, lt=1)
    """The decay of the averaged weights, which are evaluated and kept; 0 keeps the last step's."""
    gradient_accumulation_steps: int = Field(1, ge=1)
    """The parts of a batch that pass through the model one after another, so that less memory is
    needed."""
    early_stopping_patience: int | None = Field(None, ge=1)
    """The evaluations without a better score after which training ends; by default it goes on to
    the last epoch."""

    @model_validator(mode="after")
    def _parts_are_not_empty(self) -> Self:
        if self.batch_size < self.gradient_accumulation_steps:
            raise ValueError(
                f"batch_size {self.batch_size} is less than gradient_accumulation_steps "
                f"{self.gradient_accumulation_steps}; lower the latter"
            )
        return self


class PretrainingConfig(TrainingConfig):
    """Masked language model and image-text matching, contrastive alignment and hidden frames."""

    batch_size: int = Field(50, ge=2)
    """The examples of one step."""
    learning_rate: float = Field(5e-5, gt=0)
    """The peak, reached after the warm-up."""
    mask_unit: Literal["token", "word"] = "token"
    """Whether single tokens or whole words are hidden."""
    mask_probability: float = Field(0.15, gt=0, lt=1)
    """The share of tokens that are hidden."""
    matching_weight: float = Field(0.3, ge=0)
    """The weight of the matching loss; that of the hidden words has weight 1."""
    contrastive_weight: float = Field(0.0, ge=0, exclude_if=_LEFT_OUT_AT_ZERO)
    """The weight of the loss that asks for the frames of each text, and for the text of all frames,
    among those of the batch."""
    frame_weight: float = Field(0.0, ge=0, exclude_if=_LEFT_OUT_AT_ZERO)
    """The weight of the loss of hidden frames, as large a share as of tokens; 0 hides none."""


class FinetuningConfig(TrainingConfig):
    """Classification, with the tricks of the published solution."""

    batch_size: int = Field(26, ge=2)
    """The examples of one step."""
    learning_rate: float = Field(4e-5, gt=0)
    """The peak, reached after the warm-up."""
    ema_decay: float = Field(0.999, ge=0, lt=1)
    """The decay of the averaged weights, which are evaluated and kept; 0 keeps the last step's."""
    adversary: Literal["none", "fgm", "pgd"] = "fgm"
    """How the word embeddings are disturbed in training."""
    adversary_epsilon: float = Field(1.0, gt=0)
    """How far the word embeddings are moved, in the norm of the whole weight; narrow models need
    less."""
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    """The share of a label's probability that is spread over all categories."""
    resample: bool = True
    """Whether examples of rare categories are repeated."""
    repeats: tuple[tuple[PositiveInt, PositiveInt], ...] = ((100, 5), (500, 3), (1000, 2))
    """A category with fewer training examples than the first number is repeated as often as the
    second."""
    classifier_dropout: float = Field(0.2, ge=0, lt=1)
    """The share of the classifier's inputs that training sets to zero."""
    word_dropout: float = Field(0.0, ge=0, lt=1, exclude_if=_LEFT_OUT_AT_ZERO)
    """The share of words that training hides behind the mask token."""
    frame_dropout: float = Field(0.0, ge=0, lt=1, exclude_if=_LEFT_OUT_AT_ZERO)
    """The share of frames that training hides; one of each clip always stays."""
    level1_loss_weight: float = Field(0.0, ge=0, exclude_if=_LEFT_OUT_AT_ZERO)
    """The weight of a second loss, the cross entropy of level-1 groups, whose probabilities are the
    sums of their categories'; that of the categories has weight 1."""
    logit_adjustment: float = Field(0.0, ge=0, exclude_if=_LEFT_OUT_AT_ZERO)
    """How much of the logarithm of each category's share among the labelled examples of an epoch is
    added to the logits in training alone, which raises rare categories when scoring; 1 is the
    balanced softmax."""
    tail_rescale: bool = False
    """Whether an exponent that raises rare categories is fitted on validation, after training."""
    soft_label_weight: float = Field(1.0, gt=0)
    """The weight of an example that a teacher labelled; a labelled one has weight 1."""


Unit = Literal["words", "characters"]
"""What experts count in a text: words, or characters and pairs of them."""
ExpertName = Literal["text_logistic", "text_bayes", "frames_logistic", "frames_prototypes"]
ALL_EXPERTS: tuple[ExpertName, ...] = (
    "text_logistic",
    "text_bayes",
    "frames_logistic",
    "frames_prototypes",
)


class FusionConfig(_Configuration):
    """Whose log-probabilities are added up, and what the experts teach."""

    experts: tuple[ExpertName, ...] = ()
    """The linear and closed-form classifiers of one view each; by default the cross encoder scores
    alone."""
    cross_encoder: bool = True
    """Whether a cross encoder is trained; with experts it is their student."""
    rounds: int = Field(0, ge=0)
    """How often the experts learn from what they together say of unlabelled examples."""
    unlabelled: int = Field(100_000, ge=0)
    """The unlabelled examples, drawn by chance, that experts teach on at most."""
    exchange_frames: bool = Field(default=False, exclude_if=_LEFT_OUT_AT_ZERO)
    """Whether experts also teach the cross encoder on as many pairs of one unlabelled example's
    text and the frames of another, to which they give the same category."""
    choose_by: Literal["probability", "expected_score"] = Field(
        "probability", exclude_if=lambda choice: choice == "probability"
    )
    """Which category is predicted: the most probable one, or the one that is expected to add most
    to the mean F1 of both levels, which pays for rare categories and likely level-1 groups."""

    @model_validator(mode="after")
    def _somebody_scores(self) -> Self:
        if not (self.experts or self.cross_encoder):
            raise ValueError("nothing would score: name experts, or leave the cross encoder in")
        return self


class Recipe(_Configuration):
    """All that decides how a model is built and trained."""

    name: str
    fusion: FusionConfig = FusionConfig()
    model: ModelConfig = ModelConfig()
    pretraining: PretrainingConfig = PretrainingConfig()
    finetuning: FinetuningConfig = FinetuningConfig()


PRESETS = {
    recipe.name: recipe
    for recipe in (
        Recipe(name="published"),
        Recipe(
            name="multimodal_linear",
            fusion=FusionConfig(experts=("text_logistic", "frames_logistic"), cross_encoder=False),
        ),
        Recipe(
            name="experts",
            fusion=FusionConfig(
                experts=ALL_EXPERTS, cross_encoder=False, rounds=1, choose_by="expected_score"
            ),
        ),
        Recipe(
            name="default",
            fusion=FusionConfig(
                experts=ALL_EXPERTS, rounds=1, exchange_frames=True, choose_by="expected_score"
            ),
            model=ModelConfig(whole_word_rows=32_768, reads="pooled_and_means"),
            pretraining=PretrainingConfig(mask_unit="word"),
            finetuning=FinetuningConfig(
                adversary="none",
                label_smoothing=0.0,
                resample=False,
                word_dropout=0.2,
                frame_dropout=0.2,
            ),
        ),
        Recipe(
            name="demo",
            fusion=FusionConfig(experts=ALL_EXPERTS, rounds=1),
            model=ModelConfig(
                width=64,
                num_heads=4,
                num_language_layers=1,
                num_cross_layers=1,
                feed_forward_width=256,
                attention_dropout=0.0,
                reads="pooled_and_means",
            ),
            pretraining=PretrainingConfig(batch_size=16, learning_rate=1e-3, mask_unit="word"),
            finetuning=FinetuningConfig(batch_size=16, learning_rate=1e-3),
        ),
    )
}


_SECTIONS = ("fusion", "model", "pretraining", "finetuning")


def preset(name: str) -> Recipe:
    """Look a recipe up by name.

    Raises:
        Invalid: There is no such preset.
    """
    if name not in PRESETS:
        raise Invalid(f"preset {name!r} is unknown; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def amend(recipe: Recipe, changes: Mapping[str, Mapping[str, object]]) -> Recipe:
    """Change some settings of a recipe, such as `{"finetuning": {"epochs": 3}}`.

    Raises:
        Invalid: A section or a setting is unknown, or a setting is out of its range.
    """
    settings = recipe.model_dump()
    for section, values in changes.items():
        if section not in _SECTIONS:
            raise Invalid(
                f"recipe has no section {shown(section)}: {name_right_ones(section, _SECTIONS)}"
            )
        known_names = type(getattr(recipe, section)).model_fields
        unknown = sorted(values.keys() - known_names.keys())
        if unknown:
            known = name_right_ones(unknown[0], known_names)
            raise Invalid(f"recipe.{section} has no setting {shown(unknown[0])}: {known}")
        settings[section] |= dict(values)
    try:
        return Recipe.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"recipe {recipe.name}: {place}: {first['msg']}") from error
