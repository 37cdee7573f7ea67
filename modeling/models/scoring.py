"""Predictions for every example, block by block, keyed by video id."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl
import torch

from modeling.experts.decoding import decide
from modeling.learning.inputs.batching import Examples, Rows, missing_views
from modeling.learning.inputs.requirements import check_lengths
from modeling.learning.training_runtime import choose_device
from modeling.models.stored_model import LoadedModel
from modeling.network.probabilities import Labels, probabilities
from warehouse.errors import Invalid
from warehouse.tables.taxonomy import Taxonomy

_NUM_BEST = 5
_BATCH_SIZE, _BATCHES_IN_BLOCK = 64, 16


class BlockScorer:
    """Predicts examples block by block, in bounded memory; a block's rows depend on no other block.

    Args:
        loaded: The model.
        examples: Of the model's own feature specs; those with a missing view too.
        batch_size: Examples that pass through the model at once; 64 by default.
        device: Where the model computes; the GPU where there is one.

    Raises:
        Invalid: The frame embeddings are of another width than the model's, or a text is longer
            than it reads.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        examples: Examples,
        *,
        batch_size: int | None = None,
        device: torch.device | None = None,
    ) -> None:
        config = loaded.config
        if examples.embedding_dim != config.embedding_dim:
            raise Invalid(
                f"model {loaded.model_id[:16]} reads frame embeddings of width"
                f" {config.embedding_dim}, but these are {examples.embedding_dim} wide; extract"
                " features of the model's own spec"
            )
        if loaded.scorer.network is not None and "text" in config.views:
            check_lengths(examples, config.recipe.model)
        self._loaded, self._examples = loaded, examples
        self._batch_size = batch_size or _BATCH_SIZE
        self._device = device or choose_device()
        self._block_rows = self._batch_size * _BATCHES_IN_BLOCK

    def __len__(self) -> int:
        """How many blocks there are."""
        return math.ceil(len(self._examples) / self._block_rows)

    def rows(self, index: int) -> range:
        """Which examples a block has."""
        start = index * self._block_rows
        return range(start, min(len(self._examples), start + self._block_rows))

    def score(self, index: int) -> pl.DataFrame:
        """Predict one block: the columns of the predictions table that the model alone decides."""
        loaded, examples, scorer = self._loaded, self._examples, self._loaded.scorer
        config = loaded.config
        rows = np.array(self.rows(index), np.int64)
        said = scorer.say(examples, rows, batch_size=self._batch_size, device=self._device)
        examples.release()
        learned = probabilities(scorer.add(said), config.calibration)
        calibrated = loaded.in_taxonomy(learned)
        num_best = min(_NUM_BEST, loaded.num_possible)
        best = np.argsort(-calibrated, axis=1, kind="stable")[:, :num_best]
        chosen = decide(calibrated, config.decoding, np.array(loaded.taxonomy.groups, np.int64))
        next_best = np.where(chosen == best[:, 0], best[:, min(1, num_best - 1)], best[:, 0])
        pair = (loaded.most_probable_of(learned, places) for places in (chosen, next_best))
        shares = scorer.shares(said, *pair)
        return _block(examples, rows, calibrated, chosen, best, loaded.taxonomy).with_columns(
            shares=pl.Series(shares.tolist(), dtype=pl.List(pl.Float32))
        )


def count_blocks(num_examples: int) -> int:
    """Count the blocks of a scoring in batches of the usual size."""
    return math.ceil(num_examples / (_BATCH_SIZE * _BATCHES_IN_BLOCK))


def score(
    loaded: LoadedModel,
    examples: Examples,
    *,
    batch_size: int | None = None,
    device: torch.device | None = None,
) -> Iterator[pl.DataFrame]:
    """Predict every example, in the examples' order; arguments and errors as of `BlockScorer`.

    Yields:
        Blocks with the columns of the predictions table that the model alone decides.
    """
    scorer = BlockScorer(loaded, examples, batch_size=batch_size, device=device)
    yield from map(scorer.score, range(len(scorer)))


def _block(
    examples: Examples,
    rows: Rows,
    calibrated: npt.NDArray[np.float32],
    chosen: Labels,
    best: Rows,
    taxonomy: Taxonomy,
) -> pl.DataFrame:
    categories = pl.DataFrame(taxonomy.categories).select("category_id", "level1_id")
    best_probabilities = np.take_along_axis(calibrated, best, axis=1)
    return pl.DataFrame(
        {
            "video_id": [examples.video_ids[row] for row in rows],
            **categories[chosen].to_dict(),
            "probability": calibrated[np.arange(len(rows)), chosen],
            "top5_category_ids": _lists(
                categories["category_id"].gather(best.ravel()).reshape(best.shape)
            ),
            "top5_probabilities": _lists(pl.Series(best_probabilities)),
            "probabilities": _lists(pl.Series(calibrated)),
            "missing_views": pl.Series(missing_views(examples, rows), dtype=pl.List(pl.String())),
        },
    )


def _lists(arrays: pl.Series) -> pl.Series:
    return arrays.arr.to_list()
