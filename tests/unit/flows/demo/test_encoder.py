import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression

from flows.demo.encoder import CARD_FILE, EncoderCard, shipped_encoder
from flows.demo.scans import Scans, ScanSet
from flows.demo.topics import DIGITS_SHOWN
from flows.demo.train_encoder import DigitClassifier, plain_still
from warehouse.errors import Corrupt


@pytest.fixture(scope="module")
def shipped() -> tuple[Path, EncoderCard]:
    return shipped_encoder()


def test_weights_are_small_and_their_digest_is_checked(
    shipped: tuple[Path, EncoderCard], tmp_path: Path
) -> None:
    weights, _ = shipped
    assert weights.stat().st_size <= 6_000_000
    shutil.copy(weights.with_name(CARD_FILE), tmp_path)
    (tmp_path / weights.name).write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(Corrupt, match="safetensors"):
        shipped_encoder(tmp_path)


def test_embeddings_tell_digits_that_no_probe_saw(
    shipped: tuple[Path, EncoderCard], scans: Scans
) -> None:
    weights, card = shipped
    model = DigitClassifier(card)
    model.encoder.load_state_dict(
        {name: tensor.float() for name, tensor in load_file(weights).items()}, strict=True
    )
    model.eval()
    rng = np.random.default_rng(5)

    def embedded(part: ScanSet, per_digit: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        rows = [
            row
            for digit in DIGITS_SHOWN
            for row in np.flatnonzero(part.digits == digit)[:per_digit]
        ]
        stills = np.stack([plain_still(rng, part.images[row]) for row in rows])
        with torch.inference_mode():
            return model.embed(torch.from_numpy(stills)).numpy(), part.digits[rows]

    probe = LogisticRegression(max_iter=1000).fit(*embedded(scans.training, 40))
    assert probe.score(*embedded(scans.scoring, 25)) >= 0.9
