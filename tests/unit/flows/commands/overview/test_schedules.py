from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.commands.overview.schedules import next_runs
from warehouse.errors import Invalid

NOW = datetime(2026, 11, 20, 23, tzinfo=UTC)  # 07:00 in Shanghai
SCHEDULES = """
deployments:
  - name: retrain
    schedules:
      - cron: "0 3 * * 1"
        timezone: Asia/Shanghai
  - name: update
    schedules:
      - cron: "0 6 * * *"
        timezone: Asia/Shanghai
      - cron: "5 12 * * *"
        timezone: Asia/Shanghai
      - cron: "30 7 * * *"
        timezone: Asia/Shanghai
        active: false
  - name: extract-features
"""


def test_each_deployment_has_its_next_run_in_its_own_time_zone(tmp_path: Path) -> None:
    (tmp_path / "prefect.yaml").write_text(SCHEDULES)
    shown = [(run.deployment, f"{run.at:%a %Y-%m-%d %H:%M %Z}") for run in next_runs(tmp_path, NOW)]
    assert shown == [
        ("update", "Sat 2026-11-21 12:05 CST"),
        ("retrain", "Mon 2026-11-23 03:00 CST"),
    ]


def test_the_shipped_schedules_can_be_read() -> None:
    assert next_runs(Path(__file__).parents[5], NOW)


def test_without_a_file_nothing_is_scheduled_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    assert next_runs(tmp_path, NOW) == []
    for wrong in ("deployments: 7", "[", SCHEDULES.replace("0 6", "0 66"), "{}"):
        (tmp_path / "prefect.yaml").write_text(wrong)
        with pytest.raises(Invalid, match="has a schedule that cannot be read"):
            next_runs(tmp_path, NOW)
