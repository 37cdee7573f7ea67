"""What was decided on models, and what was judged of days: both are absent where nobody did."""

import json
from typing import Any

from modeling.evaluation.site.home_page import DecisionRow, Drift, DriftStatistic
from modeling.models import drift_judgements
from warehouse import commits
from warehouse.commits import Address, Commit
from warehouse.store import Store

_DECISIONS, _DRIFT = "decisions", "drift"
_LEVEL = 0.01


def decision_commits(store: Store) -> list[Commit]:
    """List the commits of decisions, the latest first."""
    return list(reversed(commits.commits(store, _DECISIONS)))


def read_decision(commit: Commit, challenger_path: str | None = None) -> DecisionRow:
    """Read a decision.

    Args:
        commit: Of the dataset `decisions`.
        challenger_path: The challenger's page.
    """
    decision: dict[str, Any] = json.loads(commits.read_bytes(commit, "decision.json"))
    evidence = decision["evidence"]
    return DecisionRow(
        outcome=decision["outcome"],
        challenger=evidence["challenger"],
        challenger_path=challenger_path,
        champion=evidence["champion"],
        decided_at=commit.created_at,
        reasons=tuple(decision["reasons"]),
        forced_because=decision.get("forced_because"),
    )


def challenger_of(decision: Commit) -> str:
    """The id of the model that a decision is about."""
    return str(decision.facts["made_from"]["challenger"])


def drift_commit(store: Store, model_id: str, predictions: Commit | None) -> Commit | None:
    """Find the judgement of a partition, as it is scored now.

    Args:
        store: Where it is.
        model_id: The model that scored it.
        predictions: Of the partition; None where there are none, and so no judgement.
    """
    if predictions is None:
        return None
    place = Address(f"{_DRIFT}/model={model_id[:16]}", predictions.address.partition)
    commit = commits.head(store, place)
    if commit is None or commit.facts.get("verdict") is None:
        return None
    return commit if drift_judgements.is_of(store, commit, predictions) else None


def read_drift(commit: Commit) -> Drift:
    """Read a judgement of drift."""
    verdict, unusual = str(commit.facts["verdict"]), commit.facts["unusual"]
    drift: dict[str, Any] = json.loads(commits.read_bytes(commit, "drift.json"))
    statistics = [
        DriftStatistic(
            name=name,
            value=each["value"],
            training=each["training"],
            usual=(each["usual_low"], each["usual_high"]),
            p_value=each["p_value"],
            is_unusual=each["p_value"] is not None and each["p_value"] < _LEVEL,
        )
        for name, each in drift["judged"].items()
    ]
    return Drift(
        verdict=verdict,
        sentence=_sentence(verdict, unusual, len(drift["days"])),
        is_alarm=verdict == "alarm",
        statistics=tuple(sorted(statistics, key=_rarity)),
    )


def _rarity(statistic: DriftStatistic) -> float:
    return 1.0 if statistic.p_value is None else statistic.p_value


def _sentence(verdict: str, unusual: list[str], num_days: int) -> str:
    compared = f"compared with {num_days} other days"
    if verdict == "alarm":
        named = ", ".join(name.replace("_", " ") for name in unusual)
        return f"Alarm, {compared}: unusual are {named}."
    return f"{verdict[:1].upper()}{verdict[1:]}, {compared}."
