"""Train the demo's encoder on digits drawn as the corpus draws them.

``python -m flows.demo.train_encoder``.

The scans it learns from are those that no clip of the corpus shows. The file it leaves holds timm's
tensors without the classifier head, in half precision; the card beside it says how they came to be.
"""

import argparse
import hashlib
import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from flows.demo.encoder import CARD_FILE, WEIGHTS_FILE, EncoderCard
from flows.demo.scans import DIGITS, ScanSet, load_scans
from flows.demo.scenes import Pen, draw_scene
from flows.demo.textures import Background

logger = logging.getLogger(__name__)

BATCH = 64

_PLAN = EncoderCard(weights_sha256="")
_LEARNING_RATE = 1e-3
_WEIGHT_DECAY = 0.05
_WARM_UP_STEPS = 100
_CALM_UNTIL = (0.08, 0.4)
_WHITE = 255
_STILLS_A_SCAN = 4
_LARGEST_SHIFT = 2
_COMPRESSED_SHARE = 0.7
_BILINEAR_SHARE = 0.2


def varied_still(
    rng: np.random.Generator, scan: NDArray[np.float32], busyness: float
) -> NDArray[np.uint8]:
    """Draw a still as training sees it: written, compressed, scaled and cropped with variation.

    Args:
        rng: Where every choice comes from.
        scan: Float32 ``[8, 8]``.
        busyness: 0 for white on black, 1 for the corpus's own colours and textures.

    Returns:
        Uint8 RGB ``[crop, crop, 3]``.
    """
    pen = Pen(
        shear=rng.uniform(-0.2, 0.2),
        aspect=rng.uniform(0.82, 1.2),
        threshold=rng.uniform(0.35, 0.62),
    )
    scene = draw_scene(rng, scan, pen, num_poses=1)
    image = Image.fromarray(
        replace(scene, background=_calmed(scene.background, busyness)).frame(0.0)
    )
    if rng.random() < _COMPRESSED_SHARE:
        held = io.BytesIO()
        image.save(held, "JPEG", quality=int(rng.integers(25, 90)))
        image = Image.open(held)
    resample = (
        Image.Resampling.BILINEAR if rng.random() < _BILINEAR_SHARE else Image.Resampling.BICUBIC
    )
    shift = rng.integers(-_LARGEST_SHIFT, _LARGEST_SHIFT + 1, 2)
    return _central_square(
        image,
        int(rng.integers(_PLAN.resize_short_side - 5, _PLAN.resize_short_side + 4)),
        resample,
        shift,
    )


def _calmed(background: Background, busyness: float) -> Background:
    pixels = background.pixels * busyness
    pen = background.pen * busyness + _WHITE * (1 - busyness)
    return Background(pixels.astype(np.uint8), pen.astype(np.uint8))


def plain_still(rng: np.random.Generator, scan: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw a still as extraction sees it, uint8 RGB ``[crop, crop, 3]``."""
    image = Image.fromarray(draw_scene(rng, scan, num_poses=1).frame(0.0))
    return _central_square(
        image, _PLAN.resize_short_side, Image.Resampling.BICUBIC, np.zeros(2, dtype=np.int64)
    )


def _central_square(
    image: Image.Image, short_side: int, resample: Image.Resampling, shift: NDArray[np.int64]
) -> NDArray[np.uint8]:
    scale = short_side / min(image.size)
    resized = image.resize((round(image.width * scale), round(image.height * scale)), resample)
    left = (resized.width - _PLAN.crop) // 2 + int(shift[0])
    top = (resized.height - _PLAN.crop) // 2 + int(shift[1])
    return np.asarray(resized.crop((left, top, left + _PLAN.crop, top + _PLAN.crop)))


class DrawnBatches(Dataset[tuple[Tensor, Tensor]]):
    """One batch for each step, drawn from the seed and the step alone."""

    def __init__(self, scans: ScanSet, num_steps: int, seed: int) -> None:
        self.scans, self.num_steps, self.seed = scans, num_steps, seed

    def __len__(self) -> int:
        """Return the number of steps."""
        return self.num_steps

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        """Return stills uint8 ``[BATCH, crop, crop, 3]`` and digits int64 ``[BATCH]``."""
        rng = np.random.default_rng([self.seed, step])
        rows = rng.integers(0, len(self.scans), BATCH)
        busyness = float(np.interp(step / self.num_steps, _CALM_UNTIL, (0.0, 1.0)))
        stills = np.stack([varied_still(rng, self.scans.images[row], busyness) for row in rows])
        return torch.from_numpy(stills), torch.from_numpy(self.scans.digits[rows])


class DigitClassifier(nn.Module):
    """The encoder with a linear head over the ten digits."""

    def __init__(self, card: EncoderCard) -> None:
        super().__init__()
        import timm  # noqa: PLC0415, takes seconds that a worker drawing stills need not pay

        self.encoder = timm.create_model(
            card.encoder, num_classes=0, drop_path_rate=0.05, **card.encoder_kwargs
        )
        self.head = nn.Linear(card.embedding_dim, len(DIGITS))
        self.mean = nn.Buffer(torch.tensor(card.mean).reshape(1, 3, 1, 1))
        self.std = nn.Buffer(torch.tensor(card.std).reshape(1, 3, 1, 1))

    def embed(self, stills: Tensor) -> Tensor:
        """Return embeddings float32 ``[B, D]`` of stills uint8 ``[B, crop, crop, 3]``."""
        pixels = stills.permute(0, 3, 1, 2).float() / 255  # [B, 3, crop, crop]
        embeddings: Tensor = self.encoder((pixels - self.mean) / self.std)
        return embeddings

    def forward(self, stills: Tensor) -> Tensor:
        """Return logits float32 ``[B, 10]`` of stills uint8 ``[B, crop, crop, 3]``."""
        logits: Tensor = self.head(self.embed(stills))
        return logits


def train(model: DigitClassifier, scans: ScanSet, num_steps: int, seed: int) -> None:
    """Train in place: AdamW, one warm-up and a cosine down to nothing.

    Args:
        model: What is trained.
        scans: The encoder's own scans.
        num_steps: Batches of 64 stills.
        seed: Of the stills.
    """
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": _WEIGHT_DECAY},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=_LEARNING_RATE,
        total_steps=num_steps,
        pct_start=_WARM_UP_STEPS / num_steps,
    )
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    model.train()
    for step, (stills, digits) in enumerate(_batches(scans, num_steps, seed), start=1):
        logits = model(stills)
        loss = loss_of(logits, digits)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            accuracy = (logits.argmax(1) == digits).float().mean()
            logger.info(
                "step %d of %d: loss %.3f, accuracy %.3f",
                step,
                num_steps,
                loss.item(),
                accuracy.item(),
            )


def _batches(scans: ScanSet, num_steps: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    return iter(
        DataLoader(
            DrawnBatches(scans, num_steps, seed), batch_size=None, num_workers=1, prefetch_factor=8
        )
    )


@torch.inference_mode()
def accuracy_on(model: DigitClassifier, scans: ScanSet, seed: int) -> float:
    """Return the share of plain stills, four of each scan, whose digit is found."""
    model.eval()
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(len(scans)), _STILLS_A_SCAN)
    found = 0
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        stills = np.stack([plain_still(rng, scans.images[row]) for row in some])
        digits = model(torch.from_numpy(stills)).argmax(1).numpy()
        found += int((digits == scans.digits[some]).sum())
    return found / len(rows)


def main() -> None:
    """Train, measure on scans never trained on, and write the weights and their card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(__file__).parent,
        help="where weights and card are written",
    )
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument(
        "--threads", type=int, default=1, help="the shipped weights were made with one"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)

    scans = load_scans()
    model = DigitClassifier(_PLAN)
    train(model, scans.encoder, arguments.steps, arguments.seed)
    tensors = {
        name: tensor.half().contiguous() for name, tensor in model.encoder.state_dict().items()
    }
    model.encoder.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    measured = {
        "accuracy_on_training_scans_of_the_demo": accuracy_on(model, scans.training, seed=1),
        "accuracy_on_scoring_scans_of_the_demo": accuracy_on(model, scans.scoring, seed=2),
    }
    logger.info("%s", measured)
    payload = safetensors.torch.save(tensors)
    made = {
        "script": "python -m flows.demo.train_encoder",
        "steps": arguments.steps,
        "batch": BATCH,
        "seed": arguments.seed,
        "num_scans": len(scans.encoder),
        "torch": torch.__version__,
        **measured,
    }
    card = replace(_PLAN, weights_sha256=hashlib.sha256(payload).hexdigest(), made=made)
    (arguments.folder / WEIGHTS_FILE).write_bytes(payload)
    (arguments.folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")


if __name__ == "__main__":
    main()
