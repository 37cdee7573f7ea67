"""The recipe of the frames view."""

from typing import Any, Literal

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

from featurestore.views.spec import Spec

Precision = Literal["float32", "bfloat16", "float16"]
ExecutionMode = Literal["eager", "compiled", "openvino"]
CropMode = Literal["center", "squash"]


class FrameSpec(Spec):
    """How a medium becomes embeddings `[num_frames, embedding_dim]`."""

    view: Literal["frames"] = "frames"
    sampling: Literal["midpoints"] = "midpoints"
    """Target i is start + (i + 0.5)(end - start) / num_frames."""
    num_frames: int = 8
    resize_short_side: int
    """Pixels of the shorter side before the crop."""
    crop_mode: CropMode = "center"
    """timm's word: `center` keeps the proportions, `squash` gives the longer side as many pixels as
    the shorter one."""
    crop: int
    """Pixels of each side of the central square."""
    resize_filter: Literal["bilinear", "bicubic"] = "bicubic"
    mean: tuple[float, float, float]
    """By channel, RGB, of values in 0 to 1."""
    std: tuple[float, float, float]
    encoder: str
    """A timm model's name."""
    encoder_kwargs: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments of `timm.create_model`, beside the name."""
    weights_sha256: str
    embedding_dim: int
    precision: Precision = "float32"
    """Of the encoder's arithmetic, by autocast where it is less than float32."""
    execution_mode: ExecutionMode = "eager"
    """As the model is written, by `torch.compile`, or by OpenVINO on the CPU."""

    @model_serializer(mode="wrap")
    def _as_its_version_has_it(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what the version did not know.

        A frozen spec keeps its bytes, and so its fingerprint.
        """
        fields: dict[str, Any] = serialise(self)
        if self.transform_version == 1:
            del fields["crop_mode"]
        return fields
