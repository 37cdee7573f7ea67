import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from featurestore.views.text.text_spec import TextSpec
from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe, Views, amend
from modeling.evaluation.judgement import judge
from modeling.experts.fused_training import TrainedClassifier, train
from modeling.learning.inputs.origin import Origin
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.pretraining import pretrain
from modeling.learning.start import PretrainedModel, Start
from modeling.models import model_publishing, registry, stored_model
from modeling.models.registry import Candidate
from modeling.models.scoring import score
from tests.specs import bare_frame_spec
from warehouse.commits import Address, Commit, Draft, Facts, publish_files, verify_commit
from warehouse.errors import Corrupt, Invalid
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy

Publish = Callable[..., Commit]


@pytest.fixture
def origin(store: Store, vocabulary: Vocabulary, now: datetime) -> Origin:
    draft = Draft(facts=Facts(), num_rows=0, move_head=False)
    place = Address("snapshots")
    text = TextSpec(
        dictionary_sha256="1" * 64, terms_sha256="2" * 64, vocabulary_sha256=vocabulary.sha256
    )
    return Origin(
        snapshot_id=publish_files(store, place, {"snapshot.json": b"{}"}, draft, now).id,
        specs={"frames": bare_frame_spec(6), "text": text},
    )


@pytest.fixture(scope="module")
def pretrained(
    make_examples: Callable[..., Any], recipe: Recipe, vocabulary: Vocabulary
) -> PretrainedModel:
    return pretrain(make_examples(40), vocabulary, recipe, Start(seed=0))


@pytest.fixture(scope="module")
def fit(
    make_examples: Callable[..., Any],
    taxonomy: Taxonomy,
    recipe: Recipe,
    vocabulary: Vocabulary,
    pretrained: PretrainedModel,
) -> Callable[..., TrainedClassifier]:
    quick = amend(recipe, {"finetuning": {"epochs": 1, "adversary": "none"}})

    def fit(
        views: Views = ("frames", "text"), seed: int = 0, examples: Any = None
    ) -> TrainedClassifier:
        given = make_examples(40) if examples is None else examples
        inputs = TrainingInputs(given, vocabulary, taxonomy, views)
        return train(inputs, quick, Start(seed, encoder=pretrained))

    return fit


@pytest.fixture(scope="module")
def trained(fit: Callable[..., TrainedClassifier]) -> TrainedClassifier:
    return fit()


@pytest.fixture
def publish(
    store: Store, origin: Origin, now: datetime, make_examples: Callable[..., Any]
) -> Publish:
    def publish(
        trained: TrainedClassifier, *, validation: float = 0.9, examples: Any = None
    ) -> Commit:
        judged = judge(trained, make_examples(40) if examples is None else examples)
        scores = judged.metrics | {
            "validation": judged.metrics["validation"] | {"mean_f1": validation}
        }
        changed = replace(judged, metrics=scores)
        return model_publishing.publish_model(store, trained, changed, origin, now)

    return publish


def test_a_model_is_a_folder_that_tells_all(
    publish: Publish, trained: TrainedClassifier, vocabulary: Vocabulary
) -> None:
    commit = publish(trained)
    verify_commit(commit)
    assert set(commit.files) == {
        "README.md",
        "config.json",
        "frames_spec.json",
        "history.json",
        "metrics.json",
        "model.safetensors",
        "statistics.json",
        "taxonomy.csv",
        "text_spec.json",
        "vocab.txt",
    }
    assert commit.folder.parent.name == "models"
    assert (commit.folder / "vocab.txt").read_bytes() == vocabulary.payload
    assert json.loads((commit.folder / "history.json").read_text()) == trained.history
    card = (commit.folder / "README.md").read_text()
    assert "# Video classifier, 4 categories (toy)" in card
    assert "On 10 validation videos" in card
    assert "| mean of the four | 0.900 (" in card


def test_a_loaded_model_scores_as_the_trained_one(
    publish: Publish, trained: TrainedClassifier, origin: Origin, make_examples: Callable[..., Any]
) -> None:
    loaded = stored_model.load_model(publish(trained))
    assert loaded.taxonomy == trained.taxonomy
    assert loaded.fingerprints == origin.fingerprints
    assert loaded.scorer.network is not None
    assert not loaded.scorer.network.training
    examples = make_examples(20, seed=3)
    again = replace(loaded, scorer=trained.scorer)
    assert pl.concat(score(loaded, examples)).equals(pl.concat(score(again, examples)))


def test_the_same_training_is_the_same_model(
    publish: Publish, fit: Any, trained: TrainedClassifier
) -> None:
    assert publish(fit()).id == publish(trained).id
    assert publish(fit(seed=1)).id != publish(trained).id


def test_specs_and_encoder_come_back(
    store: Store,
    publish: Publish,
    trained: TrainedClassifier,
    pretrained: PretrainedModel,
    origin: Origin,
    now: datetime,
) -> None:
    assert stored_model.load_specs(publish(trained)) == origin.specs
    commit = model_publishing.publish_encoder(store, pretrained, origin, now)
    loaded = stored_model.load_encoder(commit)
    assert replace(loaded, weights={}) == replace(pretrained, weights={})
    assert all(
        (loaded.weights[name] == weight).all() for name, weight in pretrained.weights.items()
    )
    sizes = stored_model.load_encoder(commit).recipe.model
    assert registry.newest_encoder(store, origin.fingerprints, sizes) == commit
    assert registry.newest_encoder(store, origin.fingerprints | {"text": "0" * 64}, sizes) is None
    other_reading = sizes.model_copy(update={"reads": "pooled", "dropout": 0.3})
    assert registry.newest_encoder(store, origin.fingerprints, other_reading, now) == commit
    assert (
        registry.newest_encoder(store, origin.fingerprints, sizes, now - timedelta(seconds=1))
        is None
    )
    wider = sizes.model_copy(update={"feed_forward_width": sizes.feed_forward_width + 1})
    assert registry.newest_encoder(store, origin.fingerprints, wider) is None


@pytest.fixture
def nominate(store: Store, now: datetime) -> Callable[..., tuple[Commit, str] | None]:
    def nominate(*commits: Commit, gain: float | None = None) -> tuple[Commit, str] | None:
        candidates = [
            Candidate(commit, validation_score=-place) for place, commit in enumerate(commits)
        ]
        gain_over = None if gain is None else lambda _new, _champion: gain
        named = registry.nominate(store, candidates, now, gain_over)
        return None if named is None else (named.commit, named.alias)

    return nominate


def test_the_best_good_model_is_provisional_champion_until_a_person_promotes_one(
    store: Store,
    publish: Publish,
    fit: Any,
    trained: TrainedClassifier,
    nominate: Any,
    now: datetime,
) -> None:
    bad = publish(trained, validation=0.0)
    assert nominate(bad) is None
    assert registry.champion(store) is None
    first, second = publish(trained), publish(fit(seed=1))
    assert nominate(bad, first, second) == (first, "champion")
    assert nominate(first) == (first, "champion")
    assert registry.is_provisional(store)
    assert nominate(second) == (second, "challenger")
    assert registry.champion(store) == first
    assert registry.promote(store, "champion", now) == first
    assert not registry.is_provisional(store)
    assert nominate(second, gain=0.5) == (second, "challenger")
    assert registry.promote(store, "challenger", now) == second
    assert registry.champion(store) == second
    assert registry.promote(store, first.id[:12], now) == first


def test_a_provisional_champion_gives_way_to_a_model_that_is_better_for_sure(
    store: Store, publish: Publish, fit: Any, trained: TrainedClassifier, nominate: Any
) -> None:
    first, second = publish(trained), publish(fit(seed=1))
    nominate(first)
    for gain in (-0.01, 0.0, float("nan")):
        assert nominate(second, gain=gain) == (second, "challenger")
        assert registry.champion(store) == first
    assert nominate(second, gain=0.01) == (second, "champion")
    assert registry.champion(store) == second
    assert registry.is_provisional(store)


@pytest.mark.parametrize("view", ["text", "frames"])
def test_a_model_of_one_view_is_nominated_as_any_other(
    publish: Publish, fit: Any, trained: TrainedClassifier, nominate: Any, view: str
) -> None:
    both, first, second = (
        publish(trained),
        publish(fit(views=(view,))),
        publish(fit(views=(view,), seed=1)),
    )
    assert nominate(first) == (first, "champion")
    assert nominate(both) == (both, "challenger")
    assert nominate(second) == (second, "challenger")


def test_a_category_without_a_label_is_named_with_the_model_and_never_predicted(
    publish: Publish, fit: Any, trained: TrainedClassifier, make_examples: Callable[..., Any]
) -> None:
    examples = make_examples(40)
    examples.labels[examples.labels == 2] = -1
    commit = publish(fit(examples=examples), examples=examples)
    config = json.loads((commit.folder / "config.json").read_text())
    assert config["calibration"]["never_predicted"] == [2]
    assert json.loads((commit.folder / "metrics.json").read_text())[
        "categories_without_training_examples"
    ] == ["0100"]
    card = (commit.folder / "README.md").read_text()
    assert "- It never predicts these categories, which no training video shows: 0100." in card
    (block,) = score(stored_model.load_model(commit), examples)
    assert "0100" not in {*block["category_id"], *block["top5_category_ids"].explode()}
    assert block["probabilities"].list.get(2).to_list() == [0.0] * 40
    assert block["probabilities"].list.sum().to_list() == pytest.approx([1.0] * 40, abs=1e-5)
    # Where there is none, a model has the bytes that it always had.
    assert "never_predicted" not in (publish(trained).folder / "config.json").read_text()


def test_what_is_no_classifier_is_refused(
    store: Store, pretrained: PretrainedModel, origin: Origin, now: datetime
) -> None:
    commit = model_publishing.publish_encoder(store, pretrained, origin, now)
    with pytest.raises(Invalid, match="is no classifier"):
        registry.promote(store, commit.id, now)
    with pytest.raises(Invalid, match="is no classifier"):
        stored_model.load_model(commit)
    with pytest.raises(Invalid, match="no champion"):
        registry.require(store, None)
    assert registry.champion(store) is None


def test_damaged_weights_are_never_parsed(publish: Publish, trained: TrainedClassifier) -> None:
    commit = publish(trained)
    path = commit.folder / "model.safetensors"
    payload = bytearray(path.read_bytes())
    payload[9] ^= 1
    path.write_bytes(payload)
    with pytest.raises(Corrupt, match=r"model.safetensors has changed bytes"):
        stored_model.load_model(commit)


def test_looking_a_model_up_imports_no_torch() -> None:
    modules = (
        "modeling.models.registry, modeling.models.stored_model, modeling.models.model_publishing"
    )
    code = (
        f"import {modules}, sys; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
