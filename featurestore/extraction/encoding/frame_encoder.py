"""Frames to embeddings.

Any timm model by name, its pooled features, in batches of one fixed size.
"""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import timm
import torch
from pydantic import JsonValue
from timm.data import resolve_data_config
from torch import nn

from featurestore.extraction.encoding.encoder_threads import EncoderThreads
from featurestore.extraction.encoding.encoder_weights import load_weights
from featurestore.extraction.encoding.openvino_model import OpenvinoModel
from featurestore.out_of_memory import is_out_of_memory
from featurestore.views.frames.frame_spec import CropMode, ExecutionMode, FrameSpec, Precision
from warehouse.errors import Invalid, Retryable
from warehouse.storage.files import sha256_bytes

Embeddings = npt.NDArray[np.float16]
Frames = Sequence[npt.NDArray[np.uint8]] | npt.NDArray[np.uint8]

_FRAMES_PER_BATCH = {"cpu": 8, "cuda": 256}
_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}
_OURS = frozenset(
    {
        "pretrained",
        "num_classes",
        "checkpoint_path",
        "pretrained_cfg",
        "pretrained_cfg_overlay",
        "cache_dir",
    }
)


class FrameEncoder:
    """A timm model that turns frames into embeddings, several batches at the same time.

    Every forward pass has the same shape, the last one padded, and runs on one core (a GPU apart):
    a frame's embedding depends neither on how many frames come with it, nor on which, nor on how
    many cores there are.
    """

    def __init__(self, model: nn.Module, spec: FrameSpec, device: str) -> None:
        self.frames_per_batch = _FRAMES_PER_BATCH[device]
        """Halved whenever a batch doesn't fit into the memory."""
        self._threads = EncoderThreads(torch.get_num_threads() if device == "cpu" else 2)
        self.device = device
        """`cpu` or `cuda`."""
        self._precision = spec.precision
        self._side = spec.crop
        self._mean, self._std = (
            torch.tensor(values, device=device).view(1, 3, 1, 1) * 255
            for values in (spec.mean, spec.std)
        )
        self.num_parameters = sum(parameter.numel() for parameter in model.parameters())
        """Numbers that were learned."""
        self._model = model.to(device)
        if device == "cuda":
            self._model = self._model.to(memory_format=torch.channels_last)
        if spec.execution_mode == "compiled":
            self._compile()
        if spec.execution_mode == "openvino":
            self._model = OpenvinoModel(model, spec.crop, self.num_threads)
            self.frames_per_batch = 1

    @property
    def num_threads(self) -> int:
        """Batches that are encoded at the same time."""
        return self._threads.num_threads

    def encode(self, frames: npt.NDArray[np.uint8]) -> Embeddings:
        """Encode frames and wait for them.

        Args:
            frames: `[N, S, S, 3]`, RGB, S as the spec's crop.

        Returns:
            `[N, D]`

        Raises:
            Invalid: the encoder gives values that float16 can't hold.
            Retryable: there is no memory for even one frame.
        """
        size = self.frames_per_batch
        batches = [
            self.submit(frames[start : start + size]) for start in range(0, len(frames), size)
        ]
        return np.concatenate([batch.result() for batch in batches])

    def submit(self, frames: Frames) -> "Future[Embeddings]":
        """Encode some frames `[S, S, 3]`, best a full batch, on a thread of its own.

        Errors as above.
        """
        return self._threads.submit(self._encode, frames)

    def close(self) -> None:
        """End the threads, once they have done what was submitted."""
        self._threads.close()

    def _encode(self, frames: Frames) -> Embeddings:
        batches: list[npt.NDArray[np.float32]] = []
        done = 0
        while done < len(frames) or not batches:
            size = self.frames_per_batch
            batch = self._forward(frames[done : done + size], size)
            if batch is None:
                self._halve(size)
            else:
                batches.append(batch)
                done += len(batch)
        with np.errstate(over="ignore"):
            embeddings = np.concatenate(batches).astype(np.float16)
        if not np.isfinite(embeddings).all():
            raise Invalid(
                "the encoder gives values that are not finite in float16; its weights can't be used"
            )
        return embeddings

    def _forward(self, frames: Frames, size: int) -> npt.NDArray[np.float32] | None:
        """Encode at most one batch; None where the memory doesn't hold it."""
        try:
            with torch.inference_mode(), self._autocast():
                embeddings: torch.Tensor = self._model(
                    (self._pixels(frames, size) - self._mean) / self._std
                )
                return embeddings[: len(frames)].float().cpu().numpy()
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        return None

    def _pixels(self, frames: Frames, size: int) -> torch.Tensor:
        """Bring frames to the device, padded to a batch: float32 `[size, 3, S, S]`, 0 to 255."""
        padded = torch.zeros(
            (size, self._side, self._side, 3), dtype=torch.uint8, pin_memory=self.device == "cuda"
        )
        for place, frame in zip(padded.numpy(), frames, strict=False):
            place[:] = frame
        return padded.to(self.device, non_blocking=True).permute(0, 3, 1, 2).float()

    def _autocast(self) -> torch.autocast:
        dtype = _DTYPES.get(self._precision)
        return torch.autocast(self.device, dtype, enabled=dtype is not None)

    def _compile(self) -> None:
        """Compile the model, and try it: that a compiler is missing shows only then."""
        self._model.compile(dynamic=False)
        try:
            self.submit([]).result()
        except Exception as error:
            raise Invalid(
                f"the encoder can't be compiled here ({type(error).__name__}); take the execution"
                " mode eager"
            ) from error

    def _halve(self, size: int) -> None:
        if size == 1:
            raise Retryable(
                "there is no memory to encode even one frame; free some, or use a smaller encoder"
            )
        # Another thread may have halved it already.
        self.frames_per_batch = min(self.frames_per_batch, size // 2)
        if self.device == "cuda":
            torch.cuda.empty_cache()


def make_frame_spec(
    encoder: str,
    encoder_kwargs: Mapping[str, JsonValue],
    weights_path: Path,
    precision: Precision = "float32",
    execution_mode: ExecutionMode = "eager",
    resize_short_side: int | None = None,
) -> FrameSpec:
    """Describe the embeddings of an encoder.

    Mean, std, sizes and filter are those of its own configuration.

    Args:
        encoder: a timm model's name.
        encoder_kwargs: arguments of `timm.create_model` that change its form, such as `img_size`.
        weights_path: a local file, in timm's or the authors' layout.
        precision: of the encoder's own arithmetic; embeddings are kept as float16 in any case.
        execution_mode: as written, by `torch.compile`, or by OpenVINO on the CPU.
        resize_short_side: pixels of the shorter side before the central crop; None for what the
            configuration says.

    Raises:
        Invalid: no such model, other arguments or other weights, frames cannot be resized so, or
            the execution mode does not compute with this precision.
    """
    _check_precision(precision, execution_mode)
    payload = _read(weights_path)
    model = _build(encoder, encoder_kwargs)
    load_weights(model, payload, weights_path)
    config = resolve_data_config({}, model=model)
    side = _side(encoder, encoder_kwargs, config)
    resized, crop_mode = _resize(encoder, side, config, resize_short_side)
    with torch.inference_mode():
        shape = tuple(model(torch.zeros(1, 3, side, side)).shape)
    if len(shape) != 2:  # noqa: PLR2004 - [1, D]
        raise Invalid(
            f"{encoder} gives features of shape {shape}; pooled ones of shape (1, width) are needed"
        )
    return FrameSpec(
        resize_short_side=resized,
        crop_mode=crop_mode,
        crop=side,
        resize_filter=config["interpolation"],
        mean=config["mean"],
        std=config["std"],
        encoder=encoder,
        encoder_kwargs=dict(encoder_kwargs),
        weights_sha256=sha256_bytes(payload),
        embedding_dim=shape[1],
        precision=precision,
        execution_mode=execution_mode,
    )


def _side(encoder: str, encoder_kwargs: Mapping[str, JsonValue], config: Mapping[str, Any]) -> int:
    """Pixels of each side of what an encoder reads."""
    height, width = config["input_size"][-2:]
    side = encoder_kwargs.get("img_size", width if width == height else f"{width} x {height}")
    if not isinstance(side, int):
        raise Invalid(
            f"{encoder}'s img_size must be a whole number of pixels, not {side!r}: frames are"
            " square"
        )
    return side


def _resize(
    encoder: str, side: int, config: Mapping[str, Any], wanted: int | None
) -> tuple[int, CropMode]:
    """Pixels of the shorter side before the crop, and what becomes of the longer one.

    Source: `timm.data.create_transform`.
    """
    resized = math.floor(side / config["crop_pct"]) if wanted is None else wanted
    crop_mode: CropMode = config["crop_mode"] if wanted is None else "center"
    if resized < side or crop_mode not in get_args(CropMode):
        raise Invalid(
            f"{encoder} reads {side} pixels a side of frames resized to {resized} (crop mode"
            f" {crop_mode}), and frames are not padded; set resize_short_side to {side} or more"
        )
    return resized, crop_mode


def load_encoder(spec: FrameSpec, weights_path: Path) -> FrameEncoder:
    """Build a spec's encoder, on the GPU where there is one and the execution mode can use it.

    Args:
        spec: which encoder.
        weights_path: its weights.

    Raises:
        Invalid: the file has another digest than the spec names, or doesn't hold the model's
            weights, or the execution mode can't be used here.
    """
    payload = _read(weights_path)
    if sha256_bytes(payload) != spec.weights_sha256:
        raise Invalid(
            f"{weights_path} has sha256 {sha256_bytes(payload)[:12]}, the frame spec wants"
            f" {spec.weights_sha256[:12]}; name the right file, or apply new specs"
        )
    _check_precision(spec.precision, spec.execution_mode)
    model = _build(spec.encoder, spec.encoder_kwargs)
    load_weights(model, payload, weights_path)
    on_gpu = torch.cuda.is_available() and spec.execution_mode != "openvino"
    return FrameEncoder(model, spec, "cuda" if on_gpu else "cpu")


def _check_precision(precision: Precision, execution_mode: ExecutionMode) -> None:
    if execution_mode == "openvino" and precision != "float32":
        raise Invalid(
            "the execution mode openvino computes in float32, and encoder_precision is"
            f" {precision}: set it to float32, or take another execution mode"
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"the encoder's weights {path} cannot be read ({error.strerror})") from error


def check_name(encoder: str) -> None:
    """Refuse a name that timm has no model of.

    Raises:
        Invalid: there is no such model.
    """
    if not timm.is_model(encoder):
        raise Invalid(f"timm has no model {encoder!r}; timm.list_models() names those it has")


def _build(encoder: str, encoder_kwargs: Mapping[str, JsonValue]) -> nn.Module:
    check_name(encoder)
    if refused := sorted(_OURS & encoder_kwargs.keys()):
        raise Invalid(f"the encoder's arguments may not set {', '.join(refused)}")
    try:
        model: nn.Module = timm.create_model(
            encoder, pretrained=False, num_classes=0, **encoder_kwargs
        )
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise Invalid(
            f"timm cannot build {encoder} with {dict(encoder_kwargs)} ({error})"
        ) from error
    return model.eval()
