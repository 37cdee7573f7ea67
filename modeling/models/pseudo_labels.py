"""Pseudo-labels: teachers' predictions for the unlabelled partitions, averaged."""

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from featurestore.reading.snapshot import Pin
from featurestore.views.heads import present_head
from modeling.learning.inputs.soft_labels import SoftLabels
from modeling.learning.inputs.training_set import PinnedSet
from modeling.models import registry, scored_partitions
from modeling.models.model_facts import ClassifierFacts, PredictionFacts
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Corrupt, Invalid
from warehouse.tables.taxonomy import Taxonomy

_IDS_AT_ONCE = 8_192


@dataclass(frozen=True)
class PseudoLabels:
    """Predictions of some teachers for the unlabelled partitions that a student learns from."""

    pinned: PinnedSet
    """What the student learns from."""
    num_categories: int
    """C."""
    commits: dict[str, tuple[Commit, ...]]
    """By teacher, one for each unlabelled partition; teachers are sorted, so that their order does
    not matter."""

    @property
    def teachers(self) -> tuple[str, ...]:
        """Ids of the teachers."""
        return tuple(self.commits)

    @property
    def named(self) -> dict[str, str]:
        """The id of each commit, by its partition and its teacher."""
        return {
            f"{commit.address.partition}/predictions-{teacher[:16]}": commit.id
            for teacher, of_teacher in self.commits.items()
            for commit in of_teacher
        }

    def average(self) -> SoftLabels:
        """Average what the teachers predicted, joined by video id.

        The probabilities lie in an unnamed file that is mapped; the heap holds the ids of one
        partition at a time.

        Raises:
            Corrupt: Predictions are of other videos or categories than they were published for.
        """
        spans = _unlabelled_rows(self.pinned)
        rows = np.concatenate([np.arange(span.start, span.stop) for span in spans])
        probabilities = _zeros_on_disk(len(rows), self.num_categories)
        first = 0
        for index, span in enumerate(spans):
            ids = pl.DataFrame({"video_id": _ids(self.pinned.examples.video_ids, span)})
            for of_teacher in self.commits.values():
                for places, values in _joined(
                    of_teacher[index], ids.with_row_index("place", first), self.num_categories
                ):
                    probabilities[places] += values / np.float32(len(self.commits))
            first += len(ids)
        return SoftLabels(rows, probabilities)


def find(pinned: PinnedSet, taxonomy: Taxonomy, teachers: Sequence[str]) -> PseudoLabels:
    """Find what teachers have predicted for the pinned partitions that have no labels.

    Args:
        pinned: What the student learns from.
        taxonomy: The student's.
        teachers: As for `registry.require`, at least one; one that is named twice counts once.

    Raises:
        Invalid: Every partition has labels, there is no such teacher, it knows other categories, or
            it has not scored a partition as it is pinned.
    """
    pins = [pin for pin in pinned.snapshot.pins if pin.labels is None]
    if not pins:
        raise Invalid(
            "there is nothing that a teacher could label; ingest a partition of role unlabeled"
        )
    models = {
        commit.id: commit for commit in (registry.require(pinned.store, name) for name in teachers)
    }
    for model in models.values():
        if commits.read_bytes(model, "taxonomy.csv") != taxonomy.to_csv():
            raise Invalid(
                f"teacher {model.id[:16]} knows taxonomy {ClassifierFacts.of(model).taxonomy},"
                f" which differs from {taxonomy.name} of the labeled partitions; name teachers that"
                " were trained on it"
            )
    scored = {
        model_id: tuple(_scored(pinned, model, pin) for pin in pins)
        for model_id, model in sorted(models.items())
    }
    return PseudoLabels(pinned, len(taxonomy), scored)


def _scored(pinned: PinnedSet, model: Commit, pin: Pin) -> Commit:
    address = scored_partitions.address(model.id, pin.partition)
    commit = present_head(pinned.store, address, pinned.as_of)
    expected = PredictionFacts.of_pin(model.id, pin).made_from
    fingerprints = ClassifierFacts.of(model).fingerprints
    if fingerprints != dict(pinned.snapshot.fingerprints):
        # A teacher of other features has read other commits of them.
        expected = {name: expected[name] for name in ("model", "videos")}
    if commit is None or not expected.items() <= PredictionFacts.of(commit).made_from.items():
        raise Invalid(
            f"teacher {model.id[:16]} has not scored partition {pin.partition} as it is now; "
            f"run score-partitions partition={pin.partition} model={model.id[:16]}"
        )
    return commit


def _unlabelled_rows(pinned: PinnedSet) -> list[range]:
    """Find the rows of each unlabelled partition; examples are in the order of partitions."""
    pins = pinned.snapshot.pins
    ends = np.cumsum(
        [0, *(commits.commit_by_id(pinned.store, pin.videos).num_rows for pin in pins)]
    ).tolist()
    spans = [range(start, end) for start, end in itertools.pairwise(ends)]
    return [span for pin, span in zip(pins, spans, strict=True) if pin.labels is None]


def _ids(video_ids: Sequence[str], span: range) -> pl.Series:
    """The ids of some examples, few of them as Python's own strings at a time."""
    starts = range(span.start, span.stop, _IDS_AT_ONCE)
    blocks = [
        pl.Series(video_ids[start : min(span.stop, start + _IDS_AT_ONCE)]) for start in starts
    ]
    return pl.concat(blocks) if blocks else pl.Series(dtype=pl.String)


def _joined(
    commit: Commit, ids: pl.DataFrame, num_categories: int
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
    """Read predictions file by file.

    Args:
        commit: Of the predictions.
        ids: `video_id` and `place` of each listed video, sorted by the former.
        num_categories: C.

    Yields:
        The places of a file's videos `[M]`, and their probabilities `[M, C]`.

    Raises:
        Corrupt: They are of other videos or categories.
    """
    num_joined = 0
    for rows in tables.scan_predictions(commit):
        block = rows.select("video_id", "probabilities").collect()
        # Files are sorted too: looking a file up among all ids would take as long as all of them.
        first, last = str(block["video_id"].min()), str(block["video_id"].max())
        within = slice(
            ids["video_id"].search_sorted(first), ids["video_id"].search_sorted(last, "right")
        )
        block = block.join(ids[within], on="video_id")
        if (block["probabilities"].list.len() != num_categories).any():
            raise Corrupt(
                f"{commit.folder} lacks probabilities of {num_categories} categories; score it"
                " again"
            )
        num_joined += len(block)
        yield (
            block["place"].to_numpy(),
            block["probabilities"].explode().to_numpy().reshape(-1, num_categories),
        )
    if num_joined != len(ids):
        raise Corrupt(
            f"{commit.folder} has predictions for {num_joined} of {len(ids)} listed videos; score"
            " them again"
        )


def _zeros_on_disk(num_rows: int, num_categories: int) -> npt.NDArray[np.float32]:
    """Map a file without a name: a run that is killed leaves nothing behind."""
    with tempfile.TemporaryFile() as file:
        file.truncate(max(1, num_rows * num_categories) * np.dtype(np.float32).itemsize)
        return np.memmap(file, np.float32, "r+", shape=(num_rows, num_categories))
