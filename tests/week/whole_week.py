"""A whole week: what lands and what people do between two retrainings, and what is killed then."""

from datetime import date, timedelta
from functools import partial
from pathlib import Path

from tests.week.clips import READY, Clip, write_listing
from tests.week.clocked import reelstore
from tests.week.simulated_days import Happening, Kills, land_in
from tests.week.world import NEW_LABELS, WRONG_LABELS, World, at

SUNDAY = date(2026, 11, 15)
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, NEXT_SUNDAY = (
    SUNDAY + timedelta(days=number) for number in range(1, 8)
)
FORGOTTEN = f"{SUNDAY}-0003"
END = at(NEXT_SUNDAY, "12:05")

KILLS: Kills = {at(TUESDAY, "06:00"): "worker", at(FRIDAY, "06:00"): "server"}


def whole_week(folder: Path, world: World) -> list[Happening]:
    """List what happens from a Saturday evening to the Sunday after the next one.

    Seven days land, from Sunday to Saturday: Monday's is late, Wednesday's has drifted, Thursday's
    is a torn listing first and has broken media then, Friday's has lost its texts, and Tuesday's is
    sent again changed. Labels land before each retraining: of a topic that the champion has never
    seen, then such as have slipped by a column. The second retraining finds an older champion in
    its place, to which somebody went back.

    Args:
        folder: Where it happens.
        world: What lands.
    """

    def land_day(day: date, clips: list[Clip]) -> partial[None]:
        return partial(land_in, folder, "score", str(day), clips)

    def land_torn() -> None:
        land_day(THURSDAY, damaged)()
        thursday = folder / "landing" / "score" / str(THURSDAY)
        write_listing(thursday, '{"video_id": "2026-11-19-00')
        (thursday / READY).touch()

    damaged = world.damaged(THURSDAY)
    saturday, new, wrong = world.day(SATURDAY), world.new_labels(), world.wrong_labels()
    return [
        Happening(
            at(SUNDAY - timedelta(days=1), "20:30"),
            partial(land_in, folder, "labeled", NEW_LABELS, new),
        ),
        Happening(at(SUNDAY, "05:00"), land_day(SUNDAY, world.day(SUNDAY))),
        Happening(at(MONDAY, "20:00"), land_day(MONDAY, world.day(MONDAY))),
        Happening(at(TUESDAY, "05:00"), land_day(TUESDAY, world.day(TUESDAY))),
        Happening(at(WEDNESDAY, "05:00"), land_day(WEDNESDAY, world.drifted(WEDNESDAY))),
        Happening(at(THURSDAY, "05:00"), land_torn),
        Happening(at(THURSDAY, "11:00"), land_day(THURSDAY, damaged)),
        Happening(at(THURSDAY, "11:30"), land_day(TUESDAY, world.corrected(TUESDAY))),
        Happening(at(THURSDAY, "15:00"), partial(reelstore, folder, "rollback", "champion")),
        Happening(at(FRIDAY, "05:00"), land_day(FRIDAY, world.silent(FRIDAY))),
        Happening(at(SATURDAY, "05:00"), land_day(SATURDAY, saturday)),
        Happening(at(SATURDAY, "15:00"), partial(reelstore, folder, "forget", FORGOTTEN)),
        Happening(at(SATURDAY, "20:00"), partial(land_in, folder, "labeled", WRONG_LABELS, wrong)),
    ]
