import io
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import timm
import torch

from featurestore.extraction.encoding.encoder_threads import EncoderThreads
from featurestore.extraction.encoding.frame_encoder import (
    FrameEncoder,
    load_encoder,
    make_frame_spec,
)
from featurestore.extraction.encoding.openvino_model import OpenvinoModel
from featurestore.views.frames.frame_spec import ExecutionMode
from featurestore.views.spec import fingerprint
from warehouse.errors import Invalid, Retryable
from warehouse.storage.files import sha256_bytes

SWIN = "swin_tiny_patch4_window7_224"
SMALL: dict[str, Any] = {
    "img_size": 64,
    "embed_dim": 24,
    "depths": [1, 1],
    "num_heads": [2, 4],
    "window_size": 4,
}


@dataclass(frozen=True)
class Checkpoint:
    model: torch.nn.Module
    tensors: dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def small() -> Checkpoint:
    torch.manual_seed(0)
    model = timm.create_model(SWIN, num_classes=0, **SMALL).eval()
    return Checkpoint(model, model.state_dict())


@pytest.fixture
def weights(tmp_path: Path) -> Callable[..., Path]:
    def save(tensors: dict[str, torch.Tensor], name: str = "encoder.safetensors") -> Path:
        path = tmp_path / name
        if path.suffix == ".safetensors":
            path.write_bytes(
                safetensors.torch.save(
                    {key: tensor.contiguous() for key, tensor in tensors.items()}
                )
            )
        else:
            torch.save({"model": tensors}, path)
        return path

    return save


def original_layout(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The layout of Swin's authors.

    Downsampling at the end of a stage, buffers kept, a classifier of 1,000.
    """
    renamed = {
        key.replace("layers.1.downsample", "layers.0.downsample"): tensor
        for key, tensor in tensors.items()
    }
    renamed["head.weight"] = torch.zeros(1000, 48)
    renamed["head.bias"] = torch.zeros(1000)
    renamed["layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(
        16, 16, dtype=torch.int64
    )
    renamed["layers.0.blocks.0.attn_mask"] = torch.zeros(16, 16, 16)
    return renamed


@pytest.fixture(scope="module")
def frames() -> Any:
    return np.random.default_rng(0).integers(0, 256, (11, 64, 64, 3), np.uint8)


def test_the_spec_is_read_from_the_encoder(small: Checkpoint, weights: Callable[..., Path]) -> None:
    spec = make_frame_spec(SWIN, SMALL, weights(small.tensors))
    assert (spec.crop, spec.resize_short_side, spec.crop_mode, spec.resize_filter) == (
        64,
        71,
        "center",
        "bicubic",
    )
    assert spec.mean == (0.485, 0.456, 0.406)
    assert spec.std == (0.229, 0.224, 0.225)
    assert spec.embedding_dim == 48
    assert spec.encoder_kwargs == SMALL


def test_mean_and_std_are_those_of_the_encoders_own_configuration(
    weights: Callable[..., Path],
) -> None:
    kwargs = {"img_size": 32, "embed_dim": 24, "depth": 1, "num_heads": 2}
    model = timm.create_model("vit_tiny_patch16_224", num_classes=0, **kwargs)
    spec = make_frame_spec("vit_tiny_patch16_224", kwargs, weights(model.state_dict()))
    assert spec.mean == spec.std == (0.5, 0.5, 0.5)
    assert spec.embedding_dim == 24


def test_the_default_encoder_resizes_and_crops_as_its_own_configuration_says(
    weights: Callable[..., Path],
) -> None:
    kwargs: dict[str, Any] = {"embed_dim": 24, "depths": [1, 1], "num_heads": [2, 4]}
    model = timm.create_model(SWIN, num_classes=0, **kwargs)
    spec = make_frame_spec(SWIN, kwargs, weights(model.state_dict()))
    assert (spec.resize_short_side, spec.crop) == (248, 224)


@pytest.mark.parametrize(
    ("encoder", "resized", "mean"),
    [
        ("vit_base_patch16_siglip_224", 35, (0.5, 0.5, 0.5)),
        ("vit_base_patch16_siglip_gap_224.v2_webli", 35, (0.5, 0.5, 0.5)),
        ("vit_small_patch16_dinov3", 32, (0.485, 0.456, 0.406)),
        ("vit_large_patch16_dinov3.sat493m", 32, (0.430, 0.411, 0.296)),
    ],
)
def test_siglip_and_dinov3_are_encoders_like_any_other(
    encoder: str, resized: int, mean: tuple[float, ...], weights: Callable[..., Path]
) -> None:
    kwargs = {"img_size": 32, "embed_dim": 24, "depth": 1, "num_heads": 2}
    path = weights(timm.create_model(encoder, num_classes=0, **kwargs).state_dict())
    spec = make_frame_spec(encoder, kwargs, path)
    assert (spec.crop, spec.resize_short_side, spec.mean) == (32, resized, mean)
    frames = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    embeddings = load_encoder(spec, path).encode(frames)
    assert embeddings.shape == (3, 24)
    assert len(np.unique(embeddings, axis=0)) == 3


def test_embeddings_are_the_pooled_features_of_the_normalised_frames(
    small: Checkpoint, weights: Callable[..., Path], frames: Any
) -> None:
    path = weights(small.tensors)
    ours = load_encoder(make_frame_spec(SWIN, SMALL, path), path).encode(frames)
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2) / 255
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    with torch.inference_mode():
        theirs = small.model((pixels - mean) / std).numpy()
    assert ours.dtype == np.float16
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


@pytest.mark.parametrize("mode", ["eager", "openvino"])
def test_batches_order_and_threads_leave_the_bytes_of_an_embedding_alone(
    mode: ExecutionMode, small: Checkpoint, weights: Callable[..., Path], frames: Any
) -> None:
    path = weights(small.tensors)
    encoder = load_encoder(make_frame_spec(SWIN, SMALL, path, execution_mode=mode), path)
    whole = encoder.encode(frames)
    singly = np.concatenate([encoder.encode(frames[i : i + 1]) for i in range(3)])
    backwards = encoder.encode(frames[::-1].copy())[::-1]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    one_thread = encoder.encode(frames)
    torch.set_num_threads(threads)
    encoder.frames_per_batch = 32
    wider = encoder.encode(frames)
    assert singly.tobytes() == whole[:3].tobytes()
    for other in (backwards, one_thread, wider):
        assert other.tobytes() == whole.tobytes()


class TooLarge(torch.nn.Module):
    """A model with memory for only so many frames."""

    def __init__(self, model: torch.nn.Module, most: int, error: Exception) -> None:
        super().__init__()
        self.model, self.most, self.error, self.sizes = model, most, error, list[int]()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(pixels))
        if len(pixels) > self.most:
            raise self.error
        encoded: torch.Tensor = self.model(pixels)
        return encoded


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
def test_out_of_memory_halves_the_batch_and_goes_on(
    error: Exception, small: Checkpoint, weights: Callable[..., Path], frames: Any
) -> None:
    path = weights(small.tensors)
    spec = make_frame_spec(SWIN, SMALL, path)
    expected = load_encoder(spec, path).encode(frames)
    model = TooLarge(small.model, 2, error)
    encoder = FrameEncoder(model, spec, "cpu")
    assert encoder.encode(frames).tobytes() == expected.tobytes()
    assert encoder.frames_per_batch == 2
    assert set(model.sizes) == {8, 4, 2}
    model.sizes.clear()
    encoder.encode(frames)
    assert set(model.sizes) == {2}


def test_no_memory_for_one_frame_and_other_errors_end_the_run(
    small: Checkpoint, weights: Callable[..., Path], frames: Any
) -> None:
    spec = make_frame_spec(SWIN, SMALL, weights(small.tensors))
    with pytest.raises(Retryable, match="no memory to encode even one frame"):
        FrameEncoder(TooLarge(small.model, 0, MemoryError()), spec, "cpu").encode(frames)
    with pytest.raises(RuntimeError, match="shapes"):
        FrameEncoder(TooLarge(small.model, 0, RuntimeError("shapes")), spec, "cpu").encode(frames)


def test_the_encoders_threads_leave_the_others_number_alone(
    small: Checkpoint, weights: Callable[..., Path]
) -> None:
    path = weights(small.tensors)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        encoder = load_encoder(make_frame_spec(SWIN, SMALL, path), path)
        assert encoder.num_threads == 3
        inside = EncoderThreads(2)
        assert inside.submit(torch.get_num_threads).result() == 1
        with ThreadPoolExecutor(1) as other:
            assert other.submit(torch.get_num_threads).result() == 3
        assert inside.submit(torch.get_num_threads).result() == 1
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("mode", ["eager", "openvino"])
def test_the_cores_leave_the_bytes_of_any_encoder_alone(
    mode: ExecutionMode, weights: Callable[..., Path]
) -> None:
    torch.manual_seed(0)
    model = timm.create_model("efficientnet_lite0", num_classes=0)
    path = weights(model.state_dict())
    frames = np.random.default_rng(0).integers(0, 256, (5, 224, 224, 3), np.uint8)
    spec = make_frame_spec("efficientnet_lite0", {}, path, execution_mode=mode)
    found = []
    before = torch.get_num_threads()
    for num_threads in (1, 3):
        torch.set_num_threads(num_threads)
        found.append(load_encoder(spec, path).encode(frames).tobytes())
    torch.set_num_threads(before)
    assert found[0] == found[1]


def test_the_recipes_precision_is_used_and_stays_close(
    small: Checkpoint, weights: Callable[..., Path], frames: Any
) -> None:
    path = weights(small.tensors)
    plain = make_frame_spec(SWIN, SMALL, path)
    less = make_frame_spec(SWIN, SMALL, path, precision="bfloat16")
    assert (plain.precision, plain.execution_mode) == ("float32", "eager")
    assert fingerprint(less) != fingerprint(plain)
    ours, theirs = (
        load_encoder(spec, path).encode(frames).astype(np.float64) for spec in (less, plain)
    )
    cosines = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert (ours != theirs).any()
    assert cosines.min() > 0.999


def test_an_encoder_that_cannot_be_compiled_is_a_sentence(
    small: Checkpoint, weights: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_compiler(self: torch.nn.Module, **_: Any) -> None:
        def fail(*_: Any) -> None:
            raise RuntimeError("no C++ compiler")

        self._compiled_call_impl = fail

    monkeypatch.setattr(torch.nn.Module, "compile", no_compiler)
    path = weights(small.tensors)
    spec = make_frame_spec(SWIN, SMALL, path, execution_mode="compiled")
    with pytest.raises(Invalid, match="can't be compiled here"):
        load_encoder(spec, path)


def test_openvino_gives_the_embeddings_of_the_model_as_written(
    small: Checkpoint, weights: Callable[..., Path], frames: Any
) -> None:
    path = weights(small.tensors)
    plain = make_frame_spec(SWIN, SMALL, path)
    faster = make_frame_spec(SWIN, SMALL, path, execution_mode="openvino")
    assert fingerprint(faster) != fingerprint(plain)
    ours, theirs = (load_encoder(spec, path).encode(frames) for spec in (faster, plain))
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_openvino_tells_nobody_that_it_is_used(
    small: Checkpoint, weights: Callable[..., Path]
) -> None:
    path = weights(small.tensors)
    load_encoder(make_frame_spec(SWIN, SMALL, path, execution_mode="openvino"), path)
    assert sys.modules["openvino_telemetry"] is None


def test_openvino_that_is_not_installed_is_a_sentence(
    small: Checkpoint, weights: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = weights(small.tensors)
    spec = make_frame_spec(SWIN, SMALL, path, execution_mode="openvino")
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(Invalid, match=r"install reelstore\[openvino\]"):
        load_encoder(spec, path)


def test_an_encoder_that_openvino_gets_wrong_is_refused(small: Checkpoint) -> None:
    class OtherWhenTraced(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = small.model

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            encoded: torch.Tensor = self.model(pixels)
            is_traced = torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
            return encoded if is_traced else encoded.flip(1)

    with pytest.raises(Invalid, match="other embeddings of the encoder than PyTorch"):
        OpenvinoModel(OtherWhenTraced(), 64, 1)


def test_openvino_computes_in_float32_alone(
    small: Checkpoint, weights: Callable[..., Path]
) -> None:
    with pytest.raises(Invalid, match="encoder_precision is bfloat16"):
        make_frame_spec(SWIN, SMALL, weights(small.tensors), "bfloat16", "openvino")


def test_the_authors_layout_gives_the_same_embeddings(
    small: Checkpoint, weights: Callable[..., Path], frames: Any
) -> None:
    ours, theirs = weights(small.tensors), weights(original_layout(small.tensors), "original.pth")
    expected = load_encoder(make_frame_spec(SWIN, SMALL, ours), ours).encode(frames)
    found = load_encoder(make_frame_spec(SWIN, SMALL, theirs), theirs).encode(frames)
    assert found.tobytes() == expected.tobytes()


def test_weights_are_known_by_their_bytes_as_caches_name_files_by_digests(
    small: Checkpoint, weights: Callable[..., Path]
) -> None:
    for name in ("encoder.safetensors", "encoder.pth"):
        path = weights(small.tensors, name)
        bare = path.rename(path.with_name(sha256_bytes(path.read_bytes())))
        load_encoder(make_frame_spec(SWIN, SMALL, bare), bare)


def test_half_precision_weights_are_read(
    small: Checkpoint, weights: Callable[..., Path], frames: Any
) -> None:
    path = weights({name: tensor.half() for name, tensor in small.tensors.items()})
    assert np.isfinite(load_encoder(make_frame_spec(SWIN, SMALL, path), path).encode(frames)).all()


@pytest.mark.parametrize("original", [False, True])
def test_tensors_missing_extra_or_of_another_shape_are_named(
    original: bool, small: Checkpoint, weights: Callable[..., Path]
) -> None:
    tensors = dict(original_layout(small.tensors) if original else small.tensors)
    del tensors["norm.weight"]
    tensors["decoder.weight"] = torch.zeros(1)
    tensors["norm.bias"] = torch.zeros(7)
    with pytest.raises(Invalid) as error:
        make_frame_spec(SWIN, SMALL, weights(tensors, "encoder.pth"))
    message = str(error.value)
    assert "missing: norm.weight" in message
    assert "extra: decoder.weight" in message
    assert "of another shape: norm.bias (7,) for (48,)" in message


def test_the_classifiers_own_module_may_be_extra(weights: Callable[..., Path]) -> None:
    tensors = timm.create_model("levit_128s", num_classes=10).state_dict()
    assert "head.bn.weight" in tensors
    assert make_frame_spec("levit_128s", {}, weights(tensors)).embedding_dim == 384


def test_a_tensor_that_the_conversion_drops_must_be_one_the_model_recomputes(
    small: Checkpoint, weights: Callable[..., Path]
) -> None:
    tensors = dict(small.tensors) | {"relative_position_index_of_my_own": torch.zeros(1)}
    with pytest.raises(Invalid, match="extra: relative_position_index_of_my_own"):
        make_frame_spec(SWIN, SMALL, weights(tensors))


class Trap:
    def __reduce__(self) -> Any:
        return (Path("/tmp/trapped").touch, ())  # noqa: S108 - never made


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
@pytest.mark.parametrize(
    "payload", [b"", b"not weights", pickle.dumps(Trap(), 2), pickle.dumps({"model": Trap()}, 2)]
)
def test_files_that_hold_no_weights_are_refused_and_run_nothing(
    name: str, payload: bytes, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(payload)
    with pytest.raises(Invalid, match=name):
        make_frame_spec(SWIN, SMALL, tmp_path / name)
    assert not Path("/tmp/trapped").exists()  # noqa: S108 - never made


def test_a_checkpoint_with_code_in_it_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"model": Trap()}, buffer)
    (tmp_path / "trap.pth").write_bytes(buffer.getvalue())
    with pytest.raises(Invalid, match="trap"):
        make_frame_spec(SWIN, SMALL, tmp_path / "trap.pth")
    assert not Path("/tmp/trapped").exists()  # noqa: S108 - never made


@pytest.mark.parametrize(
    ("encoder", "kwargs", "message"),
    [
        ("swin_huge_imaginary", {}, "timm has no model"),
        ("hf-hub:timm/resnet18", {}, "timm has no model"),
        ("local-dir:/etc", {}, "timm has no model"),
        (SWIN, {"img_sizes": 64}, "timm cannot build"),
        (SWIN, {"pretrained": True}, "may not set pretrained"),
        (SWIN, {"checkpoint_path": "/etc/passwd"}, "may not set checkpoint_path"),
        (SWIN, SMALL | {"img_size": [64, 32]}, "frames are square"),
        (SWIN, SMALL | {"global_pool": ""}, "pooled"),
    ],
)
def test_encoders_that_cannot_be_are_refused_in_a_sentence(
    encoder: str,
    kwargs: dict[str, Any],
    message: str,
    small: Checkpoint,
    weights: Callable[..., Path],
) -> None:
    tensors = small.tensors
    if kwargs.get("img_size") == [64, 32]:
        tensors = timm.create_model(encoder, num_classes=0, **kwargs).state_dict()
    with pytest.raises(Invalid, match=message):
        make_frame_spec(encoder, kwargs, weights(tensors))


def test_a_missing_weights_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"none\.safetensors cannot be read"):
        make_frame_spec(SWIN, SMALL, tmp_path / "none.safetensors")


def test_weights_of_another_digest_than_the_spec_names_are_refused(
    small: Checkpoint, weights: Callable[..., Path]
) -> None:
    spec = make_frame_spec(SWIN, SMALL, weights(small.tensors))
    other = weights(
        {name: tensor + 1 for name, tensor in small.tensors.items()}, "other.safetensors"
    )
    with pytest.raises(Invalid, match="the frame spec wants"):
        load_encoder(spec, other)


def test_values_past_float16_are_refused(
    small: Checkpoint, weights: Callable[..., Path], frames: Any
) -> None:
    path = weights(
        {name: t * (1e6 if name == "norm.weight" else 1) for name, t in small.tensors.items()}
    )
    with pytest.raises(Invalid, match="not finite in float16"):
        load_encoder(make_frame_spec(SWIN, SMALL, path), path).encode(frames)
