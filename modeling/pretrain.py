"""The operation: stored features become a pretrained cross encoder, labels unseen."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from modeling.configuration import AsOf, Recipe, Seed
from modeling.learning import pretraining
from modeling.learning.inputs.requirements import check_pretraining
from modeling.learning.inputs.training_set import pin_training_set
from modeling.learning.start import Start
from modeling.learning.training_runtime import Runtime
from modeling.models import model_publishing
from modeling.models.stored_model import MODELS
from modeling.network.language_model import check_language_model
from warehouse import commits
from warehouse.clock import running_from
from warehouse.commits import Address
from warehouse.reporting import SILENT, Reporter
from warehouse.store import Store


class PretrainParameters(BaseModel):
    """What is pretrained on, and from which chance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: Seed = 0
    as_of: AsOf = None


class EncoderReport(BaseModel):
    """What came of a pretraining."""

    model: str
    """The encoder's commit."""
    examples: int
    snapshot: str
    """The commit of what it learned from."""


def pretrain_encoder(
    store: Store,
    recipe: Recipe,
    parameters: PretrainParameters,
    now: datetime,
    *,
    language_model: Path | None = None,
    num_devices: int = 1,
    reporter: Reporter = SILENT,
) -> EncoderReport:
    """Pretrain on the stored features of the unlabeled and labeled partitions.

    Args:
        store: Where the features are and the encoder goes.
        recipe: Sizes and settings.
        parameters: What is pretrained on.
        now: The moment, in UTC.
        language_model: Folder of a BERT that the language encoder starts from; None for chance.
        num_devices: GPUs that train together, or processes where there is no GPU.
        reporter: Is told of the steps.

    Raises:
        Invalid: There is nothing to learn from, or the recipe does not fit it; nothing was written.
    """
    clock = running_from(now)
    pinned = pin_training_set(store, ("unlabeled", "labeled"), now, as_of=parameters.as_of)
    check_pretraining(pinned.examples, recipe)
    if language_model is not None:
        check_language_model(language_model, recipe.model, pinned.vocabulary)
    training_set = pinned.publish(clock())
    checkpoints = training_set.checkpoints(
        "pretraining", parameters.seed, recipe, str(language_model)
    )
    start = Start(parameters.seed, language_model=language_model)
    with commits.in_the_making(store, Address(MODELS), "pretrain-encoder", clock()):
        with reporter.progress("pretrain") as show:
            runtime = Runtime(
                checkpoints,
                lambda progress: show(progress.step, progress.num_steps, progress.note),
                num_devices=num_devices,
            )
            pretrained = pretraining.pretrain(
                training_set.examples, training_set.vocabulary, recipe, start, runtime
            )
        commit = model_publishing.publish_encoder(store, pretrained, training_set.origin, clock())
        checkpoints.clear()
    report = EncoderReport(
        model=commit.id,
        examples=len(training_set.examples),
        snapshot=training_set.origin.snapshot_id,
    )
    reporter.summarize(
        [f"encoder {commit.id[:16]} from {report.examples} examples"], [report.model_dump()]
    )
    return report
