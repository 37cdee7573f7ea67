"""When the deployments run next, as `prefect.yaml` beside the settings says."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from cronsim import CronSim, CronSimError

from warehouse.errors import Invalid

FILE_NAME = "prefect.yaml"


@dataclass(frozen=True)
class NextRun:
    """The next scheduled run of a deployment."""

    deployment: str
    at: datetime
    """In the schedule's own time zone."""


def next_runs(folder: Path, now: datetime) -> list[NextRun]:
    """Tell when each scheduled deployment runs next, the soonest first.

    Args:
        folder: That of the settings file.
        now: The moment, with a time zone.

    Returns:
        Nothing where the folder has no `prefect.yaml`.

    Raises:
        Invalid: A schedule cannot be read.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return []
    try:
        deployments = yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]
        runs = [run for deployment in deployments if (run := _next_run(deployment, now))]
    except (KeyError, TypeError, ValueError, CronSimError, yaml.YAMLError) as error:
        raise Invalid(f"{path} has a schedule that cannot be read ({error}): correct it") from error
    return sorted(runs, key=lambda run: run.at)


def _next_run(deployment: dict[str, Any], now: datetime) -> NextRun | None:
    moments = [
        next(CronSim(schedule["cron"], now.astimezone(ZoneInfo(schedule.get("timezone", "UTC")))))
        for schedule in deployment.get("schedules") or ()
        if schedule.get("active", True) and "cron" in schedule
    ]
    return NextRun(deployment["name"], min(moments)) if moments else None
