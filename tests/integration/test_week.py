"""Two simulated days on a real Prefect server and worker."""

from pathlib import Path

from tests.conftest import Start
from tests.week.past import copy_past, make_past, settings_in
from tests.week.prefect_services import Prefect, listening
from tests.week.published import published
from tests.week.simulated_days import (
    MONDAY,
    TUESDAY,
    live,
    run_by_prefect,
    run_here,
    short_week,
)
from tests.week.site_numbers import SiteNumbers
from tests.week.world import SHORT, World, at
from warehouse.store import open_existing_store


def test_an_update_whose_run_is_killed_is_made_up_for_and_a_drifted_day_alarms(
    tmp_path: Path, start: Start
) -> None:
    world, morning = World(tmp_path / "clips", SHORT, MONDAY), at(TUESDAY, "06:00")
    make_past(tmp_path / "past", world)
    undisturbed = tmp_path / "undisturbed"
    copy_past(tmp_path / "past", undisturbed)
    happenings = short_week(undisturbed, world)
    live(undisturbed, happenings, morning, run_here(settings_in(undisturbed)), print)

    with listening() as alarms:
        copy_past(tmp_path / "past", tmp_path, alarms.url)
        prefect = Prefect(tmp_path, start)
        prefect.set_up()
        run, noon = run_by_prefect(prefect, {morning: "run"}), at(TUESDAY, "12:05")
        runs = live(tmp_path, short_week(tmp_path, world), noon, run, print)
        expected = {
            ("prefect.flow-run.Crashed", "update"),
            ("reelstore.drift.alarm", str(TUESDAY)),
        }
        prefect.wait_for(lambda: expected <= alarms.subjects)

    assert [each.state for each in runs] == ["Crashed", "Completed"]
    assert alarms.subjects == expected
    stores = [open_existing_store(each / "store", None) for each in (undisturbed, tmp_path)]
    assert published(stores[0]) == published(stores[1])
    numbers = SiteNumbers(stores[1], tmp_path / "site")
    numbers.check()
    assert numbers.comparison.num_compared > 1_000
