"""Where a store in a bucket is: `s3://bucket/prefix`, and the local folder of its cache."""

import re
from dataclasses import dataclass
from pathlib import Path, PosixPath

from warehouse.errors import Invalid
from warehouse.storage.files import sha256_bytes

SCHEME = "s3://"
CACHE_BYTES = 50 * 10**9
"""How much a cache holds where nothing else was said."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]*(/[A-Za-z0-9][A-Za-z0-9._=-]*)*")


class S3Place(PosixPath):
    """What people call a key of a bucket. No such file is on this machine."""

    def __str__(self) -> str:
        """Write it as other programs take it."""
        return f"{SCHEME}{super().__str__()}"


@dataclass(frozen=True)
class S3Root:
    """A bucket, a prefix, and this machine's folder for what was read of them.

    Keys and endpoint are taken from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
    AWS_REGION, AWS_ENDPOINT_URL and others of their kind.
    """

    bucket: str
    prefix: str
    """What all keys begin with, without a slash at either end; '' for none."""
    cache: Path
    """The absolute folder of the caches of all buckets."""
    cache_bytes: int
    """How much the cache of this root may hold of what no process is using."""

    def __str__(self) -> str:
        """Write the root as the settings have it."""
        return str(self.place)

    @property
    def place(self) -> S3Place:
        """What people call it."""
        return S3Place(self.bucket) / self.prefix

    @property
    def home(self) -> Path:
        """This machine's own folder for this root."""
        return self.cache / f"{self.bucket}-{sha256_bytes(str(self).encode())[:16]}"


def parse_root(words: str, cache: Path, cache_bytes: int) -> S3Root:
    """Read the root of a store in a bucket.

    Args:
        words: `s3://bucket` or `s3://bucket/prefix`.
        cache: As of `S3Root`.
        cache_bytes: As of `S3Root`.

    Raises:
        Invalid: It is not of that form; it is not shown, as there may be a password in it.
    """
    bucket, _, prefix = words.removeprefix(SCHEME).rstrip("/").partition("/")
    if not _BUCKET.fullmatch(bucket) or (prefix and not _PREFIX.fullmatch(prefix)):
        raise Invalid(
            "the root in a bucket is not s3://bucket/prefix in letters, digits, dots, dashes and"
            " slashes: correct it, and give keys and endpoint in AWS_ACCESS_KEY_ID,"
            " AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL"
        )
    return S3Root(bucket, prefix, cache, cache_bytes)
