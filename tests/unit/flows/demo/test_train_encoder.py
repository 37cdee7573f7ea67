import numpy as np
import torch

from flows.demo.scans import Scans
from flows.demo.train_encoder import DrawnBatches, varied_still


def test_batches_are_drawn_from_seed_and_step_alone(scans: Scans) -> None:
    batches = DrawnBatches(scans.encoder, num_steps=10, seed=1)
    (stills, digits), (again, _), (later, _) = batches[3], batches[3], batches[4]
    assert stills.shape == (64, 64, 64, 3)
    assert stills.dtype == torch.uint8
    assert digits.shape == (64,)
    assert torch.equal(stills, again)
    assert not torch.equal(stills, later)


def test_training_begins_with_white_on_black(scans: Scans) -> None:
    rng = np.random.default_rng(2)
    stills = np.stack([varied_still(rng, scans.encoder.images[0], busyness=0.0) for _ in range(20)])
    assert np.median(stills) < 10
    assert all(still.max() > 240 for still in stills)
    assert np.ptp(stills.astype(int), axis=-1).mean() < 3
