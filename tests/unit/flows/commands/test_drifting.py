from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modeling.evaluation.drift.verdict import JudgedStatistic
from modeling.models import drift_judgements, registry, scored_partitions
from modeling.models.drift_judgements import DriftFacts
from warehouse.store import open_existing_store

Run = Callable[..., tuple[int, str, str]]
DAY = "2026-11-20"


@pytest.mark.parametrize("version", ["2", "5"])
def test_a_day_is_judged_as_it_is_shown_by_a_model_of_any_version(
    run: Run, golden: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv("REELSTORE_ROOT", str(golden(version)))
    assert run("drift")[1] == "no partition was judged yet; name one that the champion has scored\n"
    status, out, err = run("drift", DAY)
    assert status == 0, err
    assert out.startswith(f"{DAY}: too few days to judge; 3 videos, compared with 0 days\n")
    assert "frames_missing" in out
    status, out, _ = run("drift")
    assert (status, out.splitlines()[0]) == (0, "drift of the last 1 days")
    assert f"{DAY} too few days to judge" in " ".join(out.split())


def test_what_is_unusual_is_shown_with_its_bounds(
    run: Run, golden: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = golden("5")
    monkeypatch.setenv("REELSTORE_ROOT", str(root))
    assert run("drift", DAY)[0] == 0
    store = open_existing_store(root)
    champion = registry.champion(store)
    assert champion is not None
    commit = drift_judgements.of_model(store, champion.id)[DAY]
    values = {"value": 3.0, "training": 2.0, "usual_low": 1.5, "usual_high": 2.5, "p_value": 0.002}
    drift = drift_judgements.read(commit).model_copy(
        update={"judged": {"text_length": JudgedStatistic(**values)}, "days": ("a",) * 20}
    )
    facts = DriftFacts(
        made_from=DriftFacts.of(commit).made_from, verdict="alarm", unusual=("text_length",)
    )
    predictions = scored_partitions.of_model(store, champion.id)[DAY]
    drift_judgements.publish(store, predictions, drift, facts, datetime.now(UTC))
    out = run("drift", DAY)[1]
    assert out.startswith(f"{DAY}: alarm; 3 videos, compared with 20 days\n")
    row = next(line for line in out.splitlines() if "text_length" in line)
    assert row.split() == ["text_length", "7.4", "4.5", "12.2", "20.1", "0.002", "unusual"]
    assert f"{DAY} alarm text_length" in " ".join(run("drift")[1].split())


@pytest.mark.parametrize(
    ("version", "partition", "sentence"),
    [
        ("5", "2026-12-24", "has no predictions of the champion"),
        ("1", DAY, "kept no statistics of its training; train and promote a model"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    run: Run,
    golden: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    partition: str,
    sentence: str,
) -> None:
    monkeypatch.setenv("REELSTORE_ROOT", str(golden(version)))
    status, _, err = run("drift", partition)
    assert status == 2
    assert sentence in err
