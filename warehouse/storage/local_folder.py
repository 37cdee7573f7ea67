"""A local folder as storage: files are staged beside their names and renamed."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from warehouse.storage import disk

STAGING = "staging"
"""The folder of what is not published yet, and of what waits to be deleted."""


@dataclass(frozen=True)
class LocalFolder:
    """The `Storage` of one machine, or of several that share a file system."""

    root: Path
    """The absolute folder that holds every file."""

    def read(self, key: str) -> bytes:
        """As `Storage.read`."""
        return (self.root / key).read_bytes()

    def read_range(self, key: str, start: int, num_bytes: int) -> bytes:
        """As `Storage.read_range`."""
        with (self.root / key).open("rb") as file:
            file.seek(start)
            return file.read(num_bytes)

    def put_if_absent(self, key: str, payload: bytes) -> bool:
        """As `Storage.put_if_absent`."""
        path = self.root / key
        disk.make_folder(path.parent, within=self.root)
        return disk.write_if_absent(path, payload)

    def put_folder_if_absent(
        self,
        key: str,
        staged: Path,
        names: Iterable[str],
        written: Mapping[str, bytes],
        gives_way: Callable[[], bool],
    ) -> bool:
        """As `Storage.put_folder_if_absent`: the files become visible all at once."""
        target = self.root / key
        # Built of links in a folder of its own: another run may be publishing the same files.
        built = staged.with_name(f"{staged.name}-{secrets.token_hex(4)}")
        disk.make_unsynced_folder(built)
        disk.link_files(staged, built, names)
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

    def list(self, prefix: str) -> Iterator[str]:
        """As `Storage.list`; links are not followed."""
        for folder, _, names in os.walk(self.root / prefix):
            above = Path(folder).relative_to(self.root).as_posix()
            for name in names:
                if not disk.is_staging(name):
                    yield f"{above}/{name}"

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
        if path.is_dir() and not path.is_symlink():
            disk.remove_tree(path)
        else:
            disk.remove_file(path)

    def tidy(self, prefix: str) -> None:
        """As `Storage.tidy`."""
        for path in (self.root / prefix).glob(".*"):
            if disk.is_staging(path.name):
                disk.remove_file(path)
