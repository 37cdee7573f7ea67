"""The logits of stored examples, in batches of like length."""

import numpy as np
import numpy.typing as npt
import torch

from featurestore.out_of_memory import is_out_of_memory
from modeling.configuration import ALL_VIEWS, Views
from modeling.learning.inputs.batching import (
    Examples,
    Rows,
    cut,
    read_batch,
    sorted_batches,
    visible_lengths,
)
from modeling.learning.training_runtime import autocast
from modeling.network.classifier import VideoClassifier
from modeling.network.ensemble import Ensemble
from warehouse.errors import Retryable


@torch.inference_mode()
def predict_logits(
    model: VideoClassifier | Ensemble,
    examples: Examples,
    rows: Rows,
    *,
    views: Views = ALL_VIEWS,
    batch_size: int,
    device: torch.device,
) -> npt.NDArray[np.float32]:
    """Compute the logits of all categories; `network.probabilities` makes probabilities of them.

    Args:
        model: On the device; left in evaluation mode.
        examples: Stored, any number.
        rows: `[N]`, which of them.
        views: What the model may see.
        batch_size: Examples that pass through the model at once, as far as they fit into memory.
        device: Where the model is.

    Returns:
        `[N, C]`, in the order of the rows.
    """
    model.eval()
    places, outputs = [], []
    lengths = visible_lengths(examples, views)[rows]
    for chosen in sorted_batches(np.arange(len(rows)), lengths, batch_size):
        places.append(chosen)
        outputs.append(_logits_of_batch(model, examples, rows[chosen], views, device))
    in_order = np.argsort(np.concatenate(places))
    return np.asarray(np.concatenate(outputs)[in_order], np.float32)


def _logits_of_batch(
    model: VideoClassifier | Ensemble,
    examples: Examples,
    rows: Rows,
    views: Views,
    device: torch.device,
) -> npt.NDArray[np.float32]:
    """Compute the logits of one batch, in halves where there is no memory for the whole."""
    try:
        batch = read_batch(examples, rows, views).to(device)
        with autocast(device):
            logits = model(batch)
        return np.asarray(logits.float().cpu().numpy(), np.float32)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        if len(rows) == 1:
            raise Retryable(
                "there is no memory to score even one example: end what else uses the memory, and"
                " run again"
            ) from error
    # Only here, after the handler, are the failed batch's tensors let go.
    if device.type == "cuda":
        torch.cuda.empty_cache()
    halves = [_logits_of_batch(model, examples, half, views, device) for half in cut(rows, 2)]
    return np.concatenate(halves)
