"""Which videos are held out for validation.

Decided by content alone, before anything is extracted.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from warehouse import commits, formats
from warehouse.commits import Address, Commit, Draft, Facts
from warehouse.errors import Conflict, Corrupt
from warehouse.storage import files
from warehouse.store import Store

SPLIT = Address("tables/split")
FORMAT_VERSION = 1
MIN_CONTENTS = 10
"""A class with fewer distinct contents is not asked to be on both sides."""

_RANGE = 1 << 256
_LAST_HELD_OUT = ((_RANGE - 1) // 10).to_bytes(32)
_MAX_SALTS = 4096


class SplitFacts(Facts):
    """What the commit of the frozen split is."""

    salt: int


def is_validation(salt: int, content_sha256: str) -> bool:
    """Tell whether a content is held out: its salted digest falls in the lowest tenth of the range.

    Args:
        salt: The frozen salt.
        content_sha256: The medium's digest, or the text's where there is no medium.

    Returns:
        True for about one content in ten.
    """
    return _digest(salt, content_sha256) <= _LAST_HELD_OUT


def fold_of(salt: int, content_sha256: str, num_folds: int) -> int:
    """Tell in which of some folds of about one size a content lies, counted from 0."""
    return _place(salt, content_sha256) * num_folds // _RANGE


def one_sided_categories(
    salt: int, contents: Sequence[str], categories: Sequence[str]
) -> list[str]:
    """List the classes with 10 or more distinct contents that a salt leaves on one side.

    Args:
        salt: The salt.
        contents: The content digest of each labelled video.
        categories: The category of each labelled video.

    Returns:
        Category ids, sorted.
    """
    by_category = _by_category(contents, categories)
    return sorted(category for category, members in by_category if _is_one_sided(salt, members))


def smallest_salt(contents: Sequence[str], categories: Sequence[str]) -> int:
    """Choose the smallest salt that puts every class of 10 or more contents on both sides.

    Args:
        contents: The content digest of each labelled video.
        categories: The category of each labelled video.

    Returns:
        That salt; where none of the first 4096 does, the smallest that leaves the fewest classes on
        one side.
    """
    by_category = _by_category(contents, categories)
    best_salt, fewest = 0, len(by_category) + 1
    for salt in range(_MAX_SALTS):
        num_failed = 0
        for _, members in by_category:
            num_failed += _is_one_sided(salt, members)
            if num_failed >= fewest:
                break
        else:
            best_salt, fewest = salt, num_failed
        if fewest == 0:
            break
    return best_salt


def frozen_salt(store: Store, as_of: datetime | None = None) -> int | None:
    """Read the salt that the first labelled ingest chose.

    Args:
        store: The store.
        as_of: What was known at this moment; what is known where it is None.

    Returns:
        The salt; None before any labelled ingest.

    Raises:
        Corrupt: Its file is not as it was published.
    """
    commit = commits.head(store, SPLIT, as_of)
    return None if commit is None else _salt_of(commit)


def freeze_salt(
    store: Store, contents: Sequence[str], categories: Sequence[str], now: datetime
) -> int:
    """Choose the salt at the first labelled ingest; later ones find it chosen.

    Args:
        store: The store.
        contents: The content digest of each labelled video.
        categories: The category of each labelled video.
        now: The moment, in UTC.

    Returns:
        The frozen salt.

    Raises:
        Retryable: The disk is full or failing, or the catalog is out of reach.
    """
    frozen = frozen_salt(store)
    if frozen is not None:
        return frozen
    salt = smallest_salt(contents, categories)
    payload = files.canonical_json({formats.FIELD: FORMAT_VERSION, "salt": salt})
    staging = commits.stage(store, SPLIT, files.sha256_bytes(payload), now)
    if staging.seen_head is not None:
        return _frozen(store)
    staging.write("split.json", payload)
    try:
        commits.publish(staging, Draft(facts=SplitFacts(salt=salt), num_rows=1), now)
    except Conflict:
        # Another first ingest was faster; its salt counts for all.
        return _frozen(store)
    return salt


def _place(salt: int, content_sha256: str) -> int:
    return int.from_bytes(_digest(salt, content_sha256))


def _digest(salt: int, content_sha256: str) -> bytes:
    return hashlib.sha256(f"{salt}:{content_sha256}".encode()).digest()


def _frozen(store: Store) -> int:
    salt = frozen_salt(store)
    if salt is None:
        raise Corrupt(
            "the frozen split has vanished from the catalog: restore the catalog from a copy"
        )
    return salt


def _salt_of(commit: Commit) -> int:
    payload = commits.read_bytes(commit, "split.json")
    salt: int = formats.read_json(payload, FORMAT_VERSION, commit.folder / "split.json")["salt"]
    return salt


def _by_category(contents: Sequence[str], categories: Sequence[str]) -> list[tuple[str, list[str]]]:
    members: dict[str, set[str]] = defaultdict(set)
    for content, category in zip(contents, categories, strict=True):
        members[category].add(content)
    large = (
        (category, sorted(contents_of))
        for category, contents_of in members.items()
        if len(contents_of) >= MIN_CONTENTS
    )
    # The smallest classes fail most: asked first, they spare the digests of all the others.
    return sorted(large, key=lambda item: (len(item[1]), item[0]))


def _is_one_sided(salt: int, members: Sequence[str]) -> bool:
    first = is_validation(salt, members[0])
    return all(is_validation(salt, member) == first for member in members[1:])
