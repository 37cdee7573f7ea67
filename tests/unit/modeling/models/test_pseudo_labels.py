import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from featurestore.reading.snapshot import Pin, Snapshot
from modeling.learning.inputs.training_set import PinnedSet
from modeling.models import pseudo_labels, scored_partitions
from modeling.models.model_facts import ClassifierFacts
from warehouse import commits, tables
from warehouse.commits import Address
from warehouse.errors import Corrupt, Invalid
from warehouse.store import Store
from warehouse.tables.taxonomy import Category, Taxonomy

FINGERPRINTS: Any = {"frames": "a" * 64, "text": "b" * 64}
SIZES = {"labeled": 2, "new": 3, "old": 5}


@dataclass(frozen=True)
class House:
    """Partitions of videos whose features are names alone, and teachers that have scored them."""

    store: Store
    taxonomy: Taxonomy
    now: datetime

    def pinned(self) -> PinnedSet:
        pins = [self._pin(name) for name in SIZES]
        ids = [video_id for name in SIZES for video_id in _ids(name)]
        snapshot = Snapshot(fingerprints=FINGERPRINTS, split_salt=0, pins=tuple(pins))
        examples: Any = type("Examples", (), {"video_ids": ids})
        vocabulary: Any = None
        return PinnedSet(
            self.store,
            snapshot,
            examples,
            vocabulary=vocabulary,
            taxonomy=self.taxonomy,
            as_of=None,
        )

    def teacher(
        self, seed: int, taxonomy: Taxonomy | None = None, fingerprints: Any = FINGERPRINTS
    ) -> str:
        known = taxonomy or self.taxonomy
        return commits.publish_files(
            self.store,
            Address("models"),
            {"taxonomy.csv": known.to_csv(), "seed": str(seed).encode()},
            commits.Draft(
                facts=ClassifierFacts(
                    kind="classifier",
                    recipe="toy",
                    fingerprints=fingerprints,
                    views=("frames", "text"),
                    beats_majority=True,
                    taxonomy=known.name,
                ),
                num_rows=0,
                move_head=False,
            ),
            self.now,
        ).id

    def score(
        self, teacher: str, partition: str, seed: int, cuts: Sequence[int] = ()
    ) -> np.ndarray[Any, Any]:
        """Publish drawn probabilities, in files cut at some rows; return them by id."""
        probabilities = (
            np.random.default_rng(seed).dirichlet(np.ones(4), SIZES[partition]).astype(np.float32)
        )
        rows = pl.DataFrame(
            {
                "video_id": _ids(partition),
                "category_id": "0000",
                "level1_id": "00",
                "probability": probabilities.max(axis=1),
                "top5_category_ids": [["0000"]] * len(probabilities),
                "top5_probabilities": [[1.0]] * len(probabilities),
                "probabilities": probabilities.tolist(),
                "shares": [[]] * len(probabilities),
                "missing_views": [[]] * len(probabilities),
            },
            schema_overrides={
                **dict.fromkeys(
                    ("top5_probabilities", "probabilities", "shares"), pl.List(pl.Float32())
                ),
                "missing_views": pl.List(pl.String()),
            },
        )
        ends = [0, *cuts, len(rows)]
        # The last rows go to the first file: only their ids say whose they are.
        blocks = [rows[start:end].clone for start, end in itertools.pairwise(ends)][::-1]
        scored_partitions.publish(self.store, teacher, self._pin(partition), blocks, self.now)
        return probabilities

    def list_videos(self, partition: str, *, title: str = "") -> None:
        role: Any = "labeled" if partition == "labeled" else "unlabeled"
        rows = pl.DataFrame(
            {
                "video_id": _ids(partition),
                "media_path": None,
                "media_kind": None,
                "media_sha256": None,
                "size_bytes": None,
                "title": title,
                "ocr": [[]] * SIZES[partition],
                "asr": "",
                "text_sha256": "c" * 64,
                "content_sha256": "d" * 64,
            },
            schema=tables.Videos.create_empty().schema,
        )
        tables.publish_videos(self.store, partition, role, rows, Path("/"), self.now)

    def _pin(self, partition: str) -> Pin:
        videos = tables.video_partition(self.store, partition).commit.id
        features = {view: self._feature(partition, view) for view in ("frames", "text")}
        labels = "e" * 64 if partition == "labeled" else None
        return Pin(partition=partition, videos=videos, labels=labels, features=features)

    def _feature(self, partition: str, view: str) -> str:
        address = Address(f"features/{view}/{FINGERPRINTS[view][:12]}", partition)
        draft = commits.Draft(facts=commits.Facts(), num_rows=0)
        payloads = {"a": view.encode()}
        return commits.publish_files(self.store, address, payloads, draft, self.now).id


def _ids(partition: str) -> list[str]:
    return [f"{partition}-{number}" for number in range(SIZES[partition])]


@pytest.fixture
def house(store: Store, taxonomy: Taxonomy, now: datetime) -> House:
    made = House(store, taxonomy, now)
    for partition in SIZES:
        made.list_videos(partition)
    return made


@pytest.fixture
def scored(house: House) -> Callable[..., tuple[str, np.ndarray[Any, Any]]]:
    """A teacher that has scored both unlabelled partitions, and its probabilities."""

    def make(seed: int, cuts: Sequence[int] = ()) -> tuple[str, np.ndarray[Any, Any]]:
        teacher = house.teacher(seed)
        return teacher, np.concatenate(
            [
                house.score(teacher, name, seed + place, cuts)
                for place, name in enumerate(("new", "old"))
            ]
        )

    return make


def test_each_video_gets_its_own_prediction_whatever_the_order_of_the_files(
    house: House, taxonomy: Taxonomy, scored: Any
) -> None:
    teacher, probabilities = scored(1, cuts=[1, 2])
    soft = pseudo_labels.find(house.pinned(), taxonomy, [teacher]).average()
    assert soft.rows.tolist() == list(range(2, 10))
    np.testing.assert_array_equal(soft.probabilities, probabilities)


def test_several_teachers_are_averaged_in_no_order(
    house: House, taxonomy: Taxonomy, scored: Any
) -> None:
    (first, ours), (second, theirs) = scored(1), scored(7, cuts=[2])
    found = pseudo_labels.find(house.pinned(), taxonomy, [first, second[:20], first])
    assert found.teachers == tuple(sorted((first, second)))
    assert set(found.named) == {
        f"{partition}/predictions-{teacher[:16]}"
        for partition in ("new", "old")
        for teacher in (first, second)
    }
    np.testing.assert_allclose(found.average().probabilities, (ours + theirs) / 2, atol=1e-7)
    turned = pseudo_labels.find(house.pinned(), taxonomy, [second, first]).average()
    np.testing.assert_array_equal(turned.probabilities, found.average().probabilities)


def test_a_teacher_that_has_not_scored_what_is_listed_now_is_refused(
    house: House, taxonomy: Taxonomy, scored: Any
) -> None:
    teacher, _ = scored(1)
    other = house.teacher(2)
    with pytest.raises(
        Invalid,
        match=f"teacher {other[:16]} has not scored partition new as it is now; run score-par",
    ):
        pseudo_labels.find(house.pinned(), taxonomy, [teacher, other])
    house.list_videos("old", title="changed")
    with pytest.raises(
        Invalid, match=f"teacher {teacher[:16]} has not scored partition old as it is now"
    ):
        pseudo_labels.find(house.pinned(), taxonomy, [teacher])


def test_a_teacher_of_other_features_may_teach_and_one_of_older_features_may_not(
    house: House, taxonomy: Taxonomy, scored: Any
) -> None:
    teacher, _ = scored(1)
    stranger = house.teacher(5, fingerprints={"frames": "c" * 64, "text": "b" * 64})
    for name in ("new", "old"):
        house.score(stranger, name, 3)
    pinned = house.pinned()
    pins = tuple(
        pin.model_copy(update={"features": {**pin.features, "frames": "9" * 64}})
        for pin in pinned.snapshot.pins
    )
    newer = PinnedSet(
        pinned.store,
        pinned.snapshot.model_copy(update={"pins": pins}),
        pinned.examples,
        pinned.vocabulary,
        taxonomy,
        None,
    )
    assert pseudo_labels.find(newer, taxonomy, [stranger]).teachers == (stranger,)
    with pytest.raises(Invalid, match="has not scored partition new as it is now"):
        pseudo_labels.find(newer, taxonomy, [teacher])


def test_a_teacher_of_another_taxonomy_is_refused(
    house: House, taxonomy: Taxonomy, scored: Any
) -> None:
    teacher, _ = scored(1)
    other = Taxonomy("other", (*taxonomy.categories[:-1], Category("0199", "01")))
    stranger = house.teacher(3, other)
    with pytest.raises(
        Invalid, match=f"teacher {stranger[:16]} knows taxonomy other, which differs from toy"
    ):
        pseudo_labels.find(house.pinned(), taxonomy, [teacher, stranger])


def test_predictions_of_other_videos_are_never_learned(
    house: House, taxonomy: Taxonomy, scored: Any
) -> None:
    teacher, _ = scored(1)
    pinned = house.pinned()
    pinned.examples.video_ids[3] = "new-1-other"  # type: ignore[index]
    with pytest.raises(Corrupt, match="has predictions for 2 of 3 listed videos; score them again"):
        pseudo_labels.find(pinned, taxonomy, [teacher]).average()


def test_without_an_unlabelled_partition_there_is_nothing_to_teach(
    house: House, taxonomy: Taxonomy, scored: Any
) -> None:
    teacher, _ = scored(1)
    pinned = house.pinned()
    labelled = pinned.snapshot.model_copy(update={"pins": pinned.snapshot.pins[:1]})
    alone = PinnedSet(pinned.store, labelled, pinned.examples, pinned.vocabulary, taxonomy, None)
    with pytest.raises(
        Invalid, match="nothing that a teacher could label; ingest a partition of role unlabeled"
    ):
        pseudo_labels.find(alone, taxonomy, [teacher])
