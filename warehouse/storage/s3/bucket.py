"""A bucket as storage.

The bytes of a file lie at `objects/<sha256>`, where staging puts them; a folder is published by the
small files beside them, the manifest last. So a kill at any moment leaves objects that the next run
uses or `sweep` removes, and nobody ever sees a folder that is not whole.
"""

import contextlib
import hashlib
import math
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from warehouse.errors import Invalid
from warehouse.storage import files
from warehouse.storage.files import FileEntry
from warehouse.storage.s3.cache import Cache
from warehouse.storage.s3.requests import Requests, requests_of
from warehouse.storage.s3.s3_root import S3Place, S3Root

_OBJECTS: Final = "objects"
_CLAIMS: Final = "claims"
_PROBES: Final = "probes"
_REQUESTS_AT_ONCE: Final = 16


@dataclass(frozen=True)
class Bucket:
    """The `Storage` of any number of machines that share a bucket."""

    root: S3Root
    """Where it is."""
    compares_puts: ClassVar[bool] = True

    @property
    def place(self) -> S3Place:
        """As `Storage.place`."""
        return self.root.place

    def read(self, key: str) -> bytes:
        """As `Storage.read`."""
        return self._requests.get(key)

    def read_range(self, key: str, start: int, num_bytes: int) -> bytes:
        """As `Storage.read_range`."""
        return self._requests.get_range(key, start, num_bytes)

    def exists(self, key: str) -> bool:
        """As `Storage.exists`."""
        below = next(self._requests.list(key), None)
        return below is not None or self._requests.size_bytes(key) is not None

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        """As `Storage.list`: keys that are not wanted cost no request."""
        return (str(each["path"]) for each in self._requests.list(prefix, after))

    def children(self, prefix: str) -> Sequence[str]:
        """As `Storage.children`."""
        return self._requests.children(prefix)

    def written_at(self, key: str) -> float:
        """As `Storage.written_at`, of a folder."""
        moments = (each["last_modified"].timestamp() for each in self._requests.list(key))
        return max(moments, default=math.inf)

    def size_bytes(self, key: str) -> int:
        """As `Storage.size_bytes`."""
        return sum(int(each["size"]) for each in self._requests.list(key))

    def put_if_absent(self, key: str, payload: bytes) -> bool:
        """As `Storage.put_if_absent`."""
        return self._requests.create(key, payload)

    def put_numbered(self, key: str, payload: bytes) -> bool:
        """As `Storage.put_numbered`: the number is taken by an object of its own.

        It holds all that `finish_numbered` needs, and goes once the file is there.
        """
        number, _, _ = key.partition("-")
        claim = f"{_CLAIMS}/{number}"
        if not self._requests.create(claim, key.encode() + b"\n" + payload):
            return False
        is_free = not any(True for _ in self._keys_of(number))
        if is_free:
            self._requests.put(key, payload)
        self._requests.delete([claim])
        return is_free

    def finish_numbered(self, prefix: str) -> None:
        """As `Storage.finish_numbered`."""
        for claim in sorted(self.list(f"{_CLAIMS}/{prefix}")):
            with contextlib.suppress(FileNotFoundError):  # its writer has finished meanwhile
                key, _, payload = self._requests.get(claim).partition(b"\n")
                number = claim.removeprefix(f"{_CLAIMS}/")
                if not any(True for _ in self._keys_of(number)):
                    self._requests.create(key.decode(), payload)
                self._requests.delete([claim])

    def delete(self, key: str) -> None:
        """As `Storage.delete`."""
        # By name, so that a manifest goes before what it speaks of.
        self._requests.delete([*sorted(self.list(key)), key])

    def put_away(self, key: str) -> str:
        """As `Storage.put_away`: a bucket has no other names, so all is gone at once."""
        self.delete(key)
        return key

    def tidy(self, prefix: str) -> None:
        """As `Storage.tidy`."""
        self.finish_numbered(prefix)
        self._requests.delete(list(self.list(_PROBES)))

    def sync(self, key: str) -> None:
        """As `Storage.sync`: an answered request is kept."""

    def begin_staging(self, staging_id: str) -> None:
        """As `Storage.begin_staging`: an object belongs to no folder."""

    def stage(self, staging_id: str, name: str, payload: bytes) -> None:  # noqa: ARG002 - the protocol's
        """As `Storage.stage`."""
        entry = files.describe(payload)
        if self._cache.find(entry) is None:
            self._cache.add(entry, [payload], name)
        self._requests.put(_object(entry), payload)

    def staged_path(self, staging_id: str, name: str, entry: FileEntry) -> Path:
        """As `Storage.staged_path`: another machine may have staged it."""
        try:
            return self.published_path("", name, entry)
        except FileNotFoundError:
            return self.root.home / "staging" / staging_id / name

    def stage_published(self, staging_id: str, folder: str, names: Iterable[str]) -> None:
        """As `Storage.stage_published`: the objects are there."""

    def end_staging(self, staging_id: str) -> None:
        """As `Storage.end_staging`: what nothing needs is swept."""

    def put_folder_if_absent(
        self,
        key: str,
        staging_id: str,  # noqa: ARG002 - the protocol's
        entries: Mapping[str, FileEntry],
        written: Mapping[str, bytes],
        gives_way: Callable[[], bool],
    ) -> bool:
        """As `Storage.put_folder_if_absent`: the last written file makes it visible."""
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as threads:
            for _ in threads.map(self._require_object, entries.values()):
                pass
        *_, last = written
        is_taken = self._requests.size_bytes(f"{key}/{last}") is not None
        if is_taken:
            if not gives_way():
                return False
            self.delete(key)
        is_new = True
        for name, payload in written.items():
            is_new = self._requests.create(f"{key}/{name}", payload)
        return is_new

    def _require_object(self, entry: FileEntry) -> None:
        """Have an object be there; what was swept meanwhile is put again from the cache."""
        if self._requests.size_bytes(_object(entry)) == entry.size_bytes:
            return
        path = self._cache.find(entry)
        if path is None:
            raise FileNotFoundError(str(self.place / _object(entry)))
        self._requests.put(_object(entry), path.read_bytes())

    def published_path(self, folder: str, name: str, entry: FileEntry) -> Path:  # noqa: ARG002
        """As `Storage.published_path`: in the cache, where all its bytes were checked."""
        path = self._cache.find(entry)
        if path is not None:
            return path
        key = _object(entry)
        return self._cache.add(entry, self._requests.stream(key), str(self.place / key))

    def fault(self, folder: str, name: str, entry: FileEntry) -> str | None:  # noqa: ARG002
        """As `Storage.fault`: reads the bucket, not the cache."""
        size_bytes, hashed = 0, hashlib.sha256()
        try:
            for chunk in self._requests.stream(_object(entry)):
                size_bytes += len(chunk)
                hashed.update(chunk)
        except FileNotFoundError:
            return "is missing"
        if size_bytes != entry.size_bytes:
            return f"has {size_bytes} bytes instead of {entry.size_bytes}"
        return None if hashed.hexdigest() == entry.sha256 else "has changed bytes"

    def sweep(self, needed: Callable[[], Collection[str]], before: float, *, dry_run: bool) -> int:
        """As `Storage.sweep`, with what this machine's cache holds of them."""
        kept = needed()
        listed = list(self._requests.list(_OBJECTS))
        swept = [
            each
            for each in listed
            if _sha256_of(each["path"]) not in kept and each["last_modified"].timestamp() < before
        ]
        if not dry_run:
            self._requests.delete([each["path"] for each in swept])
            there, gone = ({_sha256_of(each["path"]) for each in some} for some in (listed, swept))
            self._cache.retain(there - gone)
        return sum(int(each["size"]) for each in swept)

    def require_create_if_absent(self) -> None:
        """Refuse a server that lets the second of two creates of one key win.

        Raises:
            Invalid: It does, or it does not let this process in.
        """
        key, payloads = f"{_PROBES}/{secrets.token_hex(16)}", (b"first", b"second")
        written = [self._requests.create(key, payload) for payload in payloads]
        kept = self._requests.get(key)
        self._requests.delete([key])
        if written != [True, False] or kept != payloads[0]:
            raise Invalid(
                f"the server of {self.place} does not keep If-None-Match (the second of two"
                " creates of one object won), so that two writers could take each other's place:"
                " use a server that does"
            )

    def _keys_of(self, number: str) -> Iterator[str]:
        folder = number.rpartition("/")[0]
        return (key for key in self.list(folder) if key.startswith(f"{number}-"))

    @property
    def _requests(self) -> Requests:
        return requests_of(self.root)

    @property
    def _cache(self) -> Cache:
        return Cache(self.root.home, self.root.cache_bytes)


def _object(entry: FileEntry) -> str:
    return f"{_OBJECTS}/{entry.sha256}"


def _sha256_of(key: str) -> str:
    return key.rpartition("/")[2]
