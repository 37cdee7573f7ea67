"""When a retraining pretrains, and what it makes of the challenger."""

from datetime import timedelta
from pathlib import Path

import pytest

from flows.operations.retraining import RetrainReport, pretraining_is_due
from modeling.configuration import amend, preset
from modeling.models import registry, stored_decisions
from modeling.pretrain import PretrainParameters, pretrain_encoder
from tests.drawn_features import NOW, DrawnFeatures, DrawnVideo
from tests.operations import run_flow
from warehouse import commits
from warehouse.store import Store

RECIPE = amend(
    preset("demo"),
    {
        "model": {"width": 16, "num_heads": 2, "feed_forward_width": 32},
        "pretraining": {"epochs": 1, "batch_size": 8},
    },
)


def _videos(name: str, num_videos: int, first: int = 0) -> list[DrawnVideo]:
    numbers = range(first, first + num_videos)
    return [DrawnVideo(f"{name}{number:04d}", number % 3) for number in numbers]


def test_pretraining_is_due_where_unlabelled_contents_grew_by_a_fifth(store: Store) -> None:
    drawn = DrawnFeatures(store)
    drawn.publish("labeled", "labeled", _videos("labelled", 45))
    drawn.publish("old", "unlabeled", _videos("old", 20))
    assert not pretraining_is_due(store, RECIPE, 0.2), "nobody has pretrained before"
    pretrain_encoder(store, RECIPE, PretrainParameters(), NOW)
    assert not pretraining_is_due(store, RECIPE, 0.2)
    assert not pretraining_is_due(store, RECIPE, 0.0)

    copies = [DrawnVideo(f"copy{number}", 0, content="old0000") for number in range(20)]
    drawn.publish("copies", "unlabeled", copies)
    drawn.publish("more", "labeled", _videos("more", 45))
    drawn.publish("scored", "score", _videos("scored", 20))
    assert not pretraining_is_due(store, RECIPE, 0.0), "no content is new and unlabelled"
    drawn.publish("new", "unlabeled", _videos("new", 3))
    assert not pretraining_is_due(store, RECIPE, 0.2)
    assert pretraining_is_due(store, RECIPE, 0.15)
    drawn.publish("newer", "unlabeled", _videos("newer", 1))
    assert pretraining_is_due(store, RECIPE, 0.2)

    assert not pretraining_is_due(store, preset("experts"), 0.2), "it has no cross encoder"
    other_sizes = amend(RECIPE, {"model": {"width": 32}})
    assert pretraining_is_due(store, other_sizes, 100.0)


@pytest.fixture
def retrain_twice(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RetrainReport:
    settings = f'root = "{store.root}"\npreset = "experts"\n'
    (tmp_path / "reelstore.toml").write_text(settings)
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))
    DrawnFeatures(store).publish("labeled", "labeled", _videos("labelled", 90))
    first, second = run_flow("retrain"), run_flow("retrain")
    assert first == second
    assert isinstance(first, RetrainReport)
    return first


def test_a_retraining_lets_the_gate_judge_what_it_has_trained(
    store: Store, retrain_twice: RetrainReport, capsys: pytest.CaptureFixture[str]
) -> None:
    promotion = retrain_twice.promotion
    assert promotion is not None
    assert (promotion.outcome, promotion.is_promotion) == ("cannot_tell", False)
    assert promotion.challenger == retrain_twice.model
    (kept,) = stored_decisions.decisions(store)
    assert kept.commit.id == promotion.decision
    assert registry.is_provisional(store)

    registry.promote(store, retrain_twice.model, NOW + timedelta(days=1))
    again = run_flow("retrain")
    assert (again.model, again.promotion) == (retrain_twice.model, None)
    assert "is the champion already: nothing has changed" in capsys.readouterr().err
    assert commits.alias(store, "champion") == retrain_twice.model
