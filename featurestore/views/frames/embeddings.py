"""The HDF5 codec of the frames view: contiguous datasets, mapped into memory by their offsets."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from warehouse import formats
from warehouse.errors import Corrupt

FORMAT_VERSION = 1
Shape = tuple[int, ...]
Place = tuple[int | None, Shape]
"""Offset of an array in its file, None where it is empty, and its shape."""
Layout = tuple[Place, ...]
"""Of `embeddings`, `frame_mask` and `pts_seconds`."""
_ARRAYS = {"embeddings": np.float16, "frame_mask": np.uint8, "pts_seconds": np.float32}


@dataclass(frozen=True)
class FrameShard:
    """The frame embeddings of some videos, in the order of `video_ids`."""

    video_ids: Sequence[str]
    embeddings: npt.NDArray[np.float16]
    """`[N, F, D]`"""
    frame_mask: npt.NDArray[np.uint8]
    """`[N, F]`, 1 where there is a frame."""
    pts_seconds: npt.NDArray[np.float32]
    """`[N, F]`, when the frame is shown; the frame's index in a zip of frames; 0 where the mask is
    0."""


def encode(shard: FrameShard) -> bytes:
    """Write a shard as one HDF5 file image; equal shards give equal bytes."""
    with _open_image() as file:
        file.attrs["format_version"] = FORMAT_VERSION
        for name, dtype in _ARRAYS.items():
            file.create_dataset(name, data=np.ascontiguousarray(getattr(shard, name), dtype=dtype))
        file.create_dataset("video_id", data=list(shard.video_ids), dtype=h5py.string_dtype())
        file.flush()
        return bytes(file.id.get_file_image())


def open_mapped(path: Path) -> FrameShard:
    """Map a shard's arrays into memory, read-only; nothing but the ids is read.

    Args:
        path: a file whose digest was checked.

    Raises:
        Corrupt: a dataset is missing, chunked or of another type.
        Invalid: the file has another format version.
    """
    return FrameShard(video_ids=read_video_ids(path), **arrays(map_file(path), read_layout(path)))


def read_video_ids(path: Path) -> list[str]:
    """Read the ids of a shard's rows, in order; raises as `open_mapped`."""
    with h5py.File(path, "r") as file:
        _check_version(file, path)
        return _text(file, "video_id")


def read_layout(path: Path) -> Layout:
    """Find where a shard's arrays lie in its file; raises as `open_mapped`."""
    with h5py.File(path, "r") as file:
        _check_version(file, path)
        return tuple(_place(path, file, name, np.dtype(dtype)) for name, dtype in _ARRAYS.items())


def map_file(path: Path) -> pa.Buffer:
    """Map a whole file into memory, read-only, for as long as anything of it is in use."""
    # Python's own maps each keep a file open, of which a process may have few.
    with pa.memory_map(str(path)) as file:
        return file.read_buffer()


def arrays(whole: pa.Buffer, layout: Layout) -> dict[str, Any]:
    """View a mapped shard's arrays.

    Args:
        whole: the file.
        layout: of this very file.

    Returns:
        `embeddings`, `frame_mask` and `pts_seconds`, as in `FrameShard`.
    """
    named = zip(_ARRAYS.items(), layout, strict=True)
    return {name: _view(whole, np.dtype(dtype), *place) for (name, dtype), place in named}


def _open_image() -> h5py.File:
    """Open a file in memory; its name, which HDF5 lets nobody else have, is not in its bytes."""
    return h5py.File(f"image-{threading.get_ident()}", "w", driver="core", backing_store=False)


def encode_previews(video_ids: Sequence[str], strips: Sequence[bytes]) -> bytes:
    """Write preview strips (JPEG) as one HDF5 file image, `/preview` beside `/video_id`."""
    with _open_image() as file:
        file.attrs["format_version"] = FORMAT_VERSION
        preview = file.create_dataset("preview", (len(strips),), dtype=h5py.vlen_dtype(np.uint8))
        for row, strip in enumerate(strips):
            preview[row] = np.frombuffer(strip, np.uint8)
        file.create_dataset("video_id", data=list(video_ids), dtype=h5py.string_dtype())
        file.flush()
        return bytes(file.id.get_file_image())


def read_previews(path: Path) -> dict[str, bytes]:
    """Read all preview strips of a file, JPEG bytes by video id."""
    with h5py.File(path, "r") as file:
        _check_version(file, path)
        return {
            video_id: strip.tobytes()
            for video_id, strip in zip(_text(file, "video_id"), file["preview"], strict=True)
        }


def _check_version(file: h5py.File, path: Path) -> None:
    version = file.attrs.get("format_version")
    formats.check_version(
        version.item() if isinstance(version, np.integer) else version, FORMAT_VERSION, path
    )


def _place(path: Path, file: h5py.File, name: str, dtype: np.dtype[np.generic]) -> Place:
    dataset = file.get(name)
    if dataset is None or dataset.dtype != dtype or dataset.chunks is not None:
        raise Corrupt(f"{path} holds no contiguous dataset /{name} of {dtype}")
    return dataset.id.get_offset(), dataset.shape


def _view(whole: pa.Buffer, dtype: np.dtype[np.generic], offset: int | None, shape: Shape) -> Any:
    if offset is None:
        return np.zeros(shape, dtype)
    return np.ndarray(shape, dtype, whole, offset)


def _text(file: h5py.File, name: str) -> list[str]:
    return [str(value) for value in file[name].asstr()[:]] if len(file[name]) else []
