"""A local cache of files by their digests, for any number of processes of one machine.

A file gets its name once all its bytes are there and have its digest. Each process lists what it
uses in a file that it holds locked as long as it lives; whoever makes room leaves that alone.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from warehouse.errors import Corrupt
from warehouse.storage import disk, files
from warehouse.storage.files import FileEntry

_RECOUNTED_AFTER: Final = 100
"""Files that a process adds before it looks again at what others have added."""
_FILLED: Final = 0.9
"""How full the cache is left by whoever makes room."""
_LEFT_SECONDS: Final = 86_400
"""After which a file that is still being written was left by a killed process."""


@dataclass(frozen=True)
class Cache:
    """A folder of files, each named by its sha256."""

    folder: Path
    """This machine's, absolute; made where it is missing."""
    max_bytes: int
    """How much it holds of what no process is using."""

    def find(self, entry: FileEntry) -> Path | None:
        """Find a file, and keep it for as long as this process lives.

        Args:
            entry: Its length and digest.

        Returns:
            Its path, all its bytes checked once in this process; None where there is none.
        """
        path = self._use(entry.sha256)
        if not path.exists():
            return None
        if files.fault_once(path, entry) is not None:
            disk.remove_file(path)  # a failing disk, or somebody else's hand
            return None
        with contextlib.suppress(OSError):
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
        return path

    def add(self, entry: FileEntry, chunks: Iterable[bytes], source: str) -> Path:
        """Write a file, unless its bytes are not those of its digest.

        Args:
            entry: Its length and digest.
            chunks: Its bytes.
            source: Where they come from, for the sentence.

        Returns:
            Its path, kept for as long as this process lives.

        Raises:
            Corrupt: They are other bytes.
            Retryable: The disk is full or failing.
        """
        path, hashed = self._use(entry.sha256), hashlib.sha256()
        with disk.whole_file(path) as staging, staging.open("xb") as writer:
            for chunk in chunks:
                hashed.update(chunk)
                writer.write(chunk)
            if hashed.hexdigest() != entry.sha256:
                raise Corrupt(
                    f"{source} has changed bytes: restore it from a copy, or make that commit again"
                )
        state = _state(self, os.getpid())
        state.num_added += 1
        state.size_bytes += entry.size_bytes
        if state.num_added % _RECOUNTED_AFTER == 1 or state.size_bytes > self.max_bytes:
            state.size_bytes = self._make_room()
        return path

    def retain(self, kept: Collection[str]) -> None:
        """Remove all files but some, whoever uses them: what is mapped stays readable.

        Args:
            kept: Their sha256.
        """
        _state(self, os.getpid())
        with _locked(self.folder / "lock", fcntl.LOCK_EX):
            for path, _ in list(_statuses(self.folder / "objects")):
                if path.name not in kept and not disk.is_staging(path.name):
                    disk.remove_file(path)

    def _use(self, sha256: str) -> Path:
        state = _state(self, os.getpid())
        if sha256 not in state.used:
            # Shared with other users, so that nobody makes room between the note and the look.
            with _locked(self.folder / "lock", fcntl.LOCK_SH):
                os.write(state.descriptor, f"{sha256}\n".encode())
            state.used.add(sha256)
        return self.folder / "objects" / sha256

    def _make_room(self) -> int:
        """Remove what was used longest ago until the rest fits; returns what is left."""
        with _locked(self.folder / "lock", fcntl.LOCK_EX):
            used = self._used_by_all()
            found = list(_statuses(self.folder / "objects"))
            total = sum(status.st_size for _, status in found)
            wanted = total if total <= self.max_bytes else self.max_bytes * _FILLED
            for path, status in sorted(found, key=lambda each: (each[1].st_atime_ns, each[0])):
                is_left = (
                    disk.is_staging(path.name) and time.time() - status.st_mtime > _LEFT_SECONDS
                )
                is_free = total > wanted and path.name not in used
                if is_left or (is_free and not disk.is_staging(path.name)):
                    disk.remove_file(path)
                    total -= status.st_size
            return total

    def _used_by_all(self) -> set[str]:
        used = set[str]()
        for path, _ in _statuses(self.folder / "used"):
            with path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    used |= set(file.read().decode().split())
                    continue
            disk.remove_file(path)  # its process has ended
        return used


@dataclass
class _State:
    """What one process knows of a cache."""

    descriptor: int
    """Of the file that lists what it uses, held locked."""
    used: set[str]
    num_added: int = 0
    size_bytes: int = 0
    """Of the cache when it was last counted, and of what was added since."""


@lru_cache(maxsize=64)
def _state(cache: Cache, _process_id: int) -> _State:
    for name in ("objects", "used"):
        disk.make_folder(cache.folder / name)
    path = cache.folder / "used" / secrets.token_hex(8)
    with _locked(cache.folder / "lock", fcntl.LOCK_SH):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return _State(descriptor, set())


@contextlib.contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


def _statuses(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                yield Path(entry.path), entry.stat()
