"""The operation: the pages of the site, made anew from the store where what they tell has changed.

The site is derived: what is in its folder may be deleted at any time, and the next build makes it
again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from featurestore.extraction import work_limits
from featurestore.extraction.work_limits import WorkLimits
from flows.operations.landing_notes import LandingNote
from flows.operations.partition_update import named
from flows.operations.site_contents import site_paths
from flows.operations.site_contents.day_contents import find_day, read_day
from flows.operations.site_contents.mistake_contents import mistake_sources, read_mistakes
from flows.operations.site_contents.model_contents import model_sources, read_model
from flows.operations.site_contents.store_overview import read_overview
from flows.operations.site_contents.strips import Strips
from flows.operations.site_folder import LOCK, Page, SiteFolder, check_folder
from flows.operations.status import PartitionStatus, StoreStatus, store_status
from modeling.evaluation.site.day_page import day_page
from modeling.evaluation.site.home_page import home_page
from modeling.evaluation.site.mistakes_page import mistakes_page
from modeling.evaluation.site.model_page import model_page
from modeling.evaluation.site.page import Place, Shell
from warehouse.commits import Commit
from warehouse.reporting import SILENT, Reporter
from warehouse.run_all import raise_any, run_all
from warehouse.storage import disk
from warehouse.store import Store


@dataclass(frozen=True)
class BuiltSite:
    """What a build has done."""

    home: Path
    """The page to open."""
    num_pages: int
    rewritten: tuple[str, ...]
    """The paths of the pages that were written."""


def build_site(
    store: Store,
    folder: Path,
    now: datetime,
    *,
    limits: WorkLimits = work_limits.DEFAULT,
    landing_notes: Sequence[LandingNote] = (),
    reporter: Reporter = SILENT,
) -> BuiltSite:
    """Bring the pages in a folder up to date with the store.

    A page whose sources are the same as when it was written is left alone. One that cannot be made
    is taken away, and stops no other.

    Args:
        store: What the pages tell of.
        folder: Of the site; made where it is missing.
        now: In UTC.
        limits: On one video's work, as they are now.
        landing_notes: What the first page tells of landings.
        reporter: Is told how far it is.

    Raises:
        Invalid: The folder lies in the store, or holds other files than a site's.
        ReelstoreError: Pages could not be made; the others are up to date.
    """
    check_folder(store, folder)
    disk.make_folder(folder)
    with disk.locked(folder / LOCK):
        status = store_status(store, limits)
        pages = _pages(store, status, landing_notes, now, reporter)
        return _build(pages, SiteFolder(folder, _navigation(store)), reporter)


def _build(pages: Sequence[Page], site: SiteFolder, reporter: Reporter) -> BuiltSite:
    with reporter.progress("site") as show:

        def build(numbered: tuple[int, Page]) -> None:
            number, each = numbered
            named(each.place.path, lambda: site.build(each))
            show(number, len(pages))

        _, errors = run_all(enumerate(pages, start=1), build)
    site.finish()
    raise_any(errors)
    home = site.folder / site_paths.HOME.path
    return BuiltSite(home, len(pages), tuple(site.rewritten))


def _navigation(store: Store) -> list[Place]:
    named = reversed(site_paths.named_models(store).items())
    models = [Place(site_paths.model_path(commit.id), alias) for alias, commit in named]
    return [site_paths.HOME, *models, site_paths.MISTAKES]


def _pages(
    store: Store,
    status: StoreStatus,
    notes: Sequence[LandingNote],
    now: datetime,
    reporter: Reporter,
) -> list[Page]:
    def home(shell: Shell) -> tuple[bytes, Strips]:
        return home_page(read_overview(store, status, notes), shell), Strips()

    def mistakes(shell: Shell) -> tuple[bytes, Strips]:
        contents, strips = read_mistakes(store, now, reporter)
        return mistakes_page(contents, shell), strips

    return [
        Page(site_paths.HOME, None, home),
        *(_day(store, partition) for partition in status.partitions),
        *(_model(store, commit) for commit in site_paths.shown_models(store)),
        Page(site_paths.MISTAKES, mistake_sources(store), mistakes),
    ]


def _day(store: Store, status: PartitionStatus) -> Page:
    sources = find_day(store, status.partition)

    def make(shell: Shell) -> tuple[bytes, Strips]:
        contents, strips = read_day(store, sources, status)
        return day_page(contents, shell), strips

    named = [*sources.ids(), repr(status)]
    return Page(site_paths.day_place(status.partition), named, make)


def _model(store: Store, commit: Commit) -> Page:
    def make(shell: Shell) -> tuple[bytes, Strips]:
        contents, strips = read_model(store, commit)
        return model_page(contents, shell), strips

    return Page(site_paths.model_place(store, commit), model_sources(store, commit), make)
