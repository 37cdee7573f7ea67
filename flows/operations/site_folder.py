"""The folder of the site: which pages are there, what they were made from, and what is needed.

`site.json` keeps the digest of each page's sources, so that a page is made once for them.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.operations.site_contents.strips import FOLDER as STRIPS_FOLDER
from flows.operations.site_contents.strips import Strips
from modeling.evaluation.site import page
from modeling.evaluation.site.page import Place, Shell
from warehouse.errors import Invalid
from warehouse.storage import disk
from warehouse.storage.files import canonical_json, sha256_bytes
from warehouse.store import Store

LOCK = ".lock"
_STATE, _FORMAT_VERSION = "site.json", 1
_READERS_VERSION = 1
"""Raised where the readers of the store make other contents of the same sources."""
_OWN_FOLDERS = ("days", "models", STRIPS_FOLDER, "library")


@dataclass(frozen=True)
class Page:
    """A page that the site is to have."""

    place: Place
    sources: Sequence[str] | None
    """Names all that its contents are read from; None where much of it is named by no commit."""
    make: Callable[[Shell], tuple[bytes, Strips]]


def is_site(folder: Path) -> bool:
    """Whether a folder holds a site."""
    return (folder / _STATE).is_file()


def check_folder(store: Store, folder: Path) -> None:
    """Refuse a folder that no site may be made in.

    Args:
        store: The site lies outside of it.
        folder: May be missing.

    Raises:
        Invalid: It lies in the store, or holds other files than a site's.
    """
    if folder.resolve().is_relative_to(store.root.resolve()):
        raise Invalid(f"the site's folder {folder} lies in the store: name one outside in site")
    names = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    # What a build leaves that was killed before it had written anything else.
    others = {name for name in names if name != LOCK and not disk.is_staging(name)}
    if others and _STATE not in others:
        raise Invalid(
            f"the site's folder {folder} holds other files: name a new or empty one in site"
        )


class SiteFolder:
    """A folder of pages: those whose sources have changed are written, what none needs is deleted.

    Args:
        folder: Of the site.
        navigation: The pages that every page leads to.
    """

    def __init__(self, folder: Path, navigation: Sequence[Place]) -> None:
        self.folder, self._navigation = folder, navigation
        self._known = _read_state(folder)
        self._written: dict[str, dict[str, Any]] = {}
        self.rewritten: list[str] = []
        # A build that is killed leaves its folder a site's, which the next build goes on with.
        self._save(self._known)

    def build(self, wanted: Page) -> None:
        """Write a page, if its sources are not those that it was written from."""
        path = wanted.place.path
        digest = self._digest(wanted)
        known = self._known.get(path)
        is_current = digest is not None and known is not None and known["sources"] == digest
        if known is not None and is_current and self._has(path, known["strips"]):
            self._written[path] = known
            return
        payload, strips = wanted.make(Shell(wanted.place, self._navigation))
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
        _delete_others(self.folder, needed)

    def _digest(self, wanted: Page) -> str | None:
        if wanted.sources is None:
            return None
        shell = [[place.path, place.name] for place in (wanted.place, *self._navigation)]
        made_by = [page.digest(), _READERS_VERSION, shell, list(wanted.sources)]
        return sha256_bytes(canonical_json(made_by))

    def _has(self, path: str, strips: Iterable[str]) -> bool:
        return all((self.folder / name).is_file() for name in (path, *strips))

    def _write(self, path: str, payload: bytes) -> bool:
        file = self.folder / path
        if file.is_file() and file.read_bytes() == payload:
            return False
        disk.make_folder(file.parent, within=self.folder)
        disk.write_file(file, payload)
        return True

    def _write_once(self, path: str, payload: bytes) -> None:
        """Write a file whose name says its bytes; a shorter one is what a killed build left."""
        file = self.folder / path
        if file.is_file() and file.stat().st_size == len(payload):
            return
        disk.make_folder(file.parent, within=self.folder)
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
    for file in folder.iterdir():
        is_page = file.suffix == ".html" and file.name not in needed
        if is_page or disk.is_staging(file.name):
            file.unlink()
    for name in _OWN_FOLDERS:
        for file in sorted((folder / name).rglob("*"), reverse=True):
            if file.is_file() and file.relative_to(folder).as_posix() not in needed:
                file.unlink()
            elif file.is_dir() and not any(file.iterdir()):
                file.rmdir()
