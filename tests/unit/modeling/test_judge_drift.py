"""Scored days are judged by the days that had no part in the champion's training."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modeling.configuration import preset
from modeling.evaluation.drift.day_description import describe_day
from modeling.evaluation.drift.day_statistics import DayStatistics
from modeling.judge_drift import DriftJudgement, judge_drift, unjudged
from modeling.models import drift_judgements, registry, scored_partitions
from modeling.models.drift_judgements import DriftFacts
from modeling.score import ScoreParameters, score_partitions
from modeling.train import TrainParameters, train_classifier
from tests.drawn_features import NOW, DrawnFeatures, DrawnVideo
from warehouse import commits
from warehouse.errors import Invalid
from warehouse.reporting import SilentReporter
from warehouse.store import Store, open_store

NUM_DAYS = 16
DRIFTED, LAST = "2026-11-17", "2026-11-18"
Judge = Callable[[str], DriftJudgement]


def _name(number: int) -> str:
    return (date(2026, 11, 1) + timedelta(days=number)).isoformat()


def _videos(name: str, num_videos: int, shares: tuple[float, float, float]) -> list[DrawnVideo]:
    generator = np.random.default_rng(int(name[-2:]))
    looks = generator.choice(3, num_videos, p=shares)
    return [DrawnVideo(f"{name}-{place:03d}", int(like)) for place, like in enumerate(looks)]


def _even(number: int) -> list[DrawnVideo]:
    return _videos(_name(number), 40, (0.4, 0.3, 0.3))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnFeatures:
    """A champion, 13 days that it has scored, and none of them judged."""
    features = DrawnFeatures(open_store(tmp_path_factory.mktemp("drift") / "store"))
    labelled = [DrawnVideo(f"a{place:03d}", place % 3) for place in range(90)]
    features.publish("a", "labeled", labelled)
    train_classifier(features.store, preset("multimodal_linear"), TrainParameters(), NOW)
    for number in range(13):
        features.publish(_name(number), "score", _even(number))
    score_partitions(features.store, ScoreParameters(), NOW)
    return features


def _land(drawn: DrawnFeatures, name: str, videos: list[DrawnVideo]) -> None:
    drawn.publish(name, "score", videos)
    score_partitions(drawn.store, ScoreParameters(), NOW)


def _verdicts(store: Store) -> dict[str, str | None]:
    champion = registry.champion(store)
    assert champion is not None
    known = drift_judgements.of_model(store, champion.id)
    return {name: DriftFacts.of(commit).verdict for name, commit in known.items()}


def test_days_are_judged_by_days_without_part_in_training_and_without_alarm(
    drawn: DrawnFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = drawn.store
    # Thirteen other days, once the fourteenth is there.
    _land(drawn, _name(13), _even(13))
    too_few = judge_drift(store, _name(13), NOW)
    assert (too_few.verdict, too_few.unusual) == ("too few days to judge", ())
    assert too_few.days == tuple(_name(number) for number in range(13))
    assert too_few.num_videos == 40
    assert _verdicts(store) == {_name(13): "too few days to judge"}

    for number in (14, 15):
        _land(drawn, _name(number), _even(number))
    usual = judge_drift(store, _name(15), NOW)
    assert (usual.verdict, usual.unusual) == ("usual", ())
    assert usual.days == tuple(_name(number) for number in range(15))
    assert {name: verdict for name, verdict in _verdicts(store).items() if verdict} == {
        _name(13): "too few days to judge",
        _name(15): "usual",
    }
    assert judge_drift(store, _name(13), NOW).verdict == "usual"

    # What is known of a day is never read again.
    _land(drawn, DRIFTED, _videos(DRIFTED, 60, (0.0, 0.0, 1.0)))
    described: list[int] = []

    def counted(examples: Any, *others: Any) -> DayStatistics:
        described.append(len(examples))
        return describe_day(examples, *others)

    monkeypatch.setattr("modeling.judge_drift.describe_day", counted)
    drifted = judge_drift(store, DRIFTED, NOW)
    assert drifted.verdict == "alarm"
    assert "predicted_mix" in drifted.unusual
    assert len(drifted.days) == NUM_DAYS
    assert described == [60]
    assert judge_drift(store, DRIFTED, NOW) == drifted
    assert described == [60]

    _land(drawn, LAST, _videos(LAST, 40, (0.4, 0.3, 0.3)))
    after = judge_drift(store, LAST, NOW)
    assert after.verdict == "usual"
    assert DRIFTED not in after.days

    # A day that lists other videos is judged again.
    _land(drawn, DRIFTED, _videos(DRIFTED, 50, (0.4, 0.3, 0.3)))
    assert _verdicts(store)[LAST] == "usual"
    assert DRIFTED not in _verdicts(store)
    again = judge_drift(store, DRIFTED, NOW)
    assert (again.verdict, again.num_videos) == ("usual", 50)
    assert list(commits.verify(store)) == []


def test_a_commit_says_what_it_was_made_from(drawn: DrawnFeatures) -> None:
    store, name = drawn.store, _name(0)
    judgement = judge_drift(store, name, NOW)
    champion = registry.champion(store)
    assert champion is not None
    commit = commits.head(store, drift_judgements.address(champion.id, name))
    predictions = commits.head(store, scored_partitions.address(champion.id, name))
    assert commit is not None
    assert predictions is not None
    assert (commit.id, champion.id) == (judgement.commit, judgement.model)
    assert DriftFacts.of(commit).made_from == {
        "model": champion.id,
        "predictions": predictions.id,
    }
    stored = drift_judgements.read(commit)
    assert (stored.judged, stored.days) == (judgement.statistics, judgement.days)
    assert name not in stored.days


def test_partitions_of_the_training_are_known_through_refits_and_snapshots(
    drawn: DrawnFeatures,
) -> None:
    champion = registry.champion(drawn.store)
    assert champion is not None
    assert drift_judgements.trained_on(drawn.store, champion) == {"a"}


def test_what_the_champion_has_not_scored_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    with pytest.raises(Invalid, match="has no champion yet"):
        judge_drift(store, "2026-11-01", NOW)


def test_a_partition_without_predictions_is_refused(drawn: DrawnFeatures) -> None:
    with pytest.raises(Invalid, match=r"no predictions of the champion .*run score-partitions"):
        judge_drift(drawn.store, "2026-12-24", NOW)


class _Announcing(SilentReporter):
    """Keeps what is announced."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.facts: Mapping[str, object] = {}

    def announce(self, event: str, subject: str, facts: Mapping[str, object]) -> None:
        self.events.append((event, subject))
        self.facts = facts


def test_an_alarm_is_announced_once_also_where_a_later_champion_finds_it_again(
    drawn: DrawnFeatures,
) -> None:
    store, strange = drawn.store, "2026-11-30"
    for number in (13, 14, 15):
        drawn.publish(_name(number), "score", _even(number))
    _land(drawn, strange, _videos(strange, 60, (0.0, 0.0, 1.0)))
    assert strange in unjudged(store, NOW)
    reporter = _Announcing()
    assert judge_drift(store, strange, NOW, reporter=reporter).verdict == "alarm"
    judge_drift(store, strange, NOW, reporter=reporter)
    assert strange not in unjudged(store, NOW)
    assert reporter.events == [("drift.alarm", strange)]
    assert "predicted mix" in str(reporter.facts["sentence"])

    other = train_classifier(store, preset("multimodal_linear"), TrainParameters(seed=1), NOW)
    registry.promote(store, other.model, NOW)
    score_partitions(store, ScoreParameters(), NOW)
    assert strange in unjudged(store, NOW)
    assert judge_drift(store, strange, NOW, reporter=reporter).verdict == "alarm"
    assert reporter.events == [("drift.alarm", strange)]
