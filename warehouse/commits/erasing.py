"""Forgetting videos for good: each commit that holds one gives way to a successor without it.

The successors' folders come first. One transaction, recorded by one entry of the journal, puts
them in the place of the commits, which are swept at once. Killed before the entry, it leaves
folders that the next run adopts or gc sweeps; killed after it, whoever writes next goes on.
"""

import graphlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from warehouse import catalog
from warehouse.commits.commit import Commit
from warehouse.commits.draft import Draft
from warehouse.commits.publishing import announce, place, unpublished
from warehouse.commits.records import (
    commit_folders,
    forgotten,
    history,
    journal,
    lineage,
)
from warehouse.commits.records.forgotten import Forgotten
from warehouse.commits.recovery import comparison, replacement, settling
from warehouse.commits.staging import stage
from warehouse.errors import Invalid
from warehouse.storage import files
from warehouse.store import Store


@dataclass(frozen=True)
class Rest:
    """What is left of a commit without some videos."""

    files: Mapping[str, bytes | None]
    """The bytes of each file that changes; None for one that the successor has not."""
    num_rows: int
    """The rows that it holds."""
    facts: Mapping[str, Any]
    """What its files are; inputs may go by their old ids."""
    provenance: Mapping[str, Any]
    """What is kept beside it; as for the facts."""


class Eraser(Protocol):
    """Knows the files of commits, and which of their rows are of the videos."""

    def rest_of(self, commit: Commit, renamed: Mapping[str, str]) -> Rest | None:
        """Read a commit without the videos.

        Args:
            commit: Any commit.
            renamed: Successor by id, of all that the commit was made from.

        Returns:
            What is left; None where it holds none of them.
        """

    def attributes_of(self, commit: Commit, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Take the videos out of what is known of a partition.

        Args:
            commit: The head, as it was before.
            attributes: Of the head.
        """

    def redacted(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Take the videos out of an entry of the journal; it is given back as it is without any."""


@dataclass(frozen=True)
class Forgetting:
    """What was done to forget some videos."""

    renamed: dict[str, str]
    """The successor of each commit that held one, by id."""
    built_upon: tuple[str, ...]
    """Commits that keep their ids and read the successors from now on: snapshots, models."""
    checkpoints: tuple[str, ...]
    """Saved positions of trainings that had read them: discarded."""


def salted(store: Store, video_ids: Iterable[str]) -> Forgotten:
    """Name videos as a store does that is to forget them.

    Args:
        store: The store, whose salt is taken; one is drawn where it has none.
        video_ids: Their ids.
    """
    salt = forgotten.forgotten(store).salt or secrets.token_hex(16)
    return Forgotten(salt, tuple(sorted(forgotten.digest(salt, each) for each in video_ids)))


def forget(store: Store, videos: Forgotten, eraser: Eraser, now: datetime) -> Forgetting:
    """Remove videos from every commit, and keep their digests.

    Args:
        store: The store.
        videos: Their digests.
        eraser: Finds and removes their rows.
        now: The moment, in UTC.

    Returns:
        What was done; nothing where the store had forgotten them all and holds none.

    Raises:
        Invalid: The digests are of another salt than the store's.
        Corrupt: A commit that holds one of them is damaged, or the catalog lacks what the journal
            has; nothing was changed.
        Retryable: The disk is full or failing, or the catalog is out of reach; the same call again
            goes on.
    """
    settling.settle(store)
    built = _Built(store, videos, eraser, now)
    while True:
        built.build()
        _drop_set_aside(store, eraser)
        with settling.writing(store) as connection:
            if not built.is_whole(connection):
                continue
            known = forgotten.forgotten_within(connection)
            if known.salt not in ("", videos.salt):
                raise Invalid(
                    f"the digests of the videos are of another salt than those of {store.place}:"
                    " give their ids"
                )
            entry = built.entry(connection)
            if entry["commits"] or not set(videos.digests) <= set(known.digests):
                number = 1 + journal.last_number(connection)
                replacement.apply(connection, store, {**entry, "number": number})
                journal.append(connection, store, "forget", entry, now)
        trainings = store.local.children(commit_folders.CHECKPOINTS)
        started_from = {name[:16] for name in entry["built_upon"]}
        positions = [name for name in trainings if name[:16] in started_from]
        settling.settle(store)
        return Forgetting(
            replacement.renamed_by(entry), tuple(entry["built_upon"]), tuple(positions)
        )


def _drop_set_aside(store: Store, eraser: Eraser) -> None:
    for path in comparison.set_aside(store):
        try:
            entry = json.loads(store.storage.read(f"{comparison.SET_ASIDE}/{path.name}"))
        except ValueError:
            continue  # nobody can read what it says
        if isinstance(entry, dict) and eraser.redacted(entry) != entry:
            store.storage.delete(f"{comparison.SET_ASIDE}/{path.name}")


class _Built:
    """The successors, built in the order in which the commits were made from one another."""

    def __init__(self, store: Store, videos: Forgotten, eraser: Eraser, now: datetime) -> None:
        self._store, self._videos, self._eraser, self._now = store, videos, eraser, now
        self._seen = set[str]()
        self._successors = dict[str, tuple[Commit, Commit]]()
        """The commit and its successor, by the commit's id."""

    def build(self) -> None:
        """Build the successors of all commits that were not looked at before."""
        every = {
            commit.id: commit
            for dataset in history.datasets(self._store)
            for commit in history.commits(self._store, dataset)
        }
        inputs = dict[str, list[str]]({commit_id: [] for commit_id in every})
        for edge in lineage.edges(self._store):
            inputs.setdefault(edge.commit_id, []).append(edge.input_id)
        for commit_id in graphlib.TopologicalSorter(inputs).static_order():
            commit = every.get(commit_id)
            if commit is not None and commit_id not in self._seen:
                self._look_at(commit)
            self._seen.add(commit_id)

    def _look_at(self, commit: Commit) -> None:
        if not commit.is_there:  # its owner has deleted it, as it was damaged
            return
        renamed = {old: successor.id for old, (_, successor) in self._successors.items()}
        rest = self._eraser.rest_of(commit, renamed)
        if rest is not None:
            successor = _place_rest(self._store, self._videos, commit, rest, renamed, self._now)
            self._successors[commit.id] = (commit, successor)

    def is_whole(self, connection: sa.Connection) -> bool:
        """Whether nothing was published or swept since; if not, all is looked at once more.

        Args:
            connection: A writing transaction.
        """
        ids = set(connection.scalars(sa.select(catalog.commits.c.id)))
        self._successors = {old: both for old, both in self._successors.items() if old in ids}
        placed = all(successor.is_there for _, successor in self._successors.values())
        if ids <= self._seen and placed:
            return True
        self._seen.clear()
        self._successors.clear()
        return False

    def entry(self, connection: sa.Connection) -> dict[str, Any]:
        """Write down what is about to be done, as the journal keeps it.

        Args:
            connection: A writing transaction.
        """
        renamed = {old: successor.id for old, (_, successor) in self._successors.items()}
        edges = lineage.edges_within(connection)
        built_upon = {
            edge.commit_id
            for edge in edges
            if edge.input_id in renamed and edge.commit_id not in renamed
        }
        return {
            "salt": self._videos.salt,
            "videos": list(self._videos.digests),
            "commits": [
                {
                    "dataset": commit.address.dataset,
                    "partition": commit.address.partition,
                    "commit_id": old,
                    "successor": successor.id,
                }
                for old, (commit, successor) in sorted(self._successors.items())
            ],
            "heads": self._heads(connection),
            "built_upon": sorted(built_upon),
            "redacted": self._redacted(connection),
        }

    def _heads(self, connection: sa.Connection) -> list[dict[str, Any]]:
        changed = list[dict[str, Any]]()
        for row in connection.execute(sa.select(catalog.heads).order_by(catalog.heads.c.commit_id)):
            if row.commit_id not in self._successors:
                continue
            commit = self._successors[row.commit_id][0]
            attributes = self._eraser.attributes_of(commit, row.attributes)
            if attributes != row.attributes:
                place = {"dataset": row.dataset, "partition": row.partition or None}
                changed.append({**place, "attributes": attributes})
        return changed

    def _redacted(self, connection: sa.Connection) -> list[dict[str, Any]]:
        asked = sa.select(catalog.journal.c.entry).order_by(catalog.journal.c.number)
        kinds = catalog.journal.c.entry["kind"].as_string().in_(["head", "forget"])
        entries = [dict(entry) for entry in connection.scalars(asked.where(kinds))]
        both = [(entry, self._eraser.redacted(entry)) for entry in entries]
        return [after for before, after in both if after != before]


def _place_rest(
    store: Store,
    videos: Forgotten,
    commit: Commit,
    rest: Rest,
    renamed: Mapping[str, str],
    now: datetime,
) -> Commit:
    """Put a successor's folder in its place, where no catalog knows it yet."""
    key = files.sha256_bytes(files.canonical_json([commit.id, videos.salt, *videos.digests]))
    staging = stage(store, commit.address, f"forget-{key}", now)
    kept = {name: entry for name, entry in commit.files.items() if name not in rest.files}
    changed = {name: payload for name, payload in rest.files.items() if payload is not None}
    for name, payload in changed.items():
        staging.write(name, payload)
    store.storage.stage_published(staging.id, commit.key, kept)
    entries = kept | {name: files.describe(payload) for name, payload in changed.items()}
    draft = Draft(facts=_with_new_inputs(rest.facts, renamed), num_rows=rest.num_rows)
    successor = unpublished(store, commit.address, entries, draft, now)
    announce(staging, successor)
    provenance = _with_new_inputs(rest.provenance, renamed)
    place(staging, successor, files.canonical_json(provenance))
    return successor


def _with_new_inputs(said: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    if lineage.MADE_FROM not in said:
        return dict(said)
    inputs = {name: renamed.get(each, each) for name, each in said[lineage.MADE_FROM].items()}
    return {**said, lineage.MADE_FROM: inputs}
