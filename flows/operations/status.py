"""What a store holds and lacks.

Each partition with its labels, its views and the champion's predictions.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

from featurestore import wanted
from featurestore.extraction import work_limits
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.coverage import Coverage, view_coverage
from featurestore.reading import snapshot
from flows.operations.recipes_in_use import left_behind, recipes_in_use, recipes_to_make
from modeling.models import registry, scored_partitions
from modeling.models.model_facts import ClassifierFacts
from warehouse import commits, tables
from warehouse.clock import timestamp
from warehouse.commits import Address, Commit, PendingWork
from warehouse.errors import Corrupt, Invalid
from warehouse.identifiers import Role, name_right_ones, shown
from warehouse.store import Store
from warehouse.tables import VideoPartition, split

Predictions = Literal["current", "stale", "missing", "not scored"]


@dataclass(frozen=True)
class PartitionStatus:
    """One partition."""

    partition: str
    role: Role
    listed: int
    labels: int | None
    """None where none were published."""
    views: tuple[Coverage, ...]
    """One for each view and recipe in use."""
    predictions: Predictions
    """The champion's; `not scored` where there is no champion, or the partition is not of role
    score."""
    num_rows_set_aside: int = 0
    """Wrong rows of the listing, which are not listed."""
    rows_set_aside: tuple[str, ...] = ()
    """What is wrong with the first of them."""
    listed_at: str = ""
    """When it was last ingested, or its listing changed."""
    scored_at: str | None = None
    """When the champion's predictions were published; None where there are none."""


@dataclass(frozen=True)
class StoreStatus:
    """A whole store."""

    root: str
    recipes: tuple[dict[str, str | int], ...]
    """View, fingerprint and transform version of each recipe in use: the wanted one's, and the
    champion's."""
    champion: str | None
    partitions: tuple[PartitionStatus, ...]
    """By name."""
    one_sided_categories: dict[str, list[str]]
    """By labelled partition, the classes with 10 or more contents of which validation holds all or
    none."""
    outdated: tuple[str, ...] = ()
    """What to type where a recipe in use is of a transform version that this code does not make."""
    journal: str | None = None
    """What is wrong where the catalog does not know what the journal does, or a move was
    interrupted."""
    moves_set_aside: tuple[str, ...] = ()
    """Files of interrupted moves that could not be followed any more."""
    pending: tuple[PendingWork, ...] = ()
    """What has begun and is not published."""
    champion_is_provisional: bool = False
    """Nominated by a training, and not yet promoted by anybody."""
    size_bytes: dict[str, int] = field(default_factory=dict)
    """Of all commits, heads and their past, by what they are."""

    def of_partition(self, name: str) -> Self:
        """The same with one partition alone.

        Raises:
            Invalid: There is no such partition.
        """
        alone = tuple(row for row in self.partitions if row.partition == name)
        if not alone:
            known = [row.partition for row in self.partitions]
            raise Invalid(f"there is no partition {shown(name)}: {name_right_ones(name, known)}")
        one_sided = self.one_sided_categories
        return replace(
            self,
            partitions=alone,
            one_sided_categories={name: one_sided[name]} if name in one_sided else {},
        )

    def to_json(self) -> dict[str, Any]:
        """The same as one JSON document."""
        moments = ("started_at", "last_beat_at")
        document = asdict(self)
        for work in document["pending"]:
            work |= {name: timestamp(work[name]) for name in moments}
        return document


def store_status(store: Store, limits: WorkLimits = work_limits.DEFAULT) -> StoreStatus:
    """Look at a store; answered by the catalog and small files, whatever the number of videos.

    Args:
        store: Is left as it is.
        limits: On one video's work, as they are now.

    Returns:
        Its state.

    Raises:
        Corrupt: A file is not as it was published, or the catalog is another store's.
    """
    journal = commits.compare(store).sentence
    try:
        return _status_of(commits.at_one_moment(store), journal, limits)
    except Corrupt as error:
        if journal is not None:
            raise Corrupt(journal) from error
        raise


def _status_of(store: Store, journal: str | None, limits: WorkLimits) -> StoreStatus:
    recipes, champion = recipes_in_use(store), registry.champion(store)
    partitions = tables.video_partitions(store)
    return StoreStatus(
        root=str(store.place),
        recipes=tuple(
            {
                "view": view,
                "fingerprint": fingerprint,
                "transform_version": (
                    wanted.load_any_spec(store, view, fingerprint).transform_version
                ),
            }
            for view, fingerprint in recipes
        ),
        champion=None if champion is None else champion.id,
        champion_is_provisional=registry.is_provisional(store),
        partitions=tuple(
            PartitionStatus(
                partition=listed.name,
                role=listed.role,
                listed=listed.commit.num_rows,
                labels=(
                    None
                    if (labels := tables.labels_commit(store, listed.name)) is None
                    else labels.num_rows
                ),
                views=tuple(
                    view_coverage(store, view, fingerprint, listed, limits)
                    for view, fingerprint in recipes
                ),
                predictions=predictions_of(store, champion, listed),
                listed_at=_moved_at(store, listed.commit.address) or "",
                scored_at=(
                    None
                    if champion is None
                    else _moved_at(store, scored_partitions.address(champion.id, listed.name))
                ),
                **_set_aside(store, listed),
            )
            for listed in partitions
        ),
        one_sided_categories=_one_sided(store, partitions),
        outdated=_outdated(store),
        journal=journal,
        pending=tuple(commits.pending_work(store)),
        moves_set_aside=tuple(str(path) for path in commits.set_aside(store)),
        size_bytes=_sizes(store),
    )


def _moved_at(store: Store, address: Address) -> str | None:
    moment = commits.head_moved_at(store, address)
    return None if moment is None else timestamp(moment)


def _sizes(store: Store) -> dict[str, int]:
    sizes = Counter[str]()
    for dataset, size_bytes in commits.size_bytes(store).items():
        folder, _, rest = dataset.partition("/")
        sizes[rest.partition("/")[0] or folder] += size_bytes
    return dict(sizes.most_common())


def _outdated(store: Store) -> tuple[str, ...]:
    sentences = [left_behind(store)]
    try:
        recipes_to_make(store)
    except Invalid as error:
        sentences.insert(0, str(error))
    return tuple(sentence for sentence in sentences if sentence)


def predictions_of(store: Store, champion: Commit | None, partition: VideoPartition) -> Predictions:
    """Whether a partition has the champion's predictions of its features as they are now."""
    if champion is None or partition.role != "score":
        return "not scored"
    if not scored_partitions.exist(store, champion.id, partition.name):
        return "missing"
    try:
        pinned = snapshot.pin(store, [partition.name], ClassifierFacts.of(champion).fingerprints)
    except Invalid:
        return "stale"
    is_current = scored_partitions.are_current(store, champion.id, pinned.pins[0])
    return "current" if is_current else "stale"


def _set_aside(store: Store, partition: VideoPartition) -> dict[str, Any]:
    noted = commits.head_attributes(store, partition.commit.address).get("set_aside")
    return (
        {"num_rows_set_aside": noted["num_rows"], "rows_set_aside": tuple(noted["first"])}
        if noted
        else {}
    )


def _one_sided(store: Store, partitions: list[VideoPartition]) -> dict[str, list[str]]:
    salt = split.frozen_salt(store)
    by_partition: dict[str, list[str]] = {}
    for partition in partitions:
        labels = (
            tables.read_labels(store, partition.name)
            if partition.role == "labeled" and salt is not None
            else None
        )
        if labels is not None and salt is not None:
            rows = labels.join(
                tables.read_videos(partition, ["video_id", "content_sha256"]), on="video_id"
            )
            one_sided = split.one_sided_categories(
                salt, rows["content_sha256"].to_list(), rows["category_id"].to_list()
            )
            by_partition |= {partition.name: one_sided} if one_sided else {}
    return by_partition
