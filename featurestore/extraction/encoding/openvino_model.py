"""An encoder run by OpenVINO on the CPU, one frame a pass."""

import sys
import threading
import warnings
from typing import Any

import torch
from torch import nn

from warehouse.errors import Invalid

_ADVICE = "take the execution mode eager"
_MIN_COSINE = 0.9999
"""Of a frame's embedding and that of the model as written, below which the two are not the same."""


class OpenvinoModel(nn.Module):
    """A model converted for OpenVINO, called from several threads at the same time.

    Each pass is one frame on one core, in float32 whatever the processor could do: what it gives
    depends on no batch and no number of cores.

    Args:
        model: As written.
        side: Pixels of each side of what it reads.
        num_streams: Passes at the same time.

    Raises:
        Invalid: OpenVINO is not installed, or cannot run the model.
    """

    def __init__(self, model: nn.Module, side: int, num_streams: int) -> None:
        super().__init__()
        frame = torch.rand((1, 3, side, side), generator=torch.Generator().manual_seed(0))
        self._own = threading.local()
        try:
            self._compiled = _compile(model, frame, num_streams)
            with torch.inference_mode():
                cosine = torch.cosine_similarity(self(frame), model(frame)).item()
        except ModuleNotFoundError as error:
            raise Invalid(
                f"the execution mode openvino needs the package {error.name}: install"
                f" reelstore[openvino], or {_ADVICE}"
            ) from error
        except Exception as error:
            raise Invalid(
                f"OpenVINO cannot run the encoder ({type(error).__name__}); {_ADVICE}"
            ) from error
        if not cosine >= _MIN_COSINE:
            raise Invalid(
                "OpenVINO makes other embeddings of the encoder than PyTorch"
                f" (cosine {cosine:.4f}); {_ADVICE}"
            )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Encode `[B, 3, S, S]` into `[B, D]`."""
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        frames = pixels.contiguous().numpy()
        embeddings = [self._own.request.infer([frame[None]])[0] for frame in frames]
        return torch.cat([torch.from_numpy(embedding) for embedding in embeddings])


def _compile(model: nn.Module, frame: torch.Tensor, num_streams: int) -> Any:
    # OpenVINO reports each import of itself to its makers where it finds this package.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino  # noqa: PLC0415 - an extra, and a second to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what PyTorch says of branches in code that it traces
        converted = openvino.convert_model(model, example_input=frame, input=list(frame.shape))
    return openvino.Core().compile_model(
        converted,
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": "f32",
            "NUM_STREAMS": num_streams,
            "INFERENCE_NUM_THREADS": num_streams,
            "ENABLE_CPU_PINNING": False,
        },
    )
