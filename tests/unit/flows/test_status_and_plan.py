"""What `reelstore status` and `reelstore plan` print at the width of a terminal."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from featurestore.progress.coverage import Coverage
from featurestore.progress.plan import Work
from featurestore.progress.throughput import Estimate
from featurestore.views.spec import TRANSFORM_VERSION
from flows.commands.amounts import duration, size
from flows.commands.overview import plan_tables, status_summary, status_tables
from flows.commands.overview.schedules import NextRun
from flows.operations.extract import ExtractedView, ExtractParameters
from flows.operations.planning import Plan
from flows.operations.status import PartitionStatus, StoreStatus
from warehouse.commits import PendingWork
from warehouse.errors import Invalid

NOW = datetime(2026, 11, 20, tzinfo=UTC)
WIDTH = 80
FRAMES, TEXT = "a" * 64, "b" * 64


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "unknown"),
        (0.2, "0 s"),
        (59, "59 s"),
        (90, "2 min"),
        (3599, "60 min"),
        (7500, "2.1 h"),
    ],
)
def test_durations_have_the_unit_that_fits(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (None, "unknown"),
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1500, "1.5 kB"),
        (12_345_678_901, "12.3 GB"),
    ],
)
def test_sizes_have_the_unit_that_fits(size_bytes: int | None, text: str) -> None:
    assert size(size_bytes) == text


def work(partition: str, **changes: object) -> Work:
    given: dict[str, object] = {
        "view": "frames",
        "fingerprint": FRAMES,
        "partition": partition,
        "listed": 1_000_000,
        "is_current": False,
        "reasons": {
            "new": 900_000,
            "changed_bytes": 50_000,
            "changed_fingerprint": 20_000,
            "retryable": 10_000,
        },
        "reused": 20_000,
        "contents": 970_000,
    }
    return Work(**(given | changes))  # type: ignore[arg-type]


def planned(*pairs: tuple[Work, Estimate]) -> Plan:
    seconds = [estimate.seconds for _, estimate in pairs]
    known = [found for found in seconds if found is not None]
    total = sum(known) if len(known) == len(seconds) else None
    return Plan(
        tuple(one for one, _ in pairs), tuple(estimate for _, estimate in pairs), total, 10**10
    )


KNOWN = Estimate(7500.0, 10**10, is_of_recipe=True)
DONE = {"is_current": True, "reasons": {}, "reused": 0, "contents": 0}


def test_a_plan_of_a_million_fits_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    plan_tables.show(
        planned((work("unlabeled"), KNOWN), (work("2026-11-20", **DONE), Estimate(0.0, 0, True)))
    )
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= WIDTH
    assert "frames, recipe aaaaaaaaaaaa" in out
    for said in (
        "unlabeled",
        "1,000,000",
        "900,000",
        "50,000",
        "20,000",
        "10,000",
        "2.1 h",
        "10.0 GB",
    ):
        assert said in out
    assert "in all about 2.1 h and 10.0 GB" in out
    assert "2026-11-20" not in out  # nothing is to be done there


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ((work("day", **DONE), KNOWN), "nothing to do"),
        (
            (work("day", **DONE | {"reasons": {"retryable": 3}}), KNOWN),
            "3 retryable, published as failed",
        ),
        (
            (work("day", **DONE | {"reasons": {"raised_limit": 3}, "contents": 3}), KNOWN),
            "in all about 2.1 h",
        ),
        (
            (work("day"), Estimate(None, None, is_of_recipe=False)),
            "time and disk unknown: nothing was extracted yet",
        ),
        ((work("day"), Estimate(1.0, 1, is_of_recipe=False)), "as other recipes took"),
        ((work("day", fingerprint=None), KNOWN), "recipe not yet frozen"),
    ],
)
def test_a_plan_says_what_its_figures_do_not(
    capsys: pytest.CaptureFixture[str], pair: tuple[Work, Estimate], said: str
) -> None:
    plan_tables.show(planned(pair))
    assert said in capsys.readouterr().out


def status(*rows: PartitionStatus, one_sided: dict[str, list[str]] | None = None) -> StoreStatus:
    recipes: tuple[dict[str, str | int], ...] = tuple(
        {"view": view, "fingerprint": fingerprint, "transform_version": TRANSFORM_VERSION}
        for view, fingerprint in (("frames", FRAMES), ("text", TEXT))
    )
    return StoreStatus("/store", recipes, "c" * 64, rows, one_sided or {})


def row(**changes: object) -> PartitionStatus:
    frames: dict[str, object] = {
        "view": "frames",
        "fingerprint": FRAMES,
        "partition": "2026-11-20",
        "state": "current",
        "commit": "d" * 64,
        "ok": 999_000,
        "failed": {"decode_timeout": 400, "not_media": 600},
        "retryable": 400,
        "attempts": {"0": 100, "1": 200, "4": 100},
        "warnings": {"all_frames_alike": 1200, "same_embeddings": 30},
    }
    text = Coverage("text", TEXT, "2026-11-20", "missing", None, 0, {}, 0, {}, {})
    coverage = Coverage(**(frames | changes))  # type: ignore[arg-type]
    return PartitionStatus("2026-11-20", "score", 1_000_000, None, (coverage, text), "stale")


def test_a_status_of_a_million_fits_the_terminal_and_says_what_to_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status_tables.show(status(row(), one_sided={"labeled": ["0001", "0002"]}), NOW)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= WIDTH
    for said in (
        "1,200 videos have all frames alike, as slideshows do",
        "1,230",
        "200 once",
        "100 none",
        "run reelstore retry --only decode_timeout: 400 failed so and may pass",
        "run extract-features: 1 of 1 partitions lack features",
        "run score-partitions: 1",
        "validation holds all or none of 2 classes of labeled: 0001, 0002",
    ):
        assert said in out
    assert "--only not_media" not in out


NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
NEXT = [NextRun("update", datetime(2026, 11, 21, 6, tzinfo=ZoneInfo("Asia/Shanghai")))]


def day(number: int, **changes: object) -> PartitionStatus:
    name = f"day-{number:04d}"
    views = tuple(
        Coverage(
            view, fingerprint, name, "current", "d" * 64, 999_000, {"not_media": 1000}, 0, {}, {}
        )
        for view, fingerprint in (("frames", FRAMES), ("text", TEXT))
    )
    listed_at = f"2026-11-{1 + number % 20:02d}T0{number // 100}:00:00+00:00"
    given: dict[str, object] = {
        "partition": name,
        "role": "score",
        "listed": 1_000_000,
        "labels": None,
        "views": views,
        "predictions": "current",
        "listed_at": listed_at,
        "scored_at": listed_at,
    }
    return PartitionStatus(**(given | changes))  # type: ignore[arg-type]


def test_a_status_of_600_partitions_is_one_screen_with_what_is_wrong_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    days = [day(number) for number in range(600)]
    for number in range(100, 500):
        days[number] = replace(
            days[number],
            predictions="stale",
            num_rows_set_aside=2,
            rows_set_aside=("row 1 is bad",),
        )
    whole = replace(status(*days), size_bytes={"frames": 10**12, "videos": 5 * 10**9})
    status_summary.show(whole, NEXT, NOW)
    lines = capsys.readouterr().out.splitlines()
    out = " ".join(" ".join(lines).split())
    assert len(lines) <= 45
    assert max(map(len, lines)) <= WIDTH
    for said in (
        "1.0 TB: frames 1.0 TB, videos 5.0 GB",
        "next update 2026-11-21 06:00 CST",
        "newest day-0599: listed",
        "scored",
        "and 393 more: reelstore status --all",
        "394 more lack something: reelstore status --all",
        "999,000/1,000,000",
        "score 600 600,000,000 0 599,400,000 599,400,000 200",
    ):
        assert said in out, out
    assert out.index("day-0499") < out.index("all partitions by role")
    status_summary.show(status(*days[:5]), [], NOW)
    few = capsys.readouterr().out
    assert "more" not in few
    assert "stale" not in few


def test_a_day_that_is_not_scored_is_named_as_the_newest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    newest = day(599, predictions="missing", scored_at=None)
    status_summary.show(status(day(1), newest), [], NOW)
    out = " ".join(capsys.readouterr().out.split())
    assert "newest day-0599: listed" in out
    assert "not scored" in out
    assert "run score-partitions: 1 partitions lack the champion's predictions" in out


def test_one_partition_is_shown_alone() -> None:
    whole = status(*(day(number) for number in range(3)))
    assert [row.partition for row in whole.of_partition("day-0002").partitions] == ["day-0002"]
    with pytest.raises(Invalid, match="there is no partition 'day-2': did you mean day-0002"):
        whole.of_partition("day-2")


def test_a_status_says_that_the_champion_is_provisional(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status_tables.show(status(row()), NOW)
    assert "provisional" not in capsys.readouterr().out
    status_tables.show(replace(status(row()), champion_is_provisional=True), NOW)
    out = " ".join(capsys.readouterr().out.split())
    assert f"champion {'c' * 16}, provisional" in out
    assert "reelstore promote champion lets it stay" in out


def test_a_status_says_what_is_given_up_and_what_a_raised_limit_brings_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failed = {"decode_timeout": 40, "worker_died": 5, "too_large": 7, "media_missing": 3}
    settled = {
        "given_up": {"decode_timeout": 30, "worker_died": 5},
        "raised": {"too_large": 2, "decode_timeout": 4},
        "unread": {"media_missing": 3},
    }
    status_tables.show(status(row(failed=failed, retryable=6, **settled)), NOW)
    out = " ".join(capsys.readouterr().out.split())
    for said in (
        "run reelstore retry --only decode_timeout: 6 failed so and may pass",
        "run extract-features: 2 were too_large under a limit that is higher now",
        "run extract-features: 4 were decode_timeout under a limit that is higher now",
        (
            "30 failed by decode_timeout in 3 runs or more and are given up; a higher"
            " decode_max_seconds or reelstore"
        ),
        "reelstore retry --only decode_timeout has them tried once more",
        (
            "5 failed by worker_died in 3 runs or more and are given up; reelstore retry --only"
            " worker_died has them tried"
        ),
    ):
        assert said in out
    assert "3 media of 2026-11-20 could not be read when it was ingested" in out
    assert "run reelstore retry --only worker_died" not in out
    assert "--only media_missing" not in out


def test_a_refused_partition_is_shown_with_its_counts_and_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status_tables.show(status(row(state="refused")), NOW)
    out = " ".join(capsys.readouterr().out.split())
    assert (
        "frames of 2026-11-20 was refused: 400 of 1,000,000 videos failed for reasons that may pass"
        in out
    )
    assert "retry --only" not in out


def test_work_whose_run_was_killed_is_told_apart_from_work_that_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work(day: str, minutes: int) -> PendingWork:
        began = NOW - timedelta(hours=2)
        return PendingWork("features/text/0", day, began, NOW - timedelta(minutes=minutes))

    pending = (work("2026-11-19", 90), work("2026-11-20", 1))
    status_tables.show(replace(status(row()), pending=pending), NOW)
    out = " ".join(capsys.readouterr().out.split())
    assert "of 2026-11-19: its run ended without a word 1.5 h ago; the next run goes on" in out
    assert "of 2026-11-20: in the making for 2.0 h" in out


def test_an_empty_store_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    status_tables.show(status(), NOW)
    plan_tables.show(planned())
    assert capsys.readouterr().out.count("nothing is ingested yet") == 2


AS_LABELED = ("--partition", "labeled", "--role", "labeled")


def test_status_and_plan_answer_before_anything_is_extracted(
    run: Callable[..., tuple[int, str, str]], listing: object
) -> None:
    run("ingest", "manifest", str(listing), *AS_LABELED)
    assert run("plan")[0] == run("status")[0] == 0
    planned_work = json.loads(run("plan", "--json")[1])
    assert [(found["view"], found["reasons"]) for found in planned_work["work"]] == [
        ("frames", {"new": 3}),
        ("text", {"new": 3}),
    ]
    shown = json.loads(run("status", "--json")[1])
    assert [
        (found["partition"], found["listed"], found["labels"]) for found in shown["partitions"]
    ] == [("labeled", 3, 3)]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--only", "not_media"), "permanent"),
        (("--only", "late"), "'late'"),
        (("--only", "decode_timeout"), "store"),
    ],
)
def test_a_retry_that_cannot_be_gets_a_sentence(
    run: Callable[..., tuple[int, str, str]], words: tuple[str, ...], named: str
) -> None:
    code, out, err = run("retry", *words)
    assert code == 2
    assert named in err
    assert "Traceback" not in out + err


RETRIED = ExtractedView(
    partition="day",
    view="frames",
    fingerprint="0" * 64,
    videos=9,
    tried=2,
    ok=8,
    failed_by_reason={"worker_died": 1},
    warnings={},
    commit="0" * 64,
)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([RETRIED], "day frames: tried 2 again; now 8 of 9 ok, 1 worker_died\n"),
        (
            [],
            (
                "nothing to retry: no up-to-date partition has a video that failed for"
                " decode_timeout or worker_died"
            ),
        ),
    ],
)
def test_a_retry_hands_its_reasons_to_the_flow_and_says_what_came_of_it(
    run: Callable[..., tuple[int, str, str]],
    listing: object,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[ExtractedView],
    said: str,
) -> None:
    given: list[object] = []

    def retried(
        _store: object, _settings: object, parameters: object, *_: object, **__: object
    ) -> list[ExtractedView]:
        given.append(parameters)
        return rows

    monkeypatch.setattr("flows.operations.extract.extract_features", retried)
    run("ingest", "manifest", str(listing), *AS_LABELED)
    code, out, _ = run(
        "retry", "--only", "worker_died", "--only", "decode_timeout", "--partition", "labeled"
    )
    assert code == 0
    assert out.startswith(said)
    assert given == [
        ExtractParameters(partition="labeled", retry=["decode_timeout", "worker_died"])
    ]
