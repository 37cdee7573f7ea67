"""Predictions for every example, block by block, keyed by video id."""

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
_BATCHES_IN_BLOCK = 16


def score(
    loaded: LoadedModel,
    examples: Examples,
    *,
    batch_size: int = 64,
    device: torch.device | None = None,
) -> Iterator[pl.DataFrame]:
    """Predict every example, in bounded memory, in the examples' order.

    Args:
        loaded: The model.
        examples: Of the model's own feature specs; those with a missing view too.
        batch_size: Examples that pass through the model at once.
        device: Where the model computes; the GPU where there is one.

    Yields:
        Blocks with the columns of the predictions table that the model alone decides.

    Raises:
        Invalid: The frame embeddings are of another width than the model's, or a text is longer
            than it reads.
    """
    config = loaded.config
    if examples.embedding_dim != config.embedding_dim:
        raise Invalid(
            f"model {loaded.model_id[:16]} reads frame embeddings of width {config.embedding_dim}, "
            f"but these are {examples.embedding_dim} wide; extract features of the model's own spec"
        )
    if loaded.scorer.network is not None and "text" in config.views:
        check_lengths(examples, config.recipe.model)
    device = device or choose_device()
    scorer, group = loaded.scorer, np.array(loaded.taxonomy.groups, np.int64)
    num_best = min(_NUM_BEST, loaded.num_possible)
    for start in range(0, len(examples), batch_size * _BATCHES_IN_BLOCK):
        rows = np.arange(start, min(len(examples), start + batch_size * _BATCHES_IN_BLOCK))
        said = scorer.say(examples, rows, batch_size=batch_size, device=device)
        examples.release()
        learned = probabilities(scorer.add(said), config.calibration)
        calibrated = loaded.in_taxonomy(learned)
        best = np.argsort(-calibrated, axis=1, kind="stable")[:, :num_best]
        chosen = decide(calibrated, config.decoding, group)
        next_best = np.where(chosen == best[:, 0], best[:, min(1, num_best - 1)], best[:, 0])
        pair = (loaded.most_probable_of(learned, places) for places in (chosen, next_best))
        shares = scorer.shares(said, *pair)
        yield _block(examples, rows, calibrated, chosen, best, loaded.taxonomy).with_columns(
            shares=pl.Series(shares.tolist(), dtype=pl.List(pl.Float32))
        )


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
