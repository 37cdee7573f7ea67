"""Frames to embeddings: any timm model by name, its pooled features, in batches of one fixed size."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import timm
import torch
from pydantic import JsonValue
from timm.data import resolve_data_config
from torch import nn

from featurestore.extract.encoder_weights import load_weights
from featurestore.spec import FrameSpec
from warehouse.errors import Invalid
from warehouse.files import sha256_bytes

_FRAMES_PER_BATCH = {"cpu": 8, "cuda": 256}
_RESIZE_TO_CROP = 256 / 224
_OURS = frozenset(
    {"pretrained", "num_classes", "checkpoint_path", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"}
)


class FrameEncoder:
    """A timm model that turns frames into embeddings.

    Every forward pass has the same shape, the last one padded: a frame's embedding depends neither on how many frames
    come with it nor on which.
    """

    def __init__(self, model: nn.Module, spec: FrameSpec, device: str) -> None:
        self.frames_per_batch = _FRAMES_PER_BATCH[device]
        self._model = model.to(device)
        self._device = device
        self._side = spec.crop
        self._mean, self._std = (
            torch.tensor(values, device=device).view(1, 3, 1, 1) * 255 for values in (spec.mean, spec.std)
        )

    def encode(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
        """Encode frames.

        Args:
            frames: `[N, S, S, 3]`, RGB, S as the spec's crop.

        Returns:
            `[N, D]`

        Raises:
            Invalid: the encoder gives values that float16 can't hold.
        """
        starts = range(0, len(frames), self.frames_per_batch)
        batches = [self._forward(frames[start : start + self.frames_per_batch]) for start in starts]
        with np.errstate(over="ignore"):
            embeddings = np.concatenate(batches).astype(np.float16)
        if not np.isfinite(embeddings).all():
            raise Invalid("the encoder gives values that are not finite in float16; its weights can't be used")
        return embeddings

    def _forward(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        padded = np.zeros((self.frames_per_batch, self._side, self._side, 3), np.uint8)
        padded[: len(frames)] = frames
        with torch.inference_mode():
            pixels = torch.from_numpy(padded).to(self._device).permute(0, 3, 1, 2).float()
            embeddings: torch.Tensor = self._model((pixels - self._mean) / self._std)
        return embeddings[: len(frames)].cpu().numpy()


def make_frame_spec(encoder: str, encoder_kwargs: Mapping[str, JsonValue], weights_path: Path) -> FrameSpec:
    """Describe the embeddings of an encoder: mean, std, size and filter are those of its own configuration.

    Args:
        encoder: a timm model's name.
        encoder_kwargs: arguments of `timm.create_model` that change its form, such as `img_size`.
        weights_path: a local file, in timm's or the authors' layout.

    Raises:
        Invalid: no such model, other arguments or other weights.
    """
    payload = _read(weights_path)
    model = _build(encoder, encoder_kwargs)
    load_weights(model, payload, weights_path)
    config = resolve_data_config({}, model=model)
    side = encoder_kwargs.get("img_size", config["input_size"][-1])
    if not isinstance(side, int):
        raise Invalid(f"the encoder's img_size must be a whole number of pixels, not {side!r}: frames are square")
    with torch.inference_mode():
        shape = tuple(model(torch.zeros(1, 3, side, side)).shape)
    if len(shape) != 2:  # noqa: PLR2004 - [1, D]
        raise Invalid(f"{encoder} gives features of shape {shape}; pooled ones of shape (1, width) are needed")
    return FrameSpec(
        resize_short_side=round(side * _RESIZE_TO_CROP),
        crop=side,
        resize_filter="bilinear" if config["interpolation"] == "bilinear" else "bicubic",
        mean=config["mean"],
        std=config["std"],
        encoder=encoder,
        encoder_kwargs=dict(encoder_kwargs),
        weights_sha256=sha256_bytes(payload),
        embedding_dim=shape[1],
    )


def load_encoder(spec: FrameSpec, weights_path: Path) -> FrameEncoder:
    """Build a spec's encoder, on the GPU where there is one.

    Args:
        spec: which encoder.
        weights_path: its weights.

    Raises:
        Invalid: the file has another digest than the spec names, or doesn't hold the model's weights.
    """
    payload = _read(weights_path)
    if sha256_bytes(payload) != spec.weights_sha256:
        raise Invalid(
            f"{weights_path} has sha256 {sha256_bytes(payload)[:12]}, the frame spec wants {spec.weights_sha256[:12]}; "
            "name the right file, or apply new specs"
        )
    model = _build(spec.encoder, spec.encoder_kwargs)
    load_weights(model, payload, weights_path)
    return FrameEncoder(model, spec, "cuda" if torch.cuda.is_available() else "cpu")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"the encoder's weights {path} cannot be read ({error.strerror})") from error


def _build(encoder: str, encoder_kwargs: Mapping[str, JsonValue]) -> nn.Module:
    if not timm.is_model(encoder):
        raise Invalid(f"timm has no model {encoder!r}; timm.list_models() names those it has")
    if refused := sorted(_OURS & encoder_kwargs.keys()):
        raise Invalid(f"the encoder's arguments may not set {', '.join(refused)}")
    try:
        model: nn.Module = timm.create_model(encoder, pretrained=False, num_classes=0, **encoder_kwargs)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise Invalid(f"timm cannot build {encoder} with {dict(encoder_kwargs)} ({error})") from error
    return model.eval()
