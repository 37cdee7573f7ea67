"""What a training reads: a snapshot of committed features, its taxonomy and vocabulary."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from featurestore import wanted
from featurestore.reading import snapshot
from featurestore.reading.examples import Examples
from featurestore.reading.snapshot import Snapshot
from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import ALL_VIEWS, Recipe
from modeling.learning.checkpoint import Checkpoints
from modeling.learning.inputs.origin import Origin
from warehouse import commits, tables
from warehouse.clock import check_moment, timestamp
from warehouse.errors import Invalid
from warehouse.storage.files import canonical_json, sha256_bytes
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy


@dataclass(frozen=True)
class PinnedSet:
    """The examples of some partitions, before anything about them is written."""

    store: Store
    snapshot: Snapshot
    examples: Examples
    vocabulary: Vocabulary
    taxonomy: Taxonomy | None
    """Of the labels; None where no partition has any."""
    as_of: datetime | None

    def publish(self, now: datetime) -> "TrainingSet":
        """Publish the snapshot; `now` is in UTC."""
        origin = Origin(
            snapshot_id=snapshot.publish(self.store, self.snapshot, now, self.as_of).id,
            specs={
                view: wanted.load_any_spec(self.store, view, fingerprint)
                for view, fingerprint in self.snapshot.fingerprints.items()
            },
        )
        return TrainingSet(self.store, self.examples, origin, self.vocabulary, self.taxonomy)


@dataclass(frozen=True)
class TrainingSet:
    """The examples of some partitions, and where they came from."""

    store: Store
    examples: Examples
    origin: Origin
    vocabulary: Vocabulary
    taxonomy: Taxonomy | None
    """Of the labels; None where no partition has any."""

    def checkpoints(self, phase: str, seed: int, recipe: Recipe, start: str) -> Checkpoints:
        """Say where a training keeps its checkpoints: by all that tells it from another one.

        Args:
            phase: `pretraining`, or the views that a classifier sees.
            seed: Of weights, order and chance.
            recipe: All of its settings count.
            start: Names the model that is started from.
        """
        digest = sha256_bytes(
            canonical_json([recipe.model_dump(mode="json"), self.origin.pseudo_labels, start])
        )
        name = f"{self.origin.snapshot_id[:16]}-{phase}-{seed}-{digest[:16]}"
        return Checkpoints(self.store.root / commits.CHECKPOINTS / name)


def pin_training_set(
    store: Store, roles: Sequence[str], now: datetime, *, as_of: datetime | None = None
) -> PinnedSet:
    """Pin all partitions of some roles under the wanted recipes, and open their examples.

    Args:
        store: Where the features are.
        roles: Of the partitions, `unlabeled` or `labeled`.
        now: The time of the snapshot, UTC.
        as_of: Learn from what was committed and wanted by this moment, with a time zone; None for
            now.

    Raises:
        Invalid: There is no such partition, one lacks its features, two have labels of different
            taxonomies, gc has removed what was committed then, or the moment has no time zone or is
            still to come.
    """
    check_moment(as_of, now)
    fingerprints = wanted.require(store, as_of, ALL_VIEWS)
    partitions = [
        partition
        for partition in tables.video_partitions(store, as_of=as_of)
        if partition.role in roles
    ]
    if not partitions:
        when = "" if as_of is None else f" at {timestamp(as_of)}"
        raise Invalid(
            f"{store.place} has no partition of role {' or '.join(roles)}{when}; run ingest-videos"
        )
    pinned = snapshot.pin(store, [partition.name for partition in partitions], fingerprints, as_of)
    taxonomy = _taxonomy(store, pinned)
    text_commit = wanted.spec_commit(store, "text", fingerprints["text"])
    return PinnedSet(
        store=store,
        snapshot=pinned,
        examples=Examples(store, pinned, taxonomy),
        vocabulary=Vocabulary(commits.read_bytes(text_commit, wanted.VOCABULARY_FILE)),
        taxonomy=taxonomy,
        as_of=as_of,
    )


def _taxonomy(store: Store, pinned: Snapshot) -> Taxonomy | None:
    labels = {
        pin.partition: commits.commit_by_id(store, pin.labels) for pin in pinned.pins if pin.labels
    }
    return tables.shared_taxonomy(labels)
