"""What a training tells its user: scores of validation, and what to know and to type next."""

from pydantic import BaseModel

from modeling.evaluation.judgement import Judgement
from modeling.models import registry
from warehouse.tables.taxonomy import Taxonomy

_MOST_NAMED = 5


class ClassifierReport(BaseModel):
    """What came of a training; the scores are of the validation examples."""

    model: str
    """The classifier's commit."""
    alias: str | None
    """What names it now; None for a model that is not good."""
    encoder: str | None
    """The commit of the pretrained encoder that it started from."""
    snapshot: str
    """The commit of what it learned from."""
    never_predicted: list[str]
    """Ids of the categories without a labelled training video."""
    lv1_f1_micro: float
    lv1_f1_macro: float
    lv2_f1_micro: float
    lv2_f1_macro: float
    mean_f1: float
    accuracy: float


def remarks(
    report: ClassifierReport, judged: Judgement, taxonomy: Taxonomy, *, is_provisional: bool
) -> list[str]:
    """What a classifier's user should know, and may type.

    Args:
        report: Of the training.
        judged: The classifier.
        taxonomy: Whose categories it predicts.
        is_provisional: Whether the champion is a provisional one.
    """
    return [
        *_on_quality(report, judged),
        *_on_alias(report, is_provisional=is_provisional),
        *_on_unseen_categories(report, taxonomy),
    ]


def _on_quality(report: ClassifierReport, judged: Judgement) -> list[str]:
    model = report.model[:16]
    sentences = []
    if report.alias is None:
        majority = judged.metrics["majority"]["mean_f1"]
        sentences.append(
            f"model {model} is neither champion nor challenger, as its mean F1"
            f" {report.mean_f1:.3f} on validation is not above {majority:.3f}, that of the largest"
            " category alone: label more videos or train longer, or type reelstore promote"
            f" {model} --force --reason TEXT to score with it all the same"
        )
    if judged.shortfall:
        sentences.append(f"model {model} is {judged.shortfall}")
    return sentences


def _on_alias(report: ClassifierReport, *, is_provisional: bool) -> list[str]:
    model = report.model[:16]
    if report.alias == registry.CHAMPION and is_provisional:
        sentence = (
            f"model {model} is the provisional champion, until a later model is better: reelstore"
            " promote champion lets it stay, if the gate finds it good"
        )
        return [sentence]
    if report.alias == registry.CHALLENGER:
        sentence = (
            f"model {model} is the challenger: reelstore promote challenger lets it score, if the"
            " gate finds it better"
        )
        return [sentence]
    return []


def _on_unseen_categories(report: ClassifierReport, taxonomy: Taxonomy) -> list[str]:
    never = report.never_predicted
    if not never:
        return []
    named = ", ".join([*never[:_MOST_NAMED], *(["…"] if len(never) > _MOST_NAMED else [])])
    sentence = (
        f"{len(never)} of {len(taxonomy)} categories have no labelled training video and are"
        f" never predicted ({named}): label some, and train again"
    )
    return [sentence]
