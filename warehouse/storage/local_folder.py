"""A local folder as storage: files are staged beside their names and renamed."""

import contextlib
import math
import os
import secrets
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import ClassVar

from warehouse.storage import disk, files
from warehouse.storage.files import FileEntry

STAGING = "staging"
"""The folder of what is not published yet, and of what waits to be deleted."""


@dataclass(frozen=True)
class LocalFolder:
    """The `Storage` of one machine, or of several that share a file system."""

    root: Path
    """The absolute folder that holds every file."""
    compares_puts: ClassVar[bool] = False

    @property
    def place(self) -> Path:
        """As `Storage.place`."""
        return self.root

    def read(self, key: str) -> bytes:
        """As `Storage.read`."""
        return (self.root / key).read_bytes()

    def read_range(self, key: str, start: int, num_bytes: int) -> bytes:
        """As `Storage.read_range`."""
        with (self.root / key).open("rb") as file:
            file.seek(start)
            return file.read(num_bytes)

    def exists(self, key: str) -> bool:
        """As `Storage.exists`."""
        return (self.root / key).exists()

    def put_if_absent(self, key: str, payload: bytes) -> bool:
        """As `Storage.put_if_absent`."""
        path = self.root / key
        disk.make_folder(path.parent, within=self.root)
        return disk.write_if_absent(path, payload)

    def put_numbered(self, key: str, payload: bytes) -> bool:
        """As `Storage.put_numbered`: the catalog's lock lets one writer in at a time."""
        return self.put_if_absent(key, payload)

    def finish_numbered(self, prefix: str) -> None:
        """As `Storage.finish_numbered`: a name is given at once, so nothing is left."""

    def stage(self, staging_id: str, name: str, payload: bytes) -> None:
        """As `Storage.stage`."""
        disk.write_file(self._staging(staging_id) / name, payload)

    def begin_staging(self, staging_id: str) -> None:
        """As `Storage.begin_staging`."""
        disk.make_folder(self._staging(staging_id), within=self.root)

    def staged_path(self, staging_id: str, name: str, entry: FileEntry) -> Path:  # noqa: ARG002 - the protocol's
        """As `Storage.staged_path`."""
        return self._staging(staging_id) / name

    def stage_published(self, staging_id: str, folder: str, names: Iterable[str]) -> None:
        """As `Storage.stage_published`: links, where the file system has them."""
        disk.link_files(self.root / folder, self._staging(staging_id), names)

    def end_staging(self, staging_id: str) -> None:
        """As `Storage.end_staging`, with what earlier attempts have built beside it."""
        for folder in sorted((self.root / STAGING).glob(f"{staging_id}*")):
            disk.remove_tree(folder)

    def put_folder_if_absent(
        self,
        key: str,
        staging_id: str,
        entries: Mapping[str, FileEntry],
        written: Mapping[str, bytes],
        gives_way: Callable[[], bool],
    ) -> bool:
        """As `Storage.put_folder_if_absent`: the files become visible all at once."""
        staged, target = self._staging(staging_id), self.root / key
        # Built of links in a folder of its own: another run may be publishing the same files.
        built = staged.with_name(f"{staged.name}-{secrets.token_hex(4)}")
        disk.make_unsynced_folder(built)
        disk.link_files(staged, built, entries)
        for name, payload in written.items():
            disk.write_new(built / name, payload)
        disk.sync_folder(built)
        disk.make_folder(target.parent, within=self.root)
        is_new = disk.rename_folder(built, target)
        if not is_new and gives_way():
            # Files that were taken back from the target are on disk in no other folder yet.
            disk.sync_folder(staged)
            disk.rename_folder(target, built.with_name(f"{built.name}-replaced"))
            is_new = disk.rename_folder(built, target)
        # A folder that was there needs it too: its run may have been stopped just before this.
        disk.sync_folder(target.parent)
        return is_new

    def published_path(self, folder: str, name: str, entry: FileEntry) -> Path:  # noqa: ARG002 - the protocol's
        """As `Storage.published_path`: the file itself."""
        return self.root / folder / name

    def fault(self, folder: str, name: str, entry: FileEntry) -> str | None:
        """As `Storage.fault`."""
        return files.fault(self.root / folder / name, entry)

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        """As `Storage.list`; links are not followed."""
        for folder, _, names in os.walk(self.root / prefix):
            above = Path(folder).relative_to(self.root).as_posix()
            for name in names:
                key = f"{above}/{name}"
                if key > after and not disk.is_staging(name):
                    yield key

    def children(self, prefix: str) -> Sequence[str]:
        """As `Storage.children`; links are left out."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            paths = (self.root / prefix).iterdir()
            return sorted(path.name for path in paths if not path.is_symlink())
        return []

    def written_at(self, key: str) -> float:
        """As `Storage.written_at`, of all folders on the way too."""
        return max((status.st_mtime for status in self._statuses(key)), default=math.inf)

    def size_bytes(self, key: str) -> int:
        """As `Storage.size_bytes`; a file with several names counts under each."""
        regular = (status for status in self._statuses(key) if stat.S_ISREG(status.st_mode))
        return sum(status.st_size for status in regular)

    def put_away(self, key: str) -> str:
        """As `Storage.put_away`."""
        away = f"{STAGING}/removed-{secrets.token_hex(8)}"
        disk.make_folder(self.root / STAGING, within=self.root)
        with contextlib.suppress(FileNotFoundError):
            disk.rename_folder(self.root / key, self.root / away)
        return away

    def delete(self, key: str) -> None:
        """As `Storage.delete`."""
        path = self.root / key
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return  # another run may make it again at once
        if stat.S_ISDIR(mode):
            disk.remove_tree(path)
        else:
            disk.remove_file(path)

    def tidy(self, prefix: str) -> None:
        """As `Storage.tidy`."""
        for path in (self.root / prefix).glob(".*"):
            if disk.is_staging(path.name):
                disk.remove_file(path)

    def sync(self, key: str) -> None:
        """As `Storage.sync`."""
        with contextlib.suppress(FileNotFoundError):
            disk.sync_folder(self.root / key)

    def sweep(
        self,
        needed: Callable[[], Collection[str]],  # noqa: ARG002 - the protocol's
        before: float,  # noqa: ARG002
        *,
        dry_run: bool,  # noqa: ARG002
    ) -> int:
        """As `Storage.sweep`: each folder has its own files."""
        return 0

    def _staging(self, staging_id: str) -> Path:
        return self.root / STAGING / staging_id

    def _statuses(self, key: str) -> Iterator[os.stat_result]:
        """Of a folder and all below it, as far as it is there.

        The run that owns it may be removing it meanwhile.
        """
        top = self.root / key
        below = (
            Path(folder, name)
            for folder, folders, names in os.walk(top)
            for name in folders + names
        )
        for path in chain([top], below):
            with contextlib.suppress(FileNotFoundError):
                yield path.lstat()
