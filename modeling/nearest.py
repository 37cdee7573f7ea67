"""The operation: the labelled videos whose stored features are nearest to those of a video."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from featurestore.reading import snapshot
from featurestore.reading.examples import Examples, RawBatch
from modeling.experts.text_units import Vocabulary, fit_vocabulary
from modeling.experts.view_features import tfidf
from modeling.learning.inputs.batching import Rows
from modeling.learning.inputs.blocks import read_blocks
from modeling.learning.inputs.training_set import pin_training_set
from warehouse import commits
from warehouse.errors import Invalid
from warehouse.identifiers import parse_video_id, shown
from warehouse.store import Store

Floats = npt.NDArray[np.float32]

_MOST_UNITS = 30_000


@dataclass(frozen=True)
class Neighbour:
    """A labelled video, and how near it is."""

    video_id: str
    partition: str
    category_id: str
    similarity: float
    """The mean of the cosines of those views that the other video has."""
    frames: float
    """The cosine of the mean frame embeddings; 0 where either has none."""
    text: float
    """The cosine of the words' TF-IDF; 0 where either has none."""


def nearest_labelled(
    store: Store, partition: str, video_id: str, num_wanted: int, now: datetime
) -> list[Neighbour]:
    """Find the labelled videos that are most like a video, by two passes of bounded memory.

    Args:
        store: Where labels and features are.
        partition: The video's.
        video_id: A listed video, labelled or not.
        num_wanted: How many are found at most.
        now: In UTC.

    Returns:
        The nearest first.

    Raises:
        Invalid: There is no such video, it has no features, or nothing is labelled.
    """
    parse_video_id(video_id)
    pinned = pin_training_set(store, ("labeled",), now)
    taxonomy, examples = pinned.taxonomy, pinned.examples
    if taxonomy is None:
        raise Invalid("no labeled partition has labels; ingest one with category_id")
    wanted = _read_one(store, partition, video_id, pinned.snapshot.fingerprints)
    rows = np.flatnonzero(examples.labels >= 0)
    vocabulary = fit_vocabulary(read_blocks(examples, rows), "words", _MOST_UNITS)
    cosines = np.concatenate(list(_cosines(examples, rows, vocabulary, wanted)))
    similarities = cosines.mean(axis=1, where=_has(wanted))
    sizes = [commits.commit_by_id(store, pin.videos).num_rows for pin in pinned.snapshot.pins]
    ends = np.cumsum(sizes)
    neighbours: list[Neighbour] = []
    for place in np.argsort(-similarities, kind="stable"):
        row = int(rows[place])
        where = pinned.snapshot.pins[int(np.searchsorted(ends, row, side="right"))].partition
        if (where, examples.video_ids[row]) == (partition, video_id):
            continue
        neighbours.append(
            Neighbour(
                examples.video_ids[row],
                where,
                taxonomy.category_ids[examples.labels[row]],
                float(similarities[place]),
                *map(float, cosines[place]),
            )
        )
        if len(neighbours) == num_wanted:
            break
    return neighbours


def _read_one(
    store: Store, partition: str, video_id: str, fingerprints: dict[str, str]
) -> RawBatch:
    examples = Examples(store, snapshot.pin(store, [partition], fingerprints))
    row = next((row for row, known in enumerate(examples.video_ids) if known == video_id), None)
    if row is None:
        raise Invalid(
            f"partition {partition} lists no video {shown(video_id)}: name one that it lists"
        )
    batch = examples.read(np.array([row]))
    if not _has(batch).any():
        raise Invalid(
            f"video {video_id} of partition {partition} has neither frames nor text, so that"
            " nothing is near to it: name another one"
        )
    return batch


def _has(one: RawBatch) -> npt.NDArray[np.bool_]:
    """Say which views a single example has: frames, text."""
    return np.array([one.frame_mask.any(), len(one.token_ids[0]) > 0])


def _cosines(
    examples: Examples, rows: Rows, vocabulary: Vocabulary, wanted: RawBatch
) -> Iterator[Floats]:
    """Compare blocks of examples with one: cosines of frames and text, `[B, 2]`."""
    direction = _directions(wanted)[0]
    words = tfidf(vocabulary.count(wanted), vocabulary)
    for batch in read_blocks(examples, rows):
        text = (tfidf(vocabulary.count(batch), vocabulary) @ words.T).toarray()[:, 0]
        yield np.stack([_directions(batch) @ direction, text], axis=1).astype(np.float32)


def _directions(batch: RawBatch) -> Floats:
    """The mean frame embedding of each example at length 1, `[B, E]`; 0 where there is none."""
    mask = batch.frame_mask[..., None].astype(np.bool_)
    total = np.where(mask, batch.embeddings, 0).astype(np.float32).sum(axis=1)
    lengths = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(total / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)
