"""Requests to a bucket, with errors that say what to do and never hold a key."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from warehouse.errors import Invalid, Retryable
from warehouse.storage.s3.s3_root import S3Root

RETRIES: Final[Any] = {"max_retries": 10, "retry_timeout": timedelta(minutes=2)}
"""Of a request that was refused or cut off; they wait longer and longer."""

_IS_ADDRESS: Final = re.compile(r"AWS_(METADATA_)?ENDPOINT(_URL\w*)?")
_NOISE: Final = re.compile(r"Error performing \w+ .*? - ")
"""What obstore says of a request before it says what was wrong; its address may hold a password."""
_SECRETS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_WHOLE_BYTES: Final = 64 * 2**20
"""Larger files are put in parts of which a server makes one object."""
_CHUNK_BYTES: Final = 4 * 2**20
_SAID_CHARS: Final = 200
_NO: Final = ("", "0", "false", "off", "no", "n")
_SEE_SERVER: Final = "see that its server answers"
_GIVE_KEYS: Final = "give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or grant this machine a role"
_REFUSED: Final = (
    PermissionError,
    PermissionDeniedError,
    UnauthenticatedError,
)


class Requests:
    """The requests that storage makes; keys are below the root's prefix."""

    def __init__(self, root: S3Root) -> None:
        self._root = root
        check_variables(os.environ)
        try:
            # Several servers know no request that deletes many objects.
            self._store = S3Store(
                root.bucket,
                prefix=root.prefix or None,
                config={"disable_bulk_delete": True},
                retry_config=RETRIES,
            )
        except BaseError as error:
            raise Invalid(
                f"{root} cannot be used ({_said(error)}): correct the variables AWS_*"
            ) from None

    def get(self, key: str) -> bytes:
        """Read an object; raises FileNotFoundError where there is none."""
        with self._reported(key):
            return bytes(obstore.get(self._store, key).bytes())

    def get_range(self, key: str, start: int, num_bytes: int) -> bytes:
        """Read a part of an object that begins inside of it; raises as for `get`."""
        with self._reported(key):
            return bytes(obstore.get_range(self._store, key, start=start, length=num_bytes))

    def stream(self, key: str) -> Iterator[bytes]:
        """Read an object in chunks; raises as for `get`."""
        with self._reported(key):
            for chunk in obstore.get(self._store, key).stream(min_chunk_size=_CHUNK_BYTES):
                yield bytes(chunk)

    def size_bytes(self, key: str) -> int | None:
        """The length of an object; None where there is none."""
        with contextlib.suppress(FileNotFoundError), self._reported(key):
            return int(obstore.head(self._store, key)["size"])
        return None

    def put(self, key: str, payload: bytes) -> None:
        """Write an object, in place of any of that key."""
        with self._reported(key):
            obstore.put(self._store, key, payload, use_multipart=len(payload) > _WHOLE_BYTES)

    def create(self, key: str, payload: bytes) -> bool:
        """Write an object unless there is one of that key; tells whether it was written."""
        with self._reported(key):
            try:
                obstore.put(self._store, key, payload, mode="create", use_multipart=False)
            except AlreadyExistsError:
                # A reply that was lost is asked for again, and then the object is our own.
                with contextlib.suppress(FileNotFoundError, NotFoundError):
                    return bytes(obstore.get(self._store, key).bytes()) == payload
                return False
        return True

    def list(self, prefix: str, after: str = "") -> Iterator[Mapping[str, Any]]:
        """List what is below a folder, with `path`, `size` and `last_modified`, by key.

        Args:
            prefix: The folder's key.
            after: Only keys that sort after it are listed.
        """
        with self._reported(prefix):
            for block in obstore.list(self._store, prefix=prefix, offset=after or None):
                yield from cast("Sequence[Mapping[str, Any]]", block)

    def children(self, prefix: str) -> Sequence[str]:
        """List the names in a folder itself, sorted."""
        with self._reported(prefix):
            listed = obstore.list_with_delimiter(self._store, prefix=prefix)
        keys = [*listed["common_prefixes"], *(each["path"] for each in listed["objects"])]
        return sorted(key.rstrip("/").rpartition("/")[2] for key in keys)

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are gone already are no mistake."""
        with (
            self._reported(keys[0] if keys else ""),
            contextlib.suppress(FileNotFoundError, NotFoundError),
        ):
            if keys:
                obstore.delete(self._store, list(keys))

    @contextlib.contextmanager
    def _reported(self, key: str) -> Iterator[None]:
        place = self._root.place / key
        try:
            yield
        except (FileNotFoundError, NotFoundError) as error:
            if "NoSuchBucket" in str(error):
                raise Invalid(
                    f"there is no bucket {self._root.bucket}: make it, or name another root"
                ) from None
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(place)) from None
        except _REFUSED as error:
            raise Invalid(
                f"{place} cannot be used ({_said(error)}): correct AWS_ACCESS_KEY_ID and its"
                " secret, or what they are granted"
            ) from None
        except (BaseError, OSError) as error:
            given = os.environ.get("AWS_ACCESS_KEY_ID")
            raise Retryable(
                f"{place} cannot be used ({_said(error)}):"
                f" {_SEE_SERVER if given else _GIVE_KEYS}, then run again"
            ) from None


def check_variables(environment: Mapping[str, str]) -> None:
    """Refuse variables of which obstore would end the process, or say nothing that helps.

    Args:
        environment: All variables.

    Raises:
        Invalid: One of AWS_* has a wrong value, which is not shown.
    """
    for name, value in sorted(environment.items()):
        if name.startswith("AWS_") and not (value.isascii() and value.isprintable()):
            raise Invalid(f"{name} holds a line break or another sign that none has: correct it")
        if _IS_ADDRESS.fullmatch(name) and not _is_address(value):
            raise Invalid(
                f"{name} is no address of http:// or https://, with a host and perhaps a port:"
                " correct it"
            )
    is_open = environment.get("AWS_ENDPOINT_URL", "").startswith("http:")
    if is_open and environment.get("AWS_ALLOW_HTTP", "").lower() in _NO:
        raise Invalid(
            "AWS_ENDPOINT_URL is without TLS: set AWS_ALLOW_HTTP=true, or name an address of"
            " https://"
        )


def _is_address(words: str) -> bool:
    try:
        parts = urlsplit(words)
        port = parts.port
    except ValueError:
        return False
    is_host = bool(parts.hostname) and " " not in words and "@" not in parts.netloc
    return parts.scheme in ("http", "https") and is_host and port != 0


def _said(error: Exception) -> str:
    words = _NOISE.sub("", " ".join(str(error).partition("Debug source")[0].split()))
    for name in _SECRETS:
        secret = os.environ.get(name)
        if secret:
            words = words.replace(secret, "***")
    return words[:_SAID_CHARS]


_forked: Final = list[bool]()


def _note_fork() -> None:
    if _make_requests.cache_info().currsize:
        _forked.append(True)


@lru_cache(maxsize=8)
def _make_requests(root: S3Root) -> Requests:
    return Requests(root)


def requests_of(root: S3Root) -> Requests:
    """The requests to a root, one pool of connections in each process.

    Raises:
        Invalid: This process was forked from one that had made requests, whose threads it lacks.
    """
    if _forked:
        raise Invalid(
            f"a forked process cannot read {root}: start workers by spawn or forkserver, such as"
            ' multiprocessing_context="spawn" of a DataLoader'
        )
    return _make_requests(root)


os.register_at_fork(after_in_child=_note_fork)
