import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ALL_VIEWS, Recipe, Views, amend
from modeling.evaluation.judgement import judge
from modeling.experts.fused_training import TrainedClassifier
from modeling.learning import finetuning, inference
from modeling.learning.checkpoint import Checkpoints
from modeling.learning.finetuning import TrainedModel, train
from modeling.learning.inference import predict_logits
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.pretraining import pretrain
from modeling.learning.start import PretrainedModel, Start
from modeling.learning.training_runtime import Progress, Runtime
from warehouse.errors import Invalid
from warehouse.tables.taxonomy import Taxonomy

Train = Callable[..., TrainedModel]
DROPOUTS: dict[str, object] = {"word_dropout": 0.2, "frame_dropout": 0.2}
LOSSES: dict[str, object] = {"level1_loss_weight": 0.5, "logit_adjustment": 1.0}


class Killed(BaseException):
    pass


@pytest.fixture
def fit(taxonomy: Taxonomy, recipe: Recipe, vocabulary: Vocabulary) -> Train:
    def fit(
        examples: Any,
        changes: dict[str, object] | None = None,
        *,
        views: Views = ALL_VIEWS,
        encoder: PretrainedModel | None = None,
        model: dict[str, object] | None = None,
        **runtime: Any,
    ) -> TrainedModel:
        return train(
            TrainingInputs(examples, vocabulary, taxonomy, views),
            amend(recipe, {"finetuning": changes or {}, "model": model or {}}),
            Start(seed=1, encoder=encoder),
            Runtime(**runtime),
        )

    return fit


@pytest.fixture(scope="module")
def pretrained(
    make_examples: Callable[..., Any], recipe: Recipe, vocabulary: Vocabulary
) -> PretrainedModel:
    examples = make_examples(80, missing_text=(1, 6), missing_frames=(2, 6))
    return pretrain(examples, vocabulary, recipe, Start(seed=0))


def _kill_at(step: int) -> Callable[[Progress], None]:
    def report(news: Progress) -> None:
        if news.step == step:
            raise Killed

    return report


def test_both_views_together_know_what_neither_does(
    make_examples: Callable[..., Any], fit: Train
) -> None:
    examples = make_examples(160)
    scores = {
        views: (
            judge(
                TrainedClassifier.of_network(
                    fit(examples, {"epochs": 10, "adversary": "none"}, views=views)
                ),
                examples,
            ).metrics["validation"]
        )
        for views in (("frames", "text"), ("text",), ("frames",))
    }
    assert scores["frames", "text"]["mean_f1"] > 0.9
    assert scores["text",]["lv1_f1_micro"] > 0.9
    assert scores["text",]["lv2_f1_micro"] < 0.75
    assert scores["frames",]["lv1_f1_micro"] < 0.75


def test_a_view_left_out_is_never_seen(make_examples: Callable[..., Any], fit: Train) -> None:
    changed = make_examples(60)
    changed.embeddings[:] = 5
    changed.pts_seconds[:] = 1
    first, second = (fit(examples, views=("text",)) for examples in (make_examples(60), changed))
    assert first.history == second.history
    assert all(
        torch.equal(one, two)
        for one, two in zip(first.model.parameters(), second.model.parameters(), strict=True)
    )


def test_the_same_seed_gives_the_same_model(make_examples: Callable[..., Any], fit: Train) -> None:
    first, second = (fit(make_examples(60)) for _ in range(2))
    assert first.history == second.history
    assert all(
        torch.equal(weight, second.model.state_dict()[name])
        for name, weight in first.model.state_dict().items()
    )


def test_labels_of_validation_examples_do_not_reach_the_training(
    make_examples: Callable[..., Any], fit: Train
) -> None:
    changed = make_examples(60)
    changed.labels[changed.is_validation] = changed.labels[changed.is_validation][::-1]
    first, second = (fit(examples, {"epochs": 1}) for examples in (make_examples(60), changed))
    assert first.history["finetuning"]["steps"] == second.history["finetuning"]["steps"]
    assert first.history["finetuning"]["evaluations"] != second.history["finetuning"]["evaluations"]


@pytest.mark.parametrize("adversary", ["none", "fgm", "pgd"])
def test_each_adversary_trains_its_own_way(
    make_examples: Callable[..., Any], fit: Train, adversary: str
) -> None:
    examples = make_examples(60)
    changed = fit(examples, {"epochs": 1, "adversary": adversary}).history["finetuning"]["steps"]
    plain = fit(examples, {"epochs": 1, "adversary": "none"}).history["finetuning"]["steps"]
    assert changed[0]["loss"] == plain[0]["loss"]
    assert (changed[-1]["loss"] == plain[-1]["loss"]) == (adversary == "none")


@pytest.mark.parametrize(
    ("changes", "model"),
    [
        ({}, {}),
        (DROPOUTS, {"whole_word_rows": 64}),
        (DROPOUTS | {"adversary": "none"}, {}),
        (LOSSES, {}),
    ],
    ids=["plain", "whole words and dropouts", "dropouts without an adversary", "losses"],
)
def test_a_killed_training_resumes_to_the_same_model(
    make_examples: Callable[..., Any],
    fit: Train,
    tmp_path: Path,
    changes: dict[str, object],
    model: dict[str, object],
) -> None:
    examples, checkpoints = (
        make_examples(60, missing_text=(3,)),
        Checkpoints(tmp_path / "run", every_steps=4),
    )
    whole = fit(examples, changes, model=model)
    with pytest.raises(Killed):
        fit(examples, changes, model=model, checkpoints=checkpoints, report=_kill_at(7))
    resumed = fit(examples, changes, model=model, checkpoints=checkpoints)
    assert resumed.history == whole.history
    weights = whole.model.state_dict()
    assert all(
        torch.equal(weight, weights[name]) for name, weight in resumed.model.state_dict().items()
    )


@pytest.mark.parametrize("more", [{}, {"contrastive_weight": 1.0, "frame_weight": 0.5}])
def test_a_killed_pretraining_resumes_to_the_same_encoder(
    make_examples: Callable[..., Any],
    recipe: Recipe,
    vocabulary: Vocabulary,
    tmp_path: Path,
    more: dict[str, object],
) -> None:
    recipe = amend(recipe, {"pretraining": more})
    examples, checkpoints = make_examples(60), Checkpoints(tmp_path / "run", every_steps=2)
    whole = pretrain(examples, vocabulary, recipe, Start(seed=3))
    with pytest.raises(Killed):
        pretrain(
            examples, vocabulary, recipe, Start(seed=3), Runtime(checkpoints, report=_kill_at(5))
        )
    resumed = pretrain(examples, vocabulary, recipe, Start(seed=3), Runtime(checkpoints))
    assert resumed.history == whole.history
    assert all(torch.equal(weight, whole.weights[name]) for name, weight in resumed.weights.items())


def test_pretraining_learns_words_and_says_so(
    make_examples: Callable[..., Any], recipe: Recipe, vocabulary: Vocabulary
) -> None:
    longer = amend(recipe, {"pretraining": {"epochs": 6}})
    history = pretrain(make_examples(200), vocabulary, longer, Start(seed=0)).history
    losses = [evaluation["language_loss"] for evaluation in history["evaluations"]]
    assert losses[-1] < losses[0] - 0.1
    assert history["best_step"] > 0


def test_pretraining_learns_which_text_and_frames_belong_together(
    make_examples: Callable[..., Any], recipe: Recipe, vocabulary: Vocabulary
) -> None:
    examples = make_examples(200)
    examples.embeddings[examples.labels >= 2] += 1  # the topic, which the words tell
    changed = amend(recipe, {"pretraining": {"epochs": 10, "contrastive_weight": 1.0}})
    history = pretrain(examples, vocabulary, changed, Start(seed=0)).history
    losses = [evaluation["contrastive_loss"] for evaluation in history["evaluations"]]
    assert losses[-1] < losses[0] - 0.2
    for evaluation in history["evaluations"]:
        parts = {name: evaluation[name] for name in ("language_loss", "matching_loss")}
        total = parts["language_loss"] + 0.3 * parts["matching_loss"]
        assert evaluation["loss"] == pytest.approx(total + evaluation["contrastive_loss"], abs=1e-5)


def test_a_classifier_starts_from_the_pretrained_encoder(
    make_examples: Callable[..., Any], fit: Train, pretrained: PretrainedModel
) -> None:
    standing_still = {"epochs": 1, "learning_rate": 1e-12, "ema_decay": 0.0}
    trained = fit(make_examples(60), standing_still, encoder=pretrained)
    for name, weight in trained.model.encoder.state_dict().items():
        torch.testing.assert_close(weight, pretrained.weights[f"encoder.{name}"], atol=1e-8, rtol=0)
    assert trained.history["pretraining"] == pretrained.history


def test_a_classifier_with_whole_words_starts_from_an_encoder_without_them(
    make_examples: Callable[..., Any], fit: Train, pretrained: PretrainedModel
) -> None:
    standing_still = {"epochs": 1, "learning_rate": 1e-12, "ema_decay": 0.0}
    model = {"whole_word_rows": 64}
    trained = fit(make_examples(60), standing_still, encoder=pretrained, model=model)
    words = trained.model.encoder.state_dict()
    torch.testing.assert_close(words.pop("whole_words"), torch.zeros(64, 16), atol=1e-8, rtol=0)
    for name, weight in words.items():
        torch.testing.assert_close(weight, pretrained.weights[f"encoder.{name}"], atol=1e-8, rtol=0)


def test_an_encoder_of_another_vocabulary_or_width_is_refused(
    make_examples: Callable[..., Any],
    taxonomy: Taxonomy,
    recipe: Recipe,
    pretrained: PretrainedModel,
) -> None:
    other = Vocabulary(pretrained.vocabulary.payload + b"\nmore")
    wider = make_examples(60, embedding_dim=7)
    start = Start(seed=0, encoder=pretrained)
    with pytest.raises(Invalid, match="another vocabulary"):
        train(TrainingInputs(make_examples(60), other, taxonomy), recipe, start)
    with pytest.raises(Invalid, match="width 6, but these are 7 wide"):
        train(TrainingInputs(wider, pretrained.vocabulary, taxonomy), recipe, start)


def test_bad_examples_are_refused_before_any_work(
    make_examples: Callable[..., Any], fit: Train
) -> None:
    examples = make_examples(60)
    examples.labels[:] = -1
    with pytest.raises(Invalid, match="no example is labelled"):
        fit(examples, report=_kill_at(1))


def test_history_is_plain_json(make_examples: Callable[..., Any], fit: Train) -> None:
    trained = fit(make_examples(60))
    assert json.loads(json.dumps(trained.history)) == trained.history


def test_examples_that_lack_views_train_too(make_examples: Callable[..., Any], fit: Train) -> None:
    untouched = fit(make_examples(60)).model.encoder
    learned = fit(
        make_examples(
            60, missing_text=tuple(range(0, 60, 5)), missing_frames=tuple(range(0, 60, 4))
        )
    )
    for name in ("missing_text", "missing_frames"):
        start, end = getattr(untouched, name), getattr(learned.model.encoder, name)
        assert end.isfinite().all()
        assert (end - start).abs().max() > 1e-4, name


def test_bfloat16_keeps_weights_and_logits_in_float32(
    make_examples: Callable[..., Any], fit: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples, cpu = make_examples(60), torch.device("cpu")
    plain = fit(examples)
    plain_logits = predict_logits(plain.model, examples, np.arange(60), batch_size=8, device=cpu)
    for module in (finetuning, inference):
        monkeypatch.setattr(
            module, "autocast", lambda device: torch.autocast(device.type, torch.bfloat16)
        )
    half = fit(examples)
    assert {parameter.dtype for parameter in half.model.parameters()} == {torch.float32}
    assert half.history != plain.history
    logits = predict_logits(plain.model, examples, np.arange(60), batch_size=8, device=cpu)
    assert logits.dtype == np.float32
    assert not np.array_equal(logits, plain_logits)
    np.testing.assert_allclose(logits, plain_logits, atol=0.05)


@pytest.mark.parametrize("name", DROPOUTS | LOSSES)
def test_each_dropout_and_each_change_of_the_loss_is_of_training_alone(
    make_examples: Callable[..., Any], fit: Train, name: str
) -> None:
    examples = make_examples(60)
    plain, changed = (
        fit(examples, {"epochs": 1, "learning_rate": 1e-12, name: share}).history["finetuning"]
        for share in (0.0, 0.5)
    )
    assert changed["steps"][-1]["loss"] != plain["steps"][-1]["loss"]
    assert changed["evaluations"] == plain["evaluations"]


def test_whole_words_are_learned_where_texts_are_missing_too(
    make_examples: Callable[..., Any], fit: Train
) -> None:
    examples = make_examples(60, missing_text=tuple(range(0, 60, 5)))
    trained = fit(examples, DROPOUTS, model={"whole_word_rows": 64})
    table = trained.model.encoder.whole_words
    assert table is not None
    assert table.isfinite().all()
    assert table.abs().amax(dim=1).max() > 1e-3


def test_resampling_makes_an_epoch_longer(make_examples: Callable[..., Any], fit: Train) -> None:
    reached: list[Progress] = []
    fit(make_examples(60), {"epochs": 1, "resample": True}, report=reached.append)
    assert reached[-1].num_steps == -(-45 * 5 // 8)
