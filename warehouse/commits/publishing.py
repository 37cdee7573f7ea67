"""The four steps that make a commit of staged files.

A pending row says that files are coming; whole files are written and synced in a staging folder;
the folder is renamed to its commit's id; one transaction moves the head, records the commit and
drops the pending row. Killed before the last step, it leaves an orphan that the next run adopts;
killed after it, it is done.
"""

import json
import platform
import secrets
from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from warehouse import catalog
from warehouse.clock import timestamp
from warehouse.commits import history, journal, rows
from warehouse.commits.addresses import Address
from warehouse.commits.commit import MANIFEST, PROVENANCE, Commit, manifest_of
from warehouse.commits.committed_files import verify_commit
from warehouse.commits.history import head, head_attributes
from warehouse.commits.recovery import settling
from warehouse.commits.staging import Staging, StagingGone, stage
from warehouse.errors import Conflict, Corrupt
from warehouse.revision import git_revision
from warehouse.storage import files
from warehouse.storage.files import FileEntry
from warehouse.store import Store

_ATTEMPTS = 100


def publish(
    store: Store,
    staging: Staging,
    *,
    facts: Mapping[str, Any],
    num_rows: int,
    provenance: Mapping[str, Any],
    now: datetime,
    attributes: Mapping[str, Any] | None = None,
    move_head: bool = True,
) -> Commit:
    """Publish all staged files as one commit.

    Args:
        store: The store.
        staging: The staged files.
        facts: What the files are, as JSON; part of the commit's identity.
        num_rows: The rows that they hold.
        provenance: Times, versions and timings, as JSON; kept beside the commit, outside its
            identity.
        now: The moment, in UTC.
        attributes: What is to be known of the partition outside its identity; None keeps what is
            there.
        move_head: False to publish beside the head.

    Returns:
        The commit; the one that is there already where its files and facts are the same.

    Raises:
        Conflict: Another run has moved the head to other content since staging was opened.
        Corrupt: The same commit is there already, with damaged files.
        Retryable: The disk is full or failing, the catalog is out of reach, or another run took the
            staged files away.
    """
    try:
        entries = staging.entries()
    except StagingGone:
        # The reply to an earlier publish was lost, or another run of the same key was faster.
        if (done := history.of_staging(store, staging.id)) is not None:
            return done
        raise
    draft = _draft(store, staging.address, entries, facts=facts, num_rows=num_rows, now=now)
    _announce(store, staging, draft)
    _place(store, staging, draft, _provenance(provenance, now))
    return _record(store, staging, draft, attributes, move_head=move_head)


def publish_files(
    store: Store,
    address: Address,
    payloads: Mapping[str, bytes],
    *,
    facts: Mapping[str, Any],
    num_rows: int,
    provenance: Mapping[str, Any],
    now: datetime,
    attributes: Mapping[str, Any] | None = None,
    move_head: bool = True,
) -> Commit:
    """Stage and publish files that fit into memory.

    Args:
        store: The store.
        address: Where they are published.
        payloads: All bytes of each file by name.
        facts: As for `publish`.
        num_rows: As for `publish`.
        provenance: As for `publish`.
        now: As for `publish`.
        attributes: As for `publish`.
        move_head: As for `publish`.

    Returns:
        The commit.

    Raises:
        Conflict: As for `publish`.
        Corrupt: As for `publish`.
        Retryable: As for `publish`.
    """
    entries = {name: files.describe(payload) for name, payload in payloads.items()}
    draft = _draft(store, address, entries, facts=facts, num_rows=num_rows, now=now)
    settling.settle(store)
    if (done := _published(store, draft, attributes, move_head=move_head)) is not None:
        return done
    for attempt in range(_ATTEMPTS):
        try:
            staging = stage(store, address, draft.id, now)
            for name, payload in payloads.items():
                staging.write(name, payload)
            return publish(
                store,
                staging,
                facts=facts,
                num_rows=num_rows,
                provenance=provenance,
                now=now,
                attributes=attributes,
                move_head=move_head,
            )
        except StagingGone:
            # Another run published the very same files in between; the next attempt finds and
            # adopts them.
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError


def _draft(
    store: Store,
    address: Address,
    entries: Mapping[str, FileEntry],
    *,
    facts: Mapping[str, Any],
    num_rows: int,
    now: datetime,
) -> Commit:
    commit_id = files.sha256_bytes(manifest_of(address, facts, num_rows, entries))
    return Commit(
        id=commit_id,
        address=address,
        folder=address.commit_folder(store.root, commit_id),
        facts=json.loads(files.canonical_json(dict(facts))),
        num_rows=num_rows,
        files=dict(sorted(entries.items())),
        provenance_sha256="",
        created_at=now,
    )


def _published(
    store: Store, draft: Commit, attributes: Mapping[str, Any] | None, *, move_head: bool
) -> Commit | None:
    known = history.find(store, draft.id)
    if known is None or not known.folder.is_dir():
        return None
    verify_commit(known)
    if not move_head:
        return known
    current = head(store, draft.address)
    same = attributes is None or dict(attributes) == head_attributes(store, draft.address)
    return known if same and current is not None and current.id == known.id else None


def _provenance(given: Mapping[str, Any], now: datetime) -> bytes:
    software = {
        "python": platform.python_version(),
        "reelstore": _version(),
        "git_revision": git_revision(),
    }
    return files.canonical_json(
        {"host": platform.node(), **software, **given, "published_at": timestamp(now)}
    )


def _version() -> str:
    try:
        return metadata.version("reelstore")
    except metadata.PackageNotFoundError:
        return "unknown"


def _announce(store: Store, staging: Staging, draft: Commit) -> None:
    # From here on gc leaves a folder of that id alone, be it ours or an orphan that we are about to
    # adopt.
    with settling.writing(store) as connection:
        staging.touch(connection, commit_id=draft.id)


def _place(store: Store, staging: Staging, draft: Commit, provenance: bytes) -> None:
    # Built of links in a folder of its own: another run of the same key may be publishing the same
    # files.
    built = staging.folder.with_name(f"{staging.id}-{secrets.token_hex(4)}")
    try:
        files.make_passing_folder(built)
        files.link_files(staging.folder, built, draft.files)
        files.write_new(built / PROVENANCE, provenance)
        files.write_new(built / MANIFEST, draft.manifest)
        files.sync_folder(built)
        files.make_folder(draft.folder.parent, within=store.root)
        if not files.rename_folder(built, draft.folder) and not _sound(draft):
            _replace(store, staging, built, draft)
        # An adopted orphan needs it too: its run may have been stopped between its rename and this.
        files.sync_folder(draft.folder.parent)
    except FileNotFoundError as error:
        # A faster run has removed the staging folder: what counts is whether the commit's folder is
        # there.
        if not draft.folder.is_dir():
            raise staging.abandon() from error
    verify_commit(draft)
    for folder in sorted(staging.folder.parent.glob(f"{staging.id}*")):
        files.remove_tree(folder)


def _sound(draft: Commit) -> bool:
    try:
        verify_commit(draft)
        datetime.fromisoformat(json.loads((draft.folder / PROVENANCE).read_bytes())["published_at"])
    except (Corrupt, OSError, ValueError, LookupError, TypeError):
        return False
    return True


def _replace(store: Store, staging: Staging, built: Path, draft: Commit) -> None:
    # A damaged orphan was never readable and gives way; damage to what was published is for its
    # owner to see.
    if history.find(store, draft.id) is not None:
        verify_commit(draft)
    # Files that were taken back from it are on disk in no other folder yet.
    files.sync_folder(staging.folder)
    files.rename_folder(draft.folder, built.with_name(f"{built.name}-damaged"))
    files.rename_folder(built, draft.folder)


def _record(
    store: Store,
    staging: Staging,
    draft: Commit,
    attributes: Mapping[str, Any] | None,
    *,
    move_head: bool,
) -> Commit:
    # Nothing that can fail comes after this transaction: an error always means that the store is as
    # it was.
    now = draft.created_at
    with settling.writing(store) as connection:
        if history.find_within(connection, draft.id) is None:
            staging.require(connection)
        is_new, commit = rows.record(connection, draft, staging.id)
        connection.execute(catalog.pending.delete().where(catalog.pending.c.id == staging.id))
        if move_head:
            _move_head(connection, store, staging, commit, attributes=attributes, now=now)
        elif is_new:
            journal.append(
                connection,
                store,
                "commit",
                {**_place_of(commit.address), "commit_id": commit.id},
                now,
            )
    return commit


def _move_head(
    connection: sa.Connection,
    store: Store,
    staging: Staging,
    commit: Commit,
    *,
    attributes: Mapping[str, Any] | None,
    now: datetime,
) -> None:
    address = commit.address
    row = rows.head_row(connection, address)
    previous = None if row is None else row.commit_id
    if previous not in (staging.seen_head, commit.id):
        raise Conflict(
            f"{address} was published by another run in between (commit {str(previous)[:16]}): "
            "run again to build upon that"
        )
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
    journal.append(connection, store, "head", move, now)


def _place_of(address: Address) -> dict[str, str | None]:
    return {"dataset": address.dataset, "partition": address.partition}
