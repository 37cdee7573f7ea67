"""What a whole week must have shown, once it was lived with kills and without."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from modeling.models import stored_decisions
from modeling.models.registry import CHAMPION
from tests.week.clocked import reelstore
from tests.week.prefect_services import FINAL, Alarms, Prefect
from tests.week.published import published
from tests.week.simulated_days import EndedRun
from tests.week.site_numbers import SiteNumbers
from tests.week.undisturbed import KEPT
from tests.week.whole_week import FORGOTTEN, KILLS, SUNDAY, THURSDAY, WEDNESDAY
from tests.week.world import WEEK, at
from warehouse import commits, tables
from warehouse.store import Store, open_existing_store

Shown = tuple[str, str]
"""What was checked, and what of it was shown."""


@dataclass(frozen=True)
class LivedWeek:
    """A week that has been lived twice."""

    past: Path
    undisturbed: Path
    folder: Path
    """Of the week with kills."""
    runs: Sequence[EndedRun]
    prefect: Prefect
    alarms: Alarms

    @cached_property
    def kept(self) -> dict[str, Any]:
        """What the undisturbed week came to."""
        content: dict[str, Any] = json.loads((self.undisturbed / KEPT).read_text(encoding="utf-8"))
        return content

    @cached_property
    def store(self) -> Store:
        """That of the week with kills."""
        return _store(self.folder)


def check_all(week: LivedWeek) -> Iterator[Shown]:
    """Check a week.

    Args:
        week: Whose server is still there.

    Yields:
        What was shown, as soon as it is.

    Raises:
        AssertionError: Something is not as it must be; a sentence says what.
    """
    for check in (_runs, _published, _champion, _decisions, _forgotten, _whole, _site, _alarms):
        yield check(week)


def _runs(week: LivedWeek) -> Shown:
    """Each run ends as without kills, but those that were killed with their worker."""
    ended = [(f"{each.at}", each.deployment, each.state) for each in week.runs]
    killed = {f"{moment}" for moment, kill in KILLS.items() if kill == "worker"}
    expected = [
        (moment, deployment, "killed with its worker" if moment in killed else state)
        for moment, deployment, state in week.kept["runs"]
    ]
    _same("the runs", ended, expected)
    failed = [moment for moment, _, state in ended if state == "Failed"]
    _same("the runs that failed", failed, [f"{at(THURSDAY, '06:00')}"])
    states = Counter(state for _, _, state in ended)
    told = [f"{count} {state}" for state, count in states.items()]
    told += [f"{kill} killed on {moment:%A at %H:%M}" for moment, kill in KILLS.items()]
    return "runs", ", ".join(told)


def _published(week: LivedWeek) -> Shown:
    mine, other = (published(store) for store in (week.store, _store(week.undisturbed)))
    for part in mine:
        differ = {
            name
            for name in mine[part].keys() | other[part]
            if mine[part].get(name) != other[part].get(name)
        }
        _same(f"the {part} that differ from those of the week without kills", differ, set())
    counts = [f"{len(mine[part])} {part}" for part in ("heads", "aliases")]
    counts.append(f"{sum(map(len, mine['commits'].values()))} commits")
    return "published", f"{', '.join(counts)} are those of the week without kills"


def _champion(week: LivedWeek) -> Shown:
    """Somebody has gone back to the champion of the past."""
    champions = [commits.alias(store, CHAMPION) for store in (week.store, _store(week.past))]
    _same("the champion", *champions)
    return "rollback", f"the champion is {str(champions[0])[:16]} again"


def _decisions(week: LivedWeek) -> Shown:
    before = {each.commit.id for each in stored_decisions.decisions(_store(week.past))}
    decided = [
        each.decision
        for each in stored_decisions.decisions(week.store)
        if each.commit.id not in before
    ]
    outcomes = [each.outcome for each in decided]
    _same("the decisions of the gate", outcomes, ["promoted", "refused"])
    told = [f"{each.evidence.challenger[:16]} {each.outcome}" for each in decided]
    return "retrainings", ", ".join(told)


def _forgotten(week: LivedWeek) -> Shown:
    names = {f"{SUNDAY}-{number:04d}" for number in range(WEEK.day)}
    partition = tables.video_partition(week.store, str(SUNDAY))
    listed = set(tables.read_videos(partition, ["video_id"])["video_id"])
    _same(f"what is listed of {SUNDAY}", listed, names - {FORGOTTEN})
    pages = [path.read_text(encoding="utf-8") for path in (week.folder / "site").rglob("*.html")]
    shown = {name for name in names if any(name in page for page in pages)}
    _same(f"what the site shows of {SUNDAY}", shown, names - {FORGOTTEN})
    return "forgotten", f"{FORGOTTEN} is on none of {len(pages)} pages"


def _whole(week: LivedWeek) -> Shown:
    return "verify", reelstore(week.folder, "verify").strip().splitlines()[0]


def _site(week: LivedWeek) -> Shown:
    numbers = SiteNumbers(week.store, week.folder / "site")
    numbers.check()
    return "site", f"{numbers.comparison.num_compared:,} figures are those of the store"


def _alarms(week: LivedWeek) -> Shown:
    """What was announced without kills has reached the webhook, and the runs that ended badly."""
    announced = {(event, subject) for event, subject in week.kept["announced"]}
    assert ("reelstore.drift.alarm", str(WEDNESDAY)) in announced, "the drifted day raised no alarm"
    ended_badly = {("prefect.flow-run.Failed", "update"), ("prefect.flow-run.Crashed", "update")}
    expected = ended_badly | {each for each in announced if "committed" not in each[0]}
    week.prefect.wait_for(lambda: expected <= week.alarms.subjects)
    _same("the alarms", week.alarms.subjects, expected)
    _same("the states of runs that have not ended", week.prefect.states() - set(FINAL), set())
    events = Counter(event.removeprefix("reelstore.") for event, _ in sorted(expected))
    return "alarms", ", ".join(f"{count} {event}" for event, count in events.items())


def _same(what: str, mine: object, expected: object) -> None:
    assert mine == expected, f"{what}: {mine}, and not {expected}"


def _store(folder: Path) -> Store:
    return open_existing_store(folder / "store", None)
