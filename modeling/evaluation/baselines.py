"""What a model must beat: the majority's category, and one linear classifier for each view.

The linear ones are scikit-learn's logistic regression on at most 20,000 training examples; an
example without the view is judged by what the training examples are on the whole.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from featurestore.reading.examples import RawBatch
from modeling.learning.inputs.batching import Examples, Rows
from modeling.learning.inputs.blocks import draw, read_blocks
from warehouse.tables.taxonomy import Taxonomy

Labels = npt.NDArray[np.int64]
Baseline = Callable[[Examples, Rows, Rows, int], Labels]
"""From examples, labelled training rows, rows to predict and C to the label of each of the
latter."""

MOST_TRAINING_ROWS = 20_000
_MOST_ITERATIONS = 50
_TEXT_STRENGTH = 10.0
_VISION_STRENGTH = 1.0


def majority(examples: Examples, training_rows: Rows, rows: Rows, num_categories: int) -> Labels:
    """Predict the most frequent category of the training examples, the first among equals."""
    counts = np.bincount(examples.labels[training_rows], minlength=num_categories)
    return np.full(len(rows), counts.argmax(), np.int64)


def tfidf_logistic(
    examples: Examples, training_rows: Rows, rows: Rows, num_categories: int
) -> Labels:
    """Predict from the TF-IDF of the stored token ids."""
    from sklearn.feature_extraction.text import (  # noqa: PLC0415 - takes a second to import
        TfidfVectorizer,
    )

    learned = draw(training_rows, MOST_TRAINING_ROWS)
    if not (len(rows) and examples.num_tokens[learned].any()):
        return majority(examples, training_rows, rows, num_categories)
    vectorizer = TfidfVectorizer(analyzer=np.ndarray.tolist, sublinear_tf=True, dtype=np.float32)
    known = vectorizer.fit_transform(_texts(examples, learned))
    return _logistic(
        known,
        vectorizer.transform(_texts(examples, rows)),
        examples.labels[learned],
        _TEXT_STRENGTH,
    )


def vision_logistic(
    examples: Examples, training_rows: Rows, rows: Rows, num_categories: int
) -> Labels:
    """Predict from the mean embedding of each example's frames, standardised."""
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - as above

    learned = draw(training_rows, MOST_TRAINING_ROWS)
    has_frames = examples.has_frames
    if not (len(rows) and has_frames[learned].any()):
        return majority(examples, training_rows, rows, num_categories)
    scaler = StandardScaler().fit(_mean_embeddings(examples, learned[has_frames[learned]]))

    def standardised(chosen: Rows) -> Any:
        return np.where(
            has_frames[chosen, None], scaler.transform(_mean_embeddings(examples, chosen)), 0
        )

    return _logistic(
        standardised(learned), standardised(rows), examples.labels[learned], _VISION_STRENGTH
    )


BASELINES: dict[str, Baseline] = {
    "majority": majority,
    "tfidf_logistic": tfidf_logistic,
    "vision_logistic": vision_logistic,
}


def predict_all(
    examples: Examples, video_ids: Sequence[str], taxonomy: Taxonomy
) -> dict[str, list[str]]:
    """Predict the categories of some videos by each baseline, fitted on the training examples.

    Args:
        examples: Those to learn from and those to predict, each video once.
        video_ids: N of the latter.
        taxonomy: Gives the labels' order.

    Returns:
        N category ids by the baseline's name.
    """
    training_rows = np.flatnonzero((examples.labels >= 0) & ~examples.is_validation)
    row_of = {video_id: row for row, video_id in enumerate(examples.video_ids)}
    rows = np.array([row_of[video_id] for video_id in video_ids], np.int64)
    predicted = {
        name: baseline(examples, training_rows, rows, len(taxonomy))
        for name, baseline in BASELINES.items()
    }
    return {name: taxonomy.ids_of(labels) for name, labels in predicted.items()}


def _texts(examples: Examples, rows: Rows) -> Iterator[npt.NDArray[np.int32]]:
    return (ids for batch in read_blocks(examples, rows) for ids in batch.token_ids)


def _mean_embeddings(examples: Examples, rows: Rows) -> npt.NDArray[np.float32]:
    means = [_masked_mean(batch) for batch in read_blocks(examples, rows)]
    return np.concatenate([np.empty((0, examples.embedding_dim), np.float32), *means])


def _masked_mean(batch: RawBatch) -> npt.NDArray[np.float32]:
    """Average each example's frames, `[B, E]`; 0 where it has none."""
    mask = batch.frame_mask[..., None].astype(np.bool_)
    frames = np.where(mask, batch.embeddings, 0).astype(np.float32)
    return np.asarray(frames.sum(axis=1) / np.maximum(1, mask.sum(axis=1)), np.float32)


def _logistic(known: Any, unknown: Any, labels: Labels, strength: float) -> Labels:
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - as above
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - as above

    if len(np.unique(labels)) == 1:
        return np.full(unknown.shape[0], labels[0], np.int64)
    model = LogisticRegression(C=strength, max_iter=_MOST_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the bound on its iterations is meant
        return np.asarray(model.fit(known, labels).predict(unknown), np.int64)
