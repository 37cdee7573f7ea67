"""The logits of stored examples, in batches of like length."""

import numpy as np
import numpy.typing as npt
import torch

from modeling.configuration import ALL_VIEWS, Views
from modeling.learning.inputs.batching import (
    Examples,
    Rows,
    read_batch,
    sorted_batches,
    visible_lengths,
)
from modeling.learning.training_runtime import autocast
from modeling.network.classifier import VideoClassifier
from modeling.network.ensemble import Ensemble


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
        batch_size: Examples that pass through the model at once.
        device: Where the model is.

    Returns:
        `[N, C]`, in the order of the rows.
    """
    model.eval()
    places, outputs = [], []
    lengths = visible_lengths(examples, views)[rows]
    for chosen in sorted_batches(np.arange(len(rows)), lengths, batch_size):
        batch = read_batch(examples, rows[chosen], views).to(device)
        with autocast(device):
            logits = model(batch)
        places.append(chosen)
        outputs.append(logits.float().cpu().numpy())
    in_order = np.argsort(np.concatenate(places))
    return np.asarray(np.concatenate(outputs)[in_order], np.float32)
