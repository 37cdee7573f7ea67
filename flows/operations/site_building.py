"""The operation: the pages of the site, made anew from the store where what they tell has changed.

The site is derived: what is in its folder may be deleted at any time, and the next build makes it
again.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from featurestore.extraction import work_limits
from featurestore.extraction.work_limits import WorkLimits
from flows.operations.site_contents import site_paths
from flows.operations.site_contents.day_contents import find_day, read_day
from flows.operations.site_contents.mistake_contents import mistake_sources, read_mistakes
from flows.operations.site_contents.model_contents import model_sources, read_model
from flows.operations.site_contents.store_overview import read_overview
from flows.operations.site_contents.strips import FOLDER as STRIPS_FOLDER
from flows.operations.site_contents.strips import Strips
from flows.operations.status import PartitionStatus, StoreStatus, store_status
from modeling.evaluation.site import page
from modeling.evaluation.site.day_page import day_page
from modeling.evaluation.site.home_page import home_page
from modeling.evaluation.site.mistakes_page import mistakes_page
from modeling.evaluation.site.model_page import model_page
from modeling.evaluation.site.page import Place, Shell
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.reporting import SILENT, Reporter
from warehouse.run_all import raise_any, run_all
from warehouse.storage import disk
from warehouse.storage.files import canonical_json, sha256_bytes
from warehouse.store import Store

_STATE, _FORMAT_VERSION = "site.json", 1
_OWN_FOLDERS = ("days", "models", STRIPS_FOLDER, "library")


@dataclass(frozen=True)
class BuiltSite:
    """What a build has done."""

    home: Path
    """The page to open."""
    num_pages: int
    rewritten: tuple[str, ...]
    """The paths of the pages that were written."""


@dataclass(frozen=True)
class _Page:
    """A page that the site is to have."""

    place: Place
    sources: Sequence[str] | None
    """Names all that its contents are read from; None where much of it is named by no commit."""
    make: Callable[[Shell], tuple[bytes, Strips]]


def build_site(
    store: Store,
    folder: Path,
    now: datetime,
    *,
    limits: WorkLimits = work_limits.DEFAULT,
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
        reporter: Is told how far it is.

    Raises:
        Invalid: The folder lies in the store, or holds other files than a site's.
        ReelstoreError: Pages could not be made; the others are up to date.
    """
    _check_folder(store, folder)
    status = store_status(store, limits)
    navigation = _navigation(store)
    pages = _pages(store, status, now, reporter)
    builder = _Builder(folder, navigation, _read_state(folder))
    with reporter.progress("site") as show:

        def build(numbered: tuple[int, _Page]) -> None:
            number, each = numbered
            builder.build(each)
            show(number, len(pages))

        _, errors = run_all(enumerate(pages, start=1), build)
    builder.finish()
    raise_any(errors)
    return BuiltSite(folder / site_paths.HOME.path, len(pages), tuple(builder.rewritten))


def _check_folder(store: Store, folder: Path) -> None:
    if folder.resolve().is_relative_to(store.root.resolve()):
        raise Invalid(f"the site's folder {folder} lies in the store: name one outside in site")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _STATE).is_file():
        raise Invalid(
            f"the site's folder {folder} holds other files: name a new or empty one in site"
        )


def _navigation(store: Store) -> list[Place]:
    named = reversed(site_paths.named_models(store).items())
    models = [Place(site_paths.model_path(commit.id), alias) for alias, commit in named]
    return [site_paths.HOME, *models, site_paths.MISTAKES]


def _pages(store: Store, status: StoreStatus, now: datetime, reporter: Reporter) -> list[_Page]:
    def home(shell: Shell) -> tuple[bytes, Strips]:
        return home_page(read_overview(store, status), shell), Strips()

    def mistakes(shell: Shell) -> tuple[bytes, Strips]:
        contents, strips = read_mistakes(store, now, reporter)
        return mistakes_page(contents, shell), strips

    return [
        _Page(site_paths.HOME, None, home),
        *(_day(store, partition) for partition in status.partitions),
        *(_model(store, commit) for commit in site_paths.shown_models(store)),
        _Page(site_paths.MISTAKES, mistake_sources(store), mistakes),
    ]


def _day(store: Store, status: PartitionStatus) -> _Page:
    sources = find_day(store, status.partition)

    def make(shell: Shell) -> tuple[bytes, Strips]:
        contents, strips = read_day(store, sources, status)
        return day_page(contents, shell), strips

    named = [*sources.ids(), repr(status)]
    return _Page(site_paths.day_place(status.partition), named, make)


def _model(store: Store, commit: Commit) -> _Page:
    def make(shell: Shell) -> tuple[bytes, Strips]:
        contents, strips = read_model(store, commit)
        return model_page(contents, shell), strips

    return _Page(site_paths.model_place(store, commit), model_sources(store, commit), make)


class _Builder:
    """Writes pages into a folder, and takes away what no page needs any more.

    Args:
        folder: Of the site.
        navigation: The pages that every page leads to.
        known: What `site.json` says of the pages that are there.
    """

    def __init__(
        self, folder: Path, navigation: Sequence[Place], known: dict[str, dict[str, Any]]
    ) -> None:
        self._folder, self._navigation, self._known = folder, navigation, known
        self._written: dict[str, dict[str, Any]] = {}
        self.rewritten: list[str] = []
        disk.make_folder(folder)
        # A build that is killed leaves its folder a site's, which the next build goes on with.
        self._save(known)

    def build(self, page_: _Page) -> None:
        """Write a page, if its sources are not those that it was written from."""
        path = page_.place.path
        digest = self._digest(page_)
        known = self._known.get(path)
        is_current = digest is not None and known is not None and known["sources"] == digest
        if known is not None and is_current and self._has(path, known["strips"]):
            self._written[path] = known
            return
        payload, strips = page_.make(Shell(page_.place, self._navigation))
        for name, strip in strips.files.items():
            self._write_once(name, strip)
        if self._write(path, payload):
            self.rewritten.append(path)
        self._written[path] = {"sources": digest, "strips": sorted(strips.files)}

    def finish(self) -> None:
        """Write the library and what is known of the pages, and delete what is not needed."""
        library = page.library_files()
        for path, payload in library.items():
            self._write(path, payload)
        self._save(self._written)
        needed = {*library, *self._written}
        needed |= {strip for known in self._written.values() for strip in known["strips"]}
        _delete_others(self._folder, needed)

    def _digest(self, page_: _Page) -> str | None:
        if page_.sources is None:
            return None
        shell = [[place.path, place.name] for place in (page_.place, *self._navigation)]
        return sha256_bytes(canonical_json([page.digest(), shell, list(page_.sources)]))

    def _has(self, path: str, strips: Iterable[str]) -> bool:
        return all((self._folder / name).is_file() for name in (path, *strips))

    def _write(self, path: str, payload: bytes) -> bool:
        file = self._folder / path
        if file.is_file() and file.read_bytes() == payload:
            return False
        disk.make_folder(file.parent, within=self._folder)
        disk.write_file(file, payload)
        return True

    def _write_once(self, path: str, payload: bytes) -> None:
        """Write a file whose name says its bytes; a shorter one is what a killed build left."""
        file = self._folder / path
        if file.is_file() and file.stat().st_size == len(payload):
            return
        disk.make_folder(file.parent, within=self._folder)
        file.unlink(missing_ok=True)
        disk.write_new(file, payload)

    def _save(self, pages: dict[str, dict[str, Any]]) -> None:
        state = {"format_version": _FORMAT_VERSION, "pages": pages}
        self._write(_STATE, canonical_json(state))


def _read_state(folder: Path) -> dict[str, dict[str, Any]]:
    """What is known of the pages; nothing where another version, or nobody, has written them."""
    try:
        state = json.loads((folder / _STATE).read_bytes())
        return dict(state["pages"]) if state["format_version"] == _FORMAT_VERSION else {}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def _delete_others(folder: Path, needed: set[str]) -> None:
    for name in _OWN_FOLDERS:
        for file in sorted((folder / name).rglob("*"), reverse=True):
            if file.is_file() and file.relative_to(folder).as_posix() not in needed:
                file.unlink()
            elif file.is_dir() and not any(file.iterdir()):
                file.rmdir()
