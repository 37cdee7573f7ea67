"""The model card: what a model is, how good it is and where it fails, written for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from modeling.configuration import ALL_VIEWS
from modeling.evaluation.baselines import PLAIN_NAMES
from modeling.evaluation.judgement import Judgement
from modeling.evaluation.slices import HEAD_FROM, TAIL_BELOW
from modeling.experts.fused_training import TrainedClassifier
from modeling.learning.inputs.origin import Origin
from warehouse.printable import markdown
from warehouse.tables.taxonomy import Taxonomy

_MEASURES = {
    "lv1_f1_micro": "level 1, micro F1",
    "lv1_f1_macro": "level 1, macro F1",
    "lv2_f1_micro": "level 2, micro F1",
    "lv2_f1_macro": "level 2, macro F1",
    "mean_f1": "mean of the four",
    "accuracy": "accuracy",
}
_SLICES = {
    "frames_missing": "clips without a frame",
    "text_missing": "clips without text",
    "both_views": "clips with frames and text",
    "tail": f"the tail: categories with fewer than {TAIL_BELOW} training videos",
    "middle": "the middle: categories in between",
    "head": f"the head: categories with {HEAD_FROM} training videos or more",
    "short_text": "short texts: the shorter half",
    "long_text": "long texts: the longer half",
}
_CALIBRATION = {
    "expected_calibration_error": "expected calibration error, 15 bins",
    "negative_log_likelihood": "negative log likelihood",
    "mean_f1": "mean F1",
}
_MOST_CATEGORIES = 10


def model_card(trained: TrainedClassifier, judgement: Judgement, origin: Origin) -> str:
    """Write a model's README as Markdown.

    Args:
        trained: The model.
        judgement: What is known about it.
        origin: What it was made from.
    """
    measured, taxonomy = judgement.metrics, trained.taxonomy
    verdict = [f"**This model is {judgement.shortfall}.**"] if judgement.shortfall else []
    return "\n\n".join(
        [
            *verdict,
            f"# Video classifier, {len(taxonomy)} categories ({markdown(taxonomy.name)})",
            _purpose(trained),
            "## How good it is",
            _results(measured),
            "## On which videos",
            _slices(measured["slices"]),
            "## On which categories",
            _categories(measured["categories"], taxonomy),
            "## How far its probabilities can be believed",
            _calibration(judgement),
            "## How it was trained",
            _training(trained, measured, origin),
            "## Where to be careful",
            _limits(measured),
            "",
        ]
    )


def _purpose(trained: TrainedClassifier) -> str:
    seen = (
        "the text and the frames"
        if set(trained.views) == set(ALL_VIEWS)
        else f"the {trained.views[0]} alone"
    )
    return (
        f"Predicts the category of a short video from {seen}, as stored by the feature specs in"
        " `frames_spec.json` and `text_spec.json`. It must be given features of these specs. A"
        " view that is missing is replaced by what the model learned for that case."
    )


def _results(measured: Mapping[str, Any]) -> str:
    compared = {
        "this model": {"scores": measured["validation"], "intervals": measured["intervals"]}
    }
    compared |= {PLAIN_NAMES[name]: baseline for name, baseline in measured["baselines"].items()}
    rows = [
        [
            label,
            *(
                _with_interval(each["scores"][name], each["intervals"][name])
                for each in compared.values()
            ),
        ]
        for name, label in _MEASURES.items()
    ]
    told = (
        f"On {measured['num_validation_examples']} validation videos, which it never learned from,"
        " with 95% intervals over the choice of videos. The baselines learned from the same"
        " training videos, at most 20,000 of them; the last row says how much better the model is,"
        " on the same choices of videos."
    )
    gains = [
        _with_interval(baseline["gains"]["mean_f1"], baseline["gain_intervals"]["mean_f1"])
        for baseline in measured["baselines"].values()
    ]
    rows.append(["mean of the four, this model's minus the baseline's", "", *gains])
    return told + "\n\n" + _table(["", *compared], rows)


def _slices(sliced: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [
            label,
            str(measures["count"]),
            _with_interval(measures["mean_f1"], measures["mean_f1_interval"]),
            _figure(measures["accuracy"]),
        ]
        for label, measures in ((label, sliced[name]) for name, label in _SLICES.items())
        if measures["count"]
    ]
    empty = [label for name, label in _SLICES.items() if not sliced[name]["count"]]
    table = _table(["validation videos", "count", "mean F1 (95% interval)", "accuracy"], rows)
    return table + (f"\n\nValidation has none of these: {'; '.join(empty)}." if empty else "")


def _categories(scores: Sequence[Mapping[str, Any]], taxonomy: Taxonomy) -> str:
    shown = [score for score in scores if score["num_true"]]
    half = min(_MOST_CATEGORIES, len(shown) // 2)
    best = sorted(
        (score for score in shown if score["f1"]),
        key=lambda score: (-score["f1"], -score["num_true"]),
    )[:half]
    heads = ["", "category", "F1", "precision", "recall", "validation videos", "training videos"]
    named = {
        category.category_id: f"{category.category_id} {category.name}".strip()
        for category in taxonomy.categories
    }
    rows = [
        [
            side,
            named[score["category_id"]],
            *(_figure(score[name]) for name in ("f1", "precision", "recall")),
            *(str(score[name]) for name in ("num_true", "num_training")),
        ]
        for side, part in (("worst", shown[:half]), ("best", best))
        for score in part
    ]
    told = (
        f"The {half} worst and the {len(best)} best of the {len(shown)} categories that validation"
        " shows"
    )
    return f"{told}; `metrics.json` has them all.\n\n{_table(heads, rows)}"


def _calibration(judgement: Judgement) -> str:
    fitted = judgement.calibration
    measures = judgement.metrics["calibration"]
    tail = (
        f"the logits are lowered by {fitted.tail_exponent:g} times the logarithm of the category's"
        " share in training, which raises rare categories"
        if fitted.tail_exponent
        else "the logits are not shifted towards rare categories"
    )
    rows = [
        [label, f"{measures[name]['before']:.4f}", f"{measures[name]['after']:.4f}"]
        for name, label in _CALIBRATION.items()
    ]
    told = (
        f"Before the softmax {tail}, and then divided by the temperature {fitted.temperature:.3f},"
        " as fitted on the validation videos. In the table, and in all figures above, each fifth"
        " of them is judged by a fit on the other four"
        f" fifths.\n\n{_table(['', 'as trained', 'calibrated'], rows)}"
    )
    return told + (f"\n\n{_choice(judgement.metrics)}" if judgement.decoding else "")


def _choice(measured: Mapping[str, Any]) -> str:
    return (
        "The category of a prediction is the one that is expected to add most to the mean F1 of"
        " both levels, which is not always the most probable one. On the validation videos it"
        f" gives a mean F1 of {measured['validation']['mean_f1']:.4f}, and the most probable one,"
        f" of which the table tells, {measured['calibration']['mean_f1']['after']:.4f}. How it is"
        " chosen was fitted without any label."
    )


def _training(
    trained: TrainedClassifier,
    measured: Mapping[str, Any],
    origin: Origin,
) -> str:
    told = (
        f"Recipe `{trained.recipe.name}`, trained on {measured['num_training_examples']} labelled"
        f" videos of snapshot `{origin.snapshot_id[:16]}`, seed {trained.seed}."
    )
    if origin.held_out_twin is not None:
        told += (
            f" That was its twin `{origin.held_out_twin[:16]}`, of which all figures here tell."
            " This model learned from the validation videos too, by all that they had chosen for"
            " the twin."
        )
    if origin.teachers:
        named = _named(origin.teachers)
        told += f" It learned from what {named} predicted for unlabelled videos too."
    if trained.scorer.fusion is not None:
        told += f" {_fusion(trained)}"
    if trained.scorer.network is not None:
        told += f" {_network(trained)}"
    return (
        f"{told} `config.json` has every setting, `history.json` the learning curves,"
        " `statistics.json` what the training videos look like."
        + (f"\n\n{_steps(trained)}" if trained.steps else "")
    )


def _fusion(trained: TrainedClassifier) -> str:
    scorer = trained.scorer
    weights = [] if scorer.fusion is None else scorer.fusion.weights.tolist()
    weighed = ", ".join(
        f"{name.replace('_', ' ')} {weight:.2f}"
        for name, weight in zip((*scorer.members, "prior"), weights, strict=True)
    )
    return f"The log-probabilities of its parts are added with these weights: {weighed}."


def _network(trained: TrainedClassifier) -> str:
    finetuning, model = trained.recipe.finetuning, trained.recipe.model
    history = trained.history["finetuning"]
    phases = "pretrained on text and frames, then " if "pretraining" in trained.history else ""
    early = (
        f" until step {history['stopped_step']}, no longer getting better,"
        if history["stopped_step"]
        else ""
    )
    weights = "average over steps" if finetuning.ema_decay else "ones"
    return (
        f"The cross encoder was {phases}trained for {finetuning.epochs} epochs{early} in"
        f" batches of {finetuning.batch_size} at learning rate {finetuning.learning_rate:g}."
        f" Layers of width {model.width}: {model.num_language_layers} language,"
        f" {model.num_cross_layers} cross-modality. The weights are the {weights} that did best on"
        f" validation (step {history['best_step']})."
    )


def _steps(trained: TrainedClassifier) -> str:
    rows = [
        [
            step.name.replace("_", " "),
            f"{step.loss_before:.4f}",
            f"{step.loss_after:.4f}",
            "yes" if step.is_kept else "no",
        ]
        for step in trained.steps
    ]
    told = (
        "Each step was kept if it did not raise the negative log likelihood of the validation"
        " videos, with weights fitted on the other four fifths of them."
    )
    return f"{told}\n\n{_table(['step', 'before', 'after', 'kept'], rows)}"


def _limits(measured: Mapping[str, Any]) -> str:
    unseen = measured["categories_without_training_examples"]
    lines = [
        (
            "- The best weights were chosen on the same validation videos, so the figures above are"
            " a little kind."
        ),
        "- The calibration was fitted on the same validation videos.",
        (
            "- It suits videos with the mix of categories that validation has; another mix needs"
            " another fit."
        ),
    ]
    no_worse = [
        PLAIN_NAMES[name]
        for name, baseline in measured["baselines"].items()
        if baseline["gains"]["mean_f1"] <= 0
    ]
    if no_worse:
        lines.append(f"- A baseline has at least its mean F1: {'; '.join(no_worse)}.")
    if measured["calibration"]["mean_f1"]["after"] < measured["calibration"]["mean_f1"]["before"]:
        lines.append(
            "- On validation videos that it was not fitted on, the shift towards rare categories"
            " costs mean F1."
        )
    if unseen:
        lines.append(
            "- It never predicts these categories, which no training video shows:"
            f" {', '.join(map(markdown, unseen))}."
        )
    return "\n".join(lines)


def _named(ids: Sequence[str]) -> str:
    return ", ".join(f"`{each[:16]}`" for each in ids)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _with_interval(value: float, interval: Sequence[float]) -> str:
    return f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [list(map(markdown, row)) for row in (heads, *rows)]
    return "\n".join(
        f"| {' | '.join(row)} |" for row in (cells[0], ["---"] * len(heads), *cells[1:])
    )
