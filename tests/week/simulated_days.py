"""Simulated days of a drawn platform: what happens, and what `prefect.yaml` schedules then."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

from flows.commands.overview.schedules import next_runs
from flows.operations.engine import Engine
from flows.operations.retraining import RetrainParameters, retrain
from flows.operations.updating import UpdateParameters, update
from flows.settings import Settings
from tests.conftest import ROOT
from tests.week.clips import Clip, land
from tests.week.clocked import set_clock
from tests.week.prefect_services import FINAL, Prefect
from tests.week.world import World, at
from warehouse.errors import ReelstoreError
from warehouse.identifiers import Role
from warehouse.reporting import SILENT, Reporter
from warehouse.store import open_existing_store

Run = Callable[[str, datetime], tuple[str, str]]
"""Runs a deployment that is scheduled for a moment; returns the state it ended in, and what that
says."""
Say = Callable[[str], None]
Kill = Literal["run", "server", "worker"]
Kills = Mapping[datetime, Kill]
"""What is killed during the scheduled run of a moment."""

MONDAY = date(2026, 11, 16)
TUESDAY = MONDAY + timedelta(days=1)


@dataclass(frozen=True)
class Happening:
    """Something that people or other systems do."""

    at: datetime
    does: Callable[[], object]


@dataclass(frozen=True)
class EndedRun:
    """A scheduled run and what became of it."""

    at: datetime
    deployment: str
    state: str
    says: str


def short_week(folder: Path, world: World) -> list[Happening]:
    """List an ordinary Monday that lands late, and a Tuesday that has drifted.

    Args:
        folder: Where it happens.
        world: What lands.
    """
    monday, tuesday = world.day(MONDAY), world.drifted(TUESDAY)
    return [
        Happening(at(MONDAY, "20:00"), partial(land_in, folder, "score", str(MONDAY), monday)),
        Happening(at(TUESDAY, "05:00"), partial(land_in, folder, "score", str(TUESDAY), tuesday)),
    ]


def live(
    folder: Path, happenings: Sequence[Happening], end: datetime, run: Run, say: Say
) -> list[EndedRun]:
    """Let time pass from the first happening to the end; nobody looks after the runs.

    Args:
        folder: Where it happens.
        happenings: In order of time.
        end: The last moment of which scheduled runs are begun.
        run: Runs a deployment.
        say: Is told of each run.

    Returns:
        The scheduled runs, in order.
    """
    waiting, ended = list(happenings), list[EndedRun]()
    scheduled = next_runs(ROOT, happenings[0].at)[0]
    while scheduled.at <= end:
        while waiting and waiting[0].at <= scheduled.at:
            happening = waiting.pop(0)
            set_clock(folder, happening.at)
            happening.does()
        set_clock(folder, scheduled.at)
        state, says = run(scheduled.deployment, scheduled.at)
        ended.append(EndedRun(scheduled.at, scheduled.deployment, state, says))
        say(f"{scheduled.at:%a %d %b %H:%M} {scheduled.deployment}: {state} {says}".rstrip())
        scheduled = next_runs(ROOT, scheduled.at)[0]
    return ended


def run_here(settings: Settings, reporter: Reporter = SILENT) -> Run:
    """Run deployments in this process, without Prefect.

    Args:
        settings: Of a store that is there.
        reporter: Is told what happens.
    """
    store = open_existing_store(settings.root, settings.catalog_url)

    def run(deployment: str, moment: datetime) -> tuple[str, str]:
        now = moment.astimezone(UTC)
        try:
            if deployment == "retrain":
                retrain(store, settings, RetrainParameters(), now, reporter=reporter)
            else:
                update(settings, UpdateParameters(), now, engine=Engine(reporter))
        except ReelstoreError as error:
            return "Failed", str(error)
        return "Completed", ""

    return run


def run_by_prefect(prefect: Prefect, kills: Kills) -> Run:
    """Run deployments on a worker, some of which are killed at their work.

    Args:
        prefect: The server and the worker.
        kills: What is killed, and when.
    """

    def run(deployment: str, moment: datetime) -> tuple[str, str]:
        begun, kill = prefect.begin(deployment), kills.get(moment)
        if kill == "server":
            prefect.wait_until(begun, lambda state: state == "Running" or state in FINAL)
            prefect.restart_server()
        elif kill is not None:
            prefect.wait_for_decoding()
            if kill == "worker":
                prefect.restart_worker()
                return "killed with its worker", ""
            prefect.kill_run()
        return prefect.wait_for_end(begun)

    return run


def land_in(folder: Path, role: Role, name: str, clips: Sequence[Clip]) -> None:
    """Let a partition land where the settings of a folder look for it."""
    land(folder / "landing" / role / name, role, clips)
