"""The four steps that make a commit of staged files.

A pending row says that files are coming; whole files are written and synced in a staging folder;
the folder is renamed to its commit's id; one transaction moves the head, records the commit and
drops the pending row. Killed before the last step, it leaves an orphan that the next run adopts;
killed after it, it is done.
"""

import json
import platform
from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from typing import Any

import sqlalchemy as sa

from warehouse import catalog
from warehouse.clock import timestamp
from warehouse.commits.addresses import Address
from warehouse.commits.commit import MANIFEST, PROVENANCE, Commit, manifest_of
from warehouse.commits.committed_files import verify_commit
from warehouse.commits.draft import Draft
from warehouse.commits.records import forgotten, history, journal, rows
from warehouse.commits.records.history import head, head_attributes
from warehouse.commits.recovery import settling
from warehouse.commits.staging import Staging, StagingGone, stage
from warehouse.errors import Conflict, Corrupt
from warehouse.revision import git_revision
from warehouse.storage import files
from warehouse.storage.files import FileEntry
from warehouse.store import Store

_ATTEMPTS = 100


def publish(staging: Staging, draft: Draft, now: datetime) -> Commit:
    """Publish all staged files as one commit.

    Args:
        staging: The staged files.
        draft: What is said of them.
        now: The moment, in UTC.

    Returns:
        The commit; the one that is there already where its files and facts are the same.

    Raises:
        Conflict: Another run has moved the head to other content since staging was opened.
        Corrupt: The same commit is there already, with damaged files.
        Retryable: The disk is full or failing, the catalog is out of reach, or another run took the
            staged files away.
    """
    store = staging.store
    try:
        entries = staging.entries()
    except StagingGone:
        # The reply to an earlier publish was lost, or another run of the same key was faster.
        if (done := history.of_staging(store, staging.id)) is not None:
            return done
        raise
    commit = unpublished(store, staging.address, entries, draft, now)
    announce(staging, commit)
    place(staging, commit, _provenance(draft.provenance, now))
    return _record(staging, commit, draft)


def publish_files(
    store: Store,
    address: Address,
    payloads: Mapping[str, bytes],
    draft: Draft,
    now: datetime,
    *,
    made_upon: Commit | None = None,
) -> Commit:
    """Stage and publish files that fit into memory.

    Args:
        store: The store.
        address: Where they are published.
        payloads: All bytes of each file by name.
        draft: What is said of them.
        now: The moment, in UTC.
        made_upon: The head that the files were made from, which must still be the head; None where
            they stand for themselves.

    Returns:
        The commit.

    Raises:
        Conflict: As for `publish`.
        Corrupt: As for `publish`.
        Retryable: As for `publish`.
    """
    entries = {name: files.describe(payload) for name, payload in payloads.items()}
    commit = unpublished(store, address, entries, draft, now)
    settling.settle(store)
    if (done := _published(store, commit, draft)) is not None:
        return done
    for attempt in range(_ATTEMPTS):
        try:
            staging = stage(store, address, commit.id, now)
            if made_upon is not None and staging.seen_head != made_upon.id:
                staging.discard()
                raise _overtaken(address, staging.seen_head)
            for name, payload in payloads.items():
                staging.write(name, payload)
            return publish(staging, draft, now)
        except StagingGone:
            # Another run published the very same files in between; the next attempt finds and
            # adopts them.
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError


def unpublished(
    store: Store,
    address: Address,
    entries: Mapping[str, FileEntry],
    draft: Draft,
    now: datetime,
) -> Commit:
    """Work out which commit some files become.

    Args:
        store: The store.
        address: Where the commit belongs.
        entries: Size and digest of each file by name.
        draft: What is said of them.
        now: The moment, in UTC.

    Returns:
        The commit, without provenance.
    """
    facts = draft.facts_json
    commit_id = files.sha256_bytes(manifest_of(address, facts, draft.num_rows, entries))
    return Commit(
        id=commit_id,
        address=address,
        storage=store.storage,
        facts=json.loads(files.canonical_json(facts)),
        num_rows=draft.num_rows,
        files=dict(sorted(entries.items())),
        provenance_sha256="",
        created_at=now,
    )


def _published(store: Store, commit: Commit, draft: Draft) -> Commit | None:
    known = history.find(store, commit.id)
    if known is None or not known.is_there:
        return None
    verify_commit(known)
    if not draft.move_head:
        return known
    current = head(store, commit.address)
    if current is None or current.id != known.id:
        return None
    kept = head_attributes(store, commit.address)
    return known if draft.attributes is None or dict(draft.attributes) == kept else None


def _provenance(said: Mapping[str, Any], now: datetime) -> bytes:
    software = {
        "python": platform.python_version(),
        "reelstore": _version(),
        "git_revision": git_revision(),
    }
    return files.canonical_json(
        {"host": platform.node(), **software, **said, "published_at": timestamp(now)}
    )


def _version() -> str:
    try:
        return metadata.version("reelstore")
    except metadata.PackageNotFoundError:
        return "unknown"


def announce(staging: Staging, commit: Commit) -> None:
    """Say which commit the staged files are to become.

    Args:
        staging: The staged files.
        commit: The commit, whose folder is not in its place yet.
    """
    # From here on gc leaves a folder of that id alone, be it ours or an orphan that we are about to
    # adopt.
    with settling.writing(staging.store) as connection:
        staging.touch(connection, commit_id=commit.id)


def place(staging: Staging, commit: Commit, provenance: bytes) -> None:
    """Give the staged files their place, in which no catalog knows them yet.

    Args:
        staging: The staged files.
        commit: The commit that they become.
        provenance: The bytes of provenance.json.

    Raises:
        Corrupt: The same commit is there already, with damaged files.
        Retryable: The disk is full or failing, or another run took the staged files away.
    """
    storage, is_new = staging.store.storage, False
    try:
        is_new = storage.put_folder_if_absent(
            commit.address.commit_key(commit.id),
            staging.id,
            commit.files,
            {PROVENANCE: provenance, MANIFEST: commit.manifest},
            gives_way=lambda: _gives_way(staging.store, commit),
        )
    except FileNotFoundError as error:
        # A faster run has removed the staging folder: what counts is whether the commit's folder is
        # there.
        if not commit.is_there:
            raise staging.abandon() from error
    if not (is_new and storage.compares_puts):
        verify_commit(commit)
    storage.end_staging(staging.id)


def _gives_way(store: Store, commit: Commit) -> bool:
    """Tell whether a folder that is there already is a damaged orphan, which nobody could read."""
    if _is_sound(commit):
        return False
    # Damage to what was published is for its owner to see.
    if history.find(store, commit.id) is not None:
        verify_commit(commit)
    return True


def _is_sound(commit: Commit) -> bool:
    try:
        verify_commit(commit)
        provenance = json.loads(commit.storage.read(f"{commit.key}/{PROVENANCE}"))
        datetime.fromisoformat(provenance["published_at"])
    except (Corrupt, OSError, ValueError, LookupError, TypeError):
        return False
    return True


def _record(staging: Staging, commit: Commit, draft: Draft) -> Commit:
    # Nothing that can fail comes after this transaction: an error always means that the store is as
    # it was.
    with settling.writing(staging.store) as connection:
        if history.find_within(connection, commit.id) is None:
            staging.require(connection)
        _require_known(connection, draft, commit.address)
        is_new, recorded = rows.record(connection, commit, staging.id)
        connection.execute(catalog.pending.delete().where(catalog.pending.c.id == staging.id))
        if draft.move_head:
            _move_head(connection, staging, recorded, draft.attributes, commit.created_at)
        elif is_new:
            entry = {**_place_of(commit.address), "commit_id": commit.id}
            journal.append(connection, staging.store, "commit", entry, commit.created_at)
    return recorded


def _require_known(connection: sa.Connection, draft: Draft, address: Address) -> None:
    if draft.forgotten is None:
        return
    if forgotten.forgotten_within(connection).num_times != draft.forgotten.num_times:
        raise Conflict(
            f"videos were forgotten while {address} was made: run again to leave them out"
        )


def _move_head(
    connection: sa.Connection,
    staging: Staging,
    commit: Commit,
    attributes: Mapping[str, Any] | None,
    now: datetime,
) -> None:
    address = commit.address
    row = rows.head_row(connection, address)
    previous = None if row is None else row.commit_id
    if previous not in (staging.seen_head, commit.id):
        raise _overtaken(address, previous)
    kept = {} if row is None else row.attributes
    wanted = kept if attributes is None else dict(attributes)
    if (previous, kept) == (commit.id, wanted):
        return
    rows.set_head(connection, address, commit.id, wanted, timestamp(now))
    move = {
        **_place_of(address),
        "commit_id": commit.id,
        "previous": previous,
        "attributes": wanted,
    }
    journal.append(connection, staging.store, "head", move, now)


def _overtaken(address: Address, head: str | None) -> Conflict:
    return Conflict(
        f"{address} was published by another run in between (commit {str(head)[:16]}): run again to"
        " build upon that"
    )


def _place_of(address: Address) -> dict[str, str | None]:
    return {"dataset": address.dataset, "partition": address.partition}
