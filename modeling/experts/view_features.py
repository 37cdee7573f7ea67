"""What the experts read of stored examples: TF-IDF of the text, means of the frames."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from featurestore.reading.examples import RawBatch
from modeling.configuration import View
from modeling.experts.frame_means import FrameScale
from modeling.experts.text_units import Vocabulary
from modeling.learning.inputs.batching import Examples, Rows
from modeling.learning.inputs.blocks import read_blocks

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """The features of N examples, in memory."""

    counts: sparse.csr_matrix
    """`[N, W]` float32, how often a text has each unit"""
    tfidf: sparse.csr_matrix
    """`[N, W]` float32, each row of length 1"""
    has_text: npt.NDArray[np.bool_]
    """`[N]`"""
    frames: Floats
    """`[N, 2E]`, standardised means of the first and the second half of the frames; 0 where there
    are none"""
    has_frames: npt.NDArray[np.bool_]
    """`[N]`"""

    def __len__(self) -> int:
        """N."""
        return len(self.has_text)

    def has(self, view: View) -> npt.NDArray[np.bool_]:
        """Say which examples have a view, `[N]`."""
        return {"text": self.has_text, "frames": self.has_frames}[view]

    def presence(self) -> sparse.csr_matrix:
        """Say which units each text has, `[N, W]` float32, 1 where it has one."""
        counts = self.counts
        present = (np.ones_like(counts.data), counts.indices, counts.indptr)
        return sparse.csr_matrix(present, shape=counts.shape)


@dataclass(frozen=True)
class FeatureReader:
    """Reads features; what it was fitted on decides its vocabulary and its scale."""

    vocabulary: Vocabulary
    scale: FrameScale | None
    """None leaves the frames unread."""

    def read(self, examples: Examples, rows: Rows) -> Features:
        """Read the features of some examples, at least one, block by block."""
        # Frames take most of the memory: each is written where it stays, never held twice.
        frames = np.empty((len(rows), len(self.scale.mean) if self.scale else 0), np.float32)
        blocks: list[Features] = []
        start = 0
        for batch in read_blocks(examples, rows):
            block = self.of_batch(batch)
            frames[start : start + len(block)] = block.frames
            start += len(block)
            blocks.append(replace(block, frames=frames[:0]))
        return Features(
            sparse.vstack([block.counts for block in blocks], format="csr"),
            sparse.vstack([block.tfidf for block in blocks], format="csr"),
            np.concatenate([block.has_text for block in blocks]),
            frames,
            np.concatenate([block.has_frames for block in blocks]),
        )

    def of_batch(self, batch: RawBatch) -> Features:
        """Make the features of a batch."""
        counts = self.vocabulary.count(batch)
        size = len(batch.token_ids)
        return Features(
            counts,
            tfidf(counts, self.vocabulary),
            np.array([len(ids) > 0 for ids in batch.token_ids]),
            self.scale.read(batch) if self.scale else np.empty((size, 0), np.float32),
            np.asarray(batch.frame_mask.any(axis=1)),
        )


def tfidf(counts: sparse.csr_matrix, vocabulary: Vocabulary) -> sparse.csr_matrix:
    """Weigh counts as scikit-learn's TfidfTransformer with sublinear counts does.

    Args:
        counts: `[N, W]`.
        vocabulary: Gives W inverse document frequencies.

    Returns:
        `[N, W]`, each row of length 1, or 0 where it counts nothing.
    """
    weighed = counts.copy()
    idf = np.log((1 + vocabulary.num_documents) / (1 + vocabulary.document_frequency)) + 1
    weighed.data = ((1 + np.log(weighed.data)) * idf[weighed.indices]).astype(np.float32)
    lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1
    return sparse.csr_matrix(sparse.diags(1 / lengths).dot(weighed), dtype=np.float32)
