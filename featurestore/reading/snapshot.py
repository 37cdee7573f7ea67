"""A snapshot: the commits of videos, labels and features that a model learns from, pinned by id."""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, model_serializer, model_validator

from featurestore.views.heads import address, current_commit
from featurestore.views.spec import TRANSFORM_VERSION, can_make
from featurestore.wanted import load_any_spec
from warehouse import commits, formats, tables
from warehouse.clock import timestamp
from warehouse.commits import Address, Commit, Facts
from warehouse.errors import Invalid
from warehouse.identifiers import name_right_ones, shown
from warehouse.store import Store
from warehouse.tables import split

DATASET = "snapshots"
FORMAT_VERSION: Final = 1

_FILE = "snapshot.json"
_logger = logging.getLogger(__name__)


class FeaturesMissing(Invalid):
    """A partition has no up-to-date features of a recipe."""


class Pin(BaseModel):
    """The commits of one partition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: str
    videos: str
    labels: str | None
    features: dict[str, str]
    """The commit of each view, by the view's name."""

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, fields: Any) -> Any:
        """Take the fields that are none of these as views: a file has one for each view."""
        if not isinstance(fields, dict) or "features" in fields:
            return fields
        own = {name: value for name, value in fields.items() if name in cls.model_fields}
        views = {name: value for name, value in fields.items() if name not in cls.model_fields}
        return {**own, "features": views}

    @model_serializer
    def _spread(self) -> dict[str, str | None]:
        own = {"partition": self.partition, "videos": self.videos, "labels": self.labels}
        return {**own, **self.features}


class Snapshot(BaseModel):
    """Pinned partitions of one recipe, with the salt of their split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = FORMAT_VERSION
    fingerprints: dict[str, str]
    """The fingerprint of each view, 64 hexadecimal digits."""
    split_salt: int | None
    pins: tuple[Pin, ...]
    """Sorted by partition."""

    def fingerprint(self, view: str) -> str:
        """The fingerprint of one view.

        Raises:
            Invalid: The view is not pinned.
        """
        if view not in self.fingerprints:
            raise Invalid(
                f"the snapshot pins no {shown(view)}:"
                f" {name_right_ones(view, sorted(self.fingerprints))}"
            )
        return self.fingerprints[view]


class SnapshotFacts(Facts):
    """What the commit of a snapshot is: `made_from` names each pinned commit by its partition."""

    fingerprints: dict[str, str]
    """Of the pinned features, by view."""


def pin(
    store: Store,
    partitions: Sequence[str],
    fingerprints: Mapping[str, str],
    as_of: datetime | None = None,
) -> Snapshot:
    """Pin the committed features of some partitions.

    Args:
        store: where they are.
        partitions: their names.
        fingerprints: the recipe of each view.
        as_of: pins what was committed by this moment, with a time zone; what is committed now where
            it is None.

    Raises:
        Invalid: a partition is unknown, or had no up-to-date features of these fingerprints, or gc
            has removed them.
    """
    return Snapshot(
        fingerprints=dict(fingerprints),
        split_salt=split.frozen_salt(store, as_of),
        pins=tuple(_pin(store, name, fingerprints, as_of) for name in sorted(partitions)),
    )


def publish(
    store: Store, snapshot: Snapshot, now: datetime, as_of: datetime | None = None
) -> Commit:
    """Keep a snapshot; its commit's id is the snapshot's id.

    Args:
        store: where to.
        snapshot: what is pinned.
        now: UTC.
        as_of: the moment that was asked for, for the record.
    """
    payload = json.dumps(snapshot.model_dump(mode="json"), sort_keys=True, indent=1).encode()
    return commits.publish_files(
        store,
        Address(DATASET, None),
        {_FILE: payload},
        commits.Draft(
            facts=SnapshotFacts(
                fingerprints=dict(snapshot.fingerprints), made_from=_made_from(snapshot)
            ),
            num_rows=len(snapshot.pins),
            provenance={} if as_of is None else {"as_of": timestamp(as_of)},
            move_head=False,
        ),
        now,
    )


def load(commit: Commit) -> Snapshot:
    """Read a published snapshot.

    Raises:
        Corrupt: the file differs from its digest.
        Invalid: it has another format version.
    """
    content = formats.read_json(
        commits.read_bytes(commit, _FILE), FORMAT_VERSION, commit.folder / _FILE
    )
    return Snapshot.model_validate(content)


def warn_of_forgotten(store: Store, snapshot: Snapshot) -> None:
    """Say where videos of what is pinned were forgotten since.

    The pins stand for the commits that took its place.
    """
    pinned = set(_made_from(snapshot).values())
    if replaced := commits.replaced(store, pinned):
        _logger.warning(
            "videos of %d of the %d pinned commits were forgotten since: the rest of them is read",
            len(replaced),
            len(pinned),
        )


def _made_from(snapshot: Snapshot) -> dict[str, str]:
    made_from: dict[str, str] = {}
    for pin in snapshot.pins:
        pinned = {"videos": pin.videos, "labels": pin.labels, **pin.features}
        made_from |= {f"{pin.partition}/{name}": each for name, each in pinned.items() if each}
    return made_from


def _pin(store: Store, name: str, fingerprints: Mapping[str, str], as_of: datetime | None) -> Pin:
    partition = tables.video_partition(store, name, as_of)
    labels = commits.head(store, Address(tables.LABELS, name), as_of)
    features = {}
    for view in fingerprints:
        commit = current_commit(store, view, fingerprints[view], partition, as_of)
        if commit is None:
            place = address(view, fingerprints[view], name).dataset
            if as_of is not None:
                raise FeaturesMissing(
                    f"partition {name} had no up-to-date features at {place} by {timestamp(as_of)};"
                    " name a moment after its extract-features"
                )
            raise FeaturesMissing(
                f"partition {name} has no up-to-date features at {place};"
                f" {_remedy(store, view, fingerprints)}"
            )
        features[view] = commit.id
    return Pin(
        partition=name,
        videos=partition.commit.id,
        labels=labels.id if labels else None,
        features=features,
    )


def _remedy(store: Store, view: str, fingerprints: Mapping[str, str]) -> str:
    try:
        spec = load_any_spec(store, view, fingerprints[view])
    except Invalid:
        # A model may be older than what is left of its recipe.
        return "run extract-features"
    if can_make(spec):
        return "run extract-features"
    return (
        f"they would be of transform version {spec.transform_version}, and this Reelstore makes"
        f" version {TRANSFORM_VERSION} only: run reelstore apply and extract-features, and train a"
        " model on what that makes"
    )
