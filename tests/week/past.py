"""Past days that a model has scored: what a simulated week begins with."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.demo.clip_text import vocabulary
from flows.demo.corpus import Corpus
from flows.demo.run import settings_of
from flows.demo.topics import taxonomy_csv
from flows.operations.engine import Engine
from flows.operations.extract import ExtractParameters, extract_features
from flows.operations.landed import find_landed
from flows.operations.retraining import RetrainParameters, retrain
from flows.operations.updating import UpdateParameters, update
from flows.settings import Settings, load_settings
from tests.week.clocked import set_clock
from tests.week.world import World, at
from warehouse.ingest.operation import IngestParameters, ingest_videos, open_or_make

_ROLES = ("unlabeled", "labeled", "score")
_LANDING = """
[[landing]]
source = "manifest"
path = "landing/{role}/{{partition}}/manifest.jsonl"
role = "{role}"
media = "landing/{role}/{{partition}}"
ready = "landing/{role}/{{partition}}/_SUCCESS"
"""


def make_past(folder: Path, world: World) -> None:
    """Make a store of past days, scored and judged by a first champion.

    Args:
        folder: Where settings, landings, store and site go; it may be copied afterwards.
        world: What landed.
    """
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text(vocabulary(), encoding="utf-8")
    (folder / "taxonomy.csv").write_text(taxonomy_csv(), encoding="utf-8")
    places = (Path("taxonomy.csv"), Path("vocab.txt"), Path("truth.csv"))
    settings = settings_of(Corpus(folder, (), *places, digest=""))
    landings = "".join(_LANDING.format(role=role) for role in _ROLES)
    text = settings.replace('preset = "demo"', 'preset = "experts"') + landings
    (folder / "reelstore.toml").write_text(text, encoding="utf-8")
    world.land_past(folder / "landing")
    evening = at(world.first_day - timedelta(days=1), "20:00")
    set_clock(folder, evening)
    _live_past(settings_in(folder), evening)


def _live_past(settings: Settings, evening: datetime) -> None:
    """Extract all that has landed, train a first champion, and let it score and judge all days."""
    now, store = evening.astimezone(UTC), open_or_make(settings.root, settings.catalog_url)
    for landed in find_landed(settings.folder, settings.landing):
        parameters = IngestParameters(
            source=landed.landing.source,
            annotations=landed.annotations,
            partition=landed.partition,
            role=landed.landing.role,
            media=landed.media,
        )
        ingest_videos(
            settings.root, settings.catalog_url, parameters, now, taxonomy=settings.taxonomy
        )
    # One encoder for all partitions, where `update` loads one for each.
    extract_features(store, settings, ExtractParameters(), now)
    retrain(store, settings, RetrainParameters(), now)
    update(settings, UpdateParameters(), now, engine=Engine())


def settings_in(folder: Path) -> Settings:
    """Read the settings of a folder."""
    os.environ["REELSTORE_CONFIG"] = str(folder / "reelstore.toml")
    return load_settings()


def copy_past(past: Path, folder: Path, webhook: str | None = None) -> None:
    """Begin a week from a copy of the past.

    Args:
        past: As `make_past` has made it.
        folder: Of the week; may be there.
        webhook: An address that alarms go to.
    """
    shutil.copytree(past, folder, dirs_exist_ok=True)
    settings = folder / "reelstore.toml"
    first = f'alarm_webhook = "{webhook}"\n' if webhook else ""
    settings.write_text(first + settings.read_text(encoding="utf-8"), encoding="utf-8")
