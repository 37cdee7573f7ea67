import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from featurestore.forgetting import traces as traces_in
from flows.operations import site_building
from flows.operations.site_building import build_site
from modeling.models import registry, scored_partitions
from modeling.models.stored_model import MODELS
from tests.operations import run_flow
from tests.unit.flows.conftest import NOW, Run
from warehouse import commits, tables
from warehouse.commits import Address, Draft, Facts
from warehouse.errors import Invalid, ReelstoreError
from warehouse.store import Store


class _DecisionFacts(Facts):
    outcome: str


class _DriftFacts(Facts):
    verdict: str
    unusual: tuple[str, ...]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


def _times(folder: Path) -> dict[str, int]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in files}


def _data(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8").split('id="items">')[1]
    data: dict[str, Any] = json.loads(text.split("</script>")[0])
    return data


def _rows(page: Path) -> list[list[Any]]:
    rows: list[list[Any]] = _data(page)["items"]
    return rows


def _some_item(page: Path) -> tuple[str, str]:
    """The id and the strip of a video that a page shows."""
    return next((row[0], row[6]) for row in _rows(page) if row[6])


def _decide(store: Store, model_id: str, reason: str) -> None:
    decision = {
        "evidence": {"challenger": model_id, "champion": None},
        "outcome": "refused",
        "reasons": [reason],
    }
    facts = _DecisionFacts(outcome="refused", made_from={"challenger": model_id})
    payload = {"decision.json": json.dumps(decision).encode()}
    draft = Draft(facts=facts, num_rows=0, move_head=False)
    commits.publish_files(store, Address("decisions"), payload, draft, NOW)


def _judge(store: Store, model_id: str, partition: str) -> None:
    predictions = commits.head(store, scored_partitions.address(model_id, partition))
    assert predictions is not None
    statistic = {
        "value": 0.5,
        "training": 0.1,
        "usual_low": None,
        "usual_high": 0.2,
        "p_value": 0.0001,
    }
    drift = {"judged": {"text_missing": statistic}, "days": ["2026-11-01"] * 14}
    facts = _DriftFacts(
        verdict="alarm",
        unusual=("text_missing",),
        made_from={"model": model_id, "predictions": predictions.id},
    )
    place = Address(f"drift/model={model_id[:16]}", partition)
    draft = Draft(facts=facts, num_rows=0)
    commits.publish_files(store, place, {"drift.json": json.dumps(drift).encode()}, draft, NOW)


def test_a_store_without_a_model_has_a_site_that_says_so(house: Store, site: Path) -> None:
    built = build_site(house, site, NOW)

    assert "There is no champion yet" in built.home.read_text(encoding="utf-8")
    assert "Nothing can be said of the labels yet" in (site / "mistakes.html").read_text()
    days = [partition.name for partition in tables.video_partitions(house)]
    assert sorted(page.stem for page in (site / "days").iterdir()) == days
    assert len(built.rewritten) == built.num_pages == len(days) + 2


def test_site_of_a_scored_store_tells_what_the_store_does(
    house: Store, site: Path, extract: Callable[..., Any], command: Run
) -> None:
    extract()
    model = run_flow("train-classifier").model
    registry.promote(house, model, NOW)
    run_flow("score-partitions")
    day = tables.video_partitions(house, "score")[0]
    _decide(house, model, "it is not better")
    _judge(house, model, day.name)

    build_site(house, site, NOW)

    home = (site / "index.html").read_text(encoding="utf-8")
    assert "drift. Alarm, compared with 14 other days: unusual are text missing." in home
    assert "it is not better" in home
    predicted = scored_partitions.scan(house, model, day.name).collect()
    data = _data(site / "days" / f"{day.name}.html")
    shown = {
        row[0]: (data["categories"][row[2]][0], pytest.approx(row[3], abs=1e-4))
        for row in data["items"]
    }
    rows = predicted.select("video_id", "category_id", "probability").iter_rows()
    assert {video_id: (category, share) for video_id, category, share in rows} == shown
    strips = [row[6] for row in data["items"] if row[6]]
    assert strips
    assert all((site / strip).is_file() for strip in strips)
    [measured] = [
        json.loads(commits.read_bytes(commit, "metrics.json"))
        for commit in commits.commits(house, MODELS)
        if commit.id == model
    ]
    page = site / "models" / f"{model[:16]}.html"
    assert f"{measured['validation']['mean_f1']:.3f}" in page.read_text(encoding="utf-8")
    items = _data(page)["items"]
    assert len(items) == measured["num_validation_examples"]
    right = sum(row[2] == row[4] for row in items)
    assert right / len(items) == pytest.approx(measured["validation"]["accuracy"])

    before = _times(site)
    again = build_site(house, site, NOW)
    assert again.rewritten == ()
    after = _times(site)
    assert {name: time for name, time in after.items() if before.get(name) != time} == {}

    _decide(house, model, "it is worse")
    (site / "days" / "stray.html").write_text("left by another build")
    changed = build_site(house, site, NOW)
    assert changed.rewritten == ("index.html", f"models/{model[:16]}.html")
    assert not (site / "days" / "stray.html").exists()

    forgotten = [_some_item(site / "days" / f"{day.name}.html"), _some_item(page)]
    status, out, err = command("forget", *(video_id for video_id, _ in forgotten))
    assert (status, "pages of the site were made again" in out) == (0, True), err
    others = {row[6] for item in (site / "days" / f"{day.name}.html", page) for row in _rows(item)}
    for video_id, strip in forgotten:
        traces = [path for path in site.rglob("*.html") if video_id in path.read_text("utf-8")]
        assert traces == []
        assert strip in others or not (site / strip).exists()
    assert list(commits.verify(house)) == list(traces_in(house)) == []


def test_days_without_the_champions_predictions_are_one_alarm(
    house: Store, site: Path, extract: Callable[..., Any]
) -> None:
    extract()
    registry.promote(house, run_flow("train-classifier").model, NOW)

    build_site(house, site, NOW)

    home = (site / "index.html").read_text(encoding="utf-8")
    days = sorted(partition.name for partition in tables.video_partitions(house, "score"))
    assert f"{days[-1]}</bdi></a>: it and {len(days) - 1} more lack the" in (
        home.replace("&#39;", "'")
    )


def test_a_page_that_cannot_be_made_stops_no_other(
    house: Store, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("no label")

    monkeypatch.setattr(site_building, "read_mistakes", fail)
    with pytest.raises(ReelstoreError, match=r"mistakes\.html: ZeroDivisionError: no label"):
        build_site(house, site, NOW)
    days = [partition.name for partition in tables.video_partitions(house)]
    assert sorted(page.stem for page in (site / "days").iterdir()) == days
    assert not (site / "mistakes.html").exists()


def test_a_folder_with_other_files_or_in_the_store_is_refused(house: Store, site: Path) -> None:
    site.mkdir()
    (site / "mine.txt").write_text("mine")

    with pytest.raises(Invalid, match="holds other files"):
        build_site(house, site, NOW)
    with pytest.raises(Invalid, match="lies in the store"):
        build_site(house, house.root / "site", NOW)

    assert [path.name for path in site.iterdir()] == ["mine.txt"]


@pytest.mark.usefixtures("house")
def test_command_says_where_the_site_is(command: Run, tmp_path: Path) -> None:
    code, out, _ = command("site")

    assert code == 0
    assert str(tmp_path / "site" / "index.html") in out
