"""The model card: what a model is, how good it is and where it fails, written for people."""

from modeling.configuration import ALL_VIEWS
from modeling.evaluation.judgement import Judgement
from modeling.finetuning import TrainedModel

_NAMES = {
    "lv1_f1_micro": "level 1, micro F1",
    "lv1_f1_macro": "level 1, macro F1",
    "lv2_f1_micro": "level 2, micro F1",
    "lv2_f1_macro": "level 2, macro F1",
    "mean_f1": "mean of the four",
    "accuracy": "accuracy",
}


def model_card(trained: TrainedModel, judgement: Judgement, snapshot_id: str) -> str:
    """Write a model's README as Markdown.

    Args:
        trained: the model.
        judgement: what is known about it.
        snapshot_id: of the examples that it learned from.
    """
    return "\n\n".join(
        [
            f"# Video classifier, {len(trained.taxonomy)} categories ({trained.taxonomy.name})",
            _purpose(trained),
            "## How good it is",
            _results(judgement),
            "## How it was trained",
            _training(trained, judgement, snapshot_id),
            "## Where to be careful",
            _limits(judgement),
            "",
        ]
    )


def _purpose(trained: TrainedModel) -> str:
    seen = "the text and the frames" if trained.views == ALL_VIEWS else f"the {trained.views[0]} alone"
    return (
        f"Predicts the category of a short video from {seen}, as stored by the feature specs in `frames_spec.json` and "
        "`text_spec.json`. It must be given features of these specs. A view that is missing is replaced by what the "
        "model learned for that case."
    )


def _results(judgement: Judgement) -> str:
    scores, bounds, majority = (judgement.metrics[name] for name in ("validation", "intervals", "majority"))
    rows = [
        f"| {label} | {scores[name]:.4f} | {bounds[name][0]:.4f} to {bounds[name][1]:.4f} | {majority[name]:.4f} |"
        for name, label in _NAMES.items()
    ]
    head = ["| | this model | 95% interval | always the largest category |", "|---|---|---|---|"]
    count = judgement.metrics["num_validation_examples"]
    return "\n".join([f"On {count} validation videos, which it never learned from:", "", *head, *rows])


def _training(trained: TrainedModel, judgement: Judgement, snapshot_id: str) -> str:
    phases = "pretrained on text and frames, then trained" if "pretraining" in trained.history else "trained"
    recipe = trained.recipe
    finetuning, model = recipe.finetuning, recipe.model
    return (
        f"Recipe `{recipe.name}`, {phases} on {judgement.metrics['num_training_examples']} labelled videos of snapshot "
        f"`{snapshot_id[:16]}` for {finetuning.epochs} epochs in batches of {finetuning.batch_size} at learning rate "
        f"{finetuning.learning_rate:g}, seed {trained.seed}. {model.num_language_layers} language layers and "
        f"{model.num_cross_layers} cross-modality layers of width {model.width}. The weights are the average over "
        f"steps that did best on validation (step {trained.history['finetuning']['best_step']}). `config.json` has "
        "every setting, `history.json` the learning curves."
    )


def _limits(judgement: Judgement) -> str:
    unseen = judgement.metrics["categories_without_training_examples"]
    lines = [
        "- The best weights were chosen on the same validation videos, so the figures above are a little kind.",
        "- Probabilities are not calibrated: training smooths the labels.",
    ]
    if unseen:
        lines.append(f"- No training video shows these categories: {', '.join(unseen)}.")
    return "\n".join(lines)
