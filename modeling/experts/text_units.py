"""What a stored text is counted in: its words, or its characters and pairs of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from featurestore.reading.examples import RawBatch
from modeling.configuration import Unit

UNITS: tuple[Unit, ...] = ("words", "characters")
Keys = npt.NDArray[np.uint64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_PAIR_SHIFT = np.uint64(32)
_MOST_COUNTED = 1_000_000
"""Units that are counted at the same time: pairs of characters go on being new, text by text."""


@dataclass(frozen=True)
class Vocabulary:
    """The units that count, the most frequent of the texts that it was fitted on."""

    unit: Unit
    keys: Keys
    """`[W]`, ascending."""
    document_frequency: npt.NDArray[np.int64]
    """`[W]`, the texts that have each unit."""
    num_documents: int
    """The texts that it was fitted on."""

    def __len__(self) -> int:
        """W."""
        return len(self.keys)

    def cut(self, most_units: int) -> "Vocabulary":
        """Keep the units that most texts have; among equals, the smaller key."""
        kept = np.sort(np.argsort(-self.document_frequency, kind="stable")[:most_units])
        return replace(self, keys=self.keys[kept], document_frequency=self.document_frequency[kept])

    def count(self, batch: RawBatch) -> sparse.csr_matrix:
        """Count the units of B texts, `[B, W]` float32; a unit that is not known does not count."""
        documents, keys = text_keys(batch, self.unit)
        places = np.searchsorted(self.keys, keys)
        is_known = places < len(self)
        is_known[is_known] = self.keys[places[is_known]] == keys[is_known]
        counts = sparse.csr_matrix(
            (
                np.ones(int(is_known.sum()), np.float32),
                (documents[is_known], places[is_known]),
            ),
            shape=(len(batch.token_ids), len(self)),
        )
        counts.sum_duplicates()
        return counts


NO_VOCABULARY = Vocabulary("words", np.empty(0, np.uint64), np.empty(0, np.int64), 0)
"""Of a reader that leaves the text unread."""


def fit_vocabulary(batches: Iterator[RawBatch], unit: Unit, most_units: int) -> Vocabulary:
    """Find the units that most texts have; among equals, the smaller key.

    In bounded memory: where the texts have more than a million units, the rarest so far are
    forgotten, and what they counted is lost.

    Args:
        batches: Of the texts that are counted.
        unit: What a text is counted in.
        most_units: W is at most this.
    """
    counted = Vocabulary(unit, np.empty(0, np.uint64), np.empty(0, np.int64), 0)
    pending: list[Vocabulary] = []
    for batch in batches:
        keys, frequency = np.unique(_once_a_text(*text_keys(batch, unit)), return_counts=True)
        pending.append(Vocabulary(unit, keys, frequency, len(batch.token_ids)))
        if sum(map(len, pending)) > _MOST_COUNTED:
            counted = _merged(unit, [counted, *pending]).cut(_MOST_COUNTED)
            pending = []
    return _merged(unit, [counted, *pending]).cut(most_units)


def _merged(unit: Unit, parts: Sequence[Vocabulary]) -> Vocabulary:
    """Add up what was counted in different texts."""
    keys, place = np.unique(np.concatenate([part.keys for part in parts]), return_inverse=True)
    counts = np.concatenate([part.document_frequency for part in parts])
    frequency = np.bincount(place, counts, len(keys)).astype(np.int64)
    return Vocabulary(unit, keys, frequency, sum(part.num_documents for part in parts))


def text_keys(batch: RawBatch, unit: Unit) -> tuple[npt.NDArray[np.int64], Keys]:
    """List the units of B texts as 64-bit keys.

    A character's key is its token id, a pair's is both ids, and a word's is a hash of the token ids
    between two starts of words; that two words share one is less likely than a broken disk.

    Args:
        batch: B examples.
        unit: What a text is cut into.

    Returns:
        Which of the B texts each unit is of, and its key; one of each for every occurrence.
    """
    lengths = np.array([len(ids) for ids in batch.token_ids], np.int64)
    documents = np.repeat(np.arange(len(lengths)), lengths)
    if not len(documents):
        return documents, np.empty(0, np.uint64)
    token_ids = np.concatenate(batch.token_ids).astype(np.uint64) + np.uint64(1)
    return _CUTS[unit](documents, token_ids, np.concatenate(batch.word_start).astype(np.bool_))


def _once_a_text(documents: npt.NDArray[np.int64], keys: Keys) -> Keys:
    """Leave out the repeats of a unit within one text."""
    order = np.lexsort((documents, keys))
    documents, keys = documents[order], keys[order]
    is_repeat = (documents[1:] == documents[:-1]) & (keys[1:] == keys[:-1])
    is_first = np.append(True, ~is_repeat)[: len(keys)]
    return np.asarray(keys[is_first])


def _characters(
    documents: npt.NDArray[np.int64], token_ids: Keys, _: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], Keys]:
    in_one_text = documents[1:] == documents[:-1]
    pairs = (token_ids[:-1] << _PAIR_SHIFT) + token_ids[1:]
    return (
        np.concatenate([documents, documents[1:][in_one_text]]),
        np.concatenate([token_ids, pairs[in_one_text]]),
    )


def _words(
    documents: npt.NDArray[np.int64], token_ids: Keys, word_start: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], Keys]:
    is_first = word_start.copy()
    is_first[0] = True
    is_first[1:] |= documents[1:] != documents[:-1]
    starts = np.flatnonzero(is_first)
    place_in_word = np.arange(len(token_ids)) - np.repeat(
        starts, np.diff(np.append(starts, len(token_ids)))
    )
    powers = _MULTIPLIER ** place_in_word.astype(np.uint64)
    return documents[starts], np.add.reduceat(token_ids * powers, starts)


_CUTS: dict[
    Unit,
    Callable[
        [npt.NDArray[np.int64], Keys, npt.NDArray[np.bool_]],
        tuple[npt.NDArray[np.int64], Keys],
    ],
] = {"words": _words, "characters": _characters}
