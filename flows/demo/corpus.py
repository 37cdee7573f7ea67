"""The drawn corpus.

Real H.264 files, their manifests, and the truth that only the evaluation reads.
"""

import io
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from flows.demo.clip_text import vocabulary
from flows.demo.outline import (
    ClipOutline,
    CorpusSizes,
    PartitionOutline,
    outline_corpus,
    scans_of,
)
from flows.demo.scans import load_scans
from flows.demo.scenes import draw_scene
from flows.demo.topics import taxonomy_csv
from warehouse.errors import Invalid
from warehouse.identifiers import Role
from warehouse.storage.files import sha256_file

CORPUS_VERSION = 1
"""Counts up whenever the same seed would give other bytes."""

_MARKER = "corpus.json"
_CLIPS_A_MESSAGE = 4
_AUDIO_RATE = 16_000
# Macroblock trees read memory that nobody wrote: with them every fourth clip differs from one
# encoding to the next.
_H264_OPTIONS = {"preset": "veryfast", "crf": "27", "x264-params": "mbtree=0"}

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class CorpusPartition:
    """One partition to ingest."""

    name: str
    role: Role
    manifest: Path
    """JSONL; the paths in it are relative to its folder."""
    num_videos: int


@dataclass(frozen=True)
class Corpus:
    """Where everything lies."""

    folder: Path
    partitions: tuple[CorpusPartition, ...]
    taxonomy: Path
    """CSV: ``category_id, level1_id, name, level1_name``."""
    vocabulary: Path
    """BERT-style, one token a line."""
    truth: Path
    """CSV: ``video_id, category_id`` of the scored days, for the evaluation alone."""
    digest: str
    """Of all its bytes."""


def make_corpus(
    folder: Path,
    seed: int,
    sizes: CorpusSizes,
    progress: Progress | None = None,
    num_workers: int | None = None,
) -> Corpus:
    """Draw the corpus, unless it is there already and whole.

    Args:
        folder: Where it goes; nothing else may lie there.
        seed: The same seed and sizes give the same bytes.
        sizes: How many videos.
        progress: Told how many clips are done, and of how many.
        num_workers: Processes that draw and encode; as many as there are processors if None.

    Returns:
        The corpus.

    Raises:
        Invalid: The folder holds something else.
    """
    wanted = {"version": CORPUS_VERSION, "seed": seed, "sizes": asdict(sizes)}
    partitions = outline_corpus(seed, sizes, load_scans())
    if not _is_whole(folder, wanted):
        if folder.exists() and not (folder / _MARKER).exists() and any(folder.iterdir()):
            raise Invalid(
                f"{folder} holds files that are not a drawn corpus; name another folder or empty"
                " this one"
            )
        staging = folder.with_name(folder.name + ".partial")
        shutil.rmtree(staging, ignore_errors=True)
        _make(staging, partitions, progress, num_workers or os.cpu_count() or 1)
        _mark(staging, wanted)
        shutil.rmtree(folder, ignore_errors=True)
        staging.rename(folder)
    return _describe(folder, partitions)


def _describe(folder: Path, partitions: Iterable[PartitionOutline]) -> Corpus:
    return Corpus(
        folder=folder,
        partitions=tuple(
            CorpusPartition(
                partition.name, partition.role, _manifest(folder, partition), len(partition.clips)
            )
            for partition in partitions
        ),
        taxonomy=folder / "taxonomy.csv",
        vocabulary=folder / "vocab.txt",
        truth=folder / "truth.csv",
        digest=sha256_file(folder / _MARKER),
    )


def _manifest(folder: Path, partition: PartitionOutline) -> Path:
    return folder / partition.name / "manifest.jsonl"


def _make(
    folder: Path,
    partitions: tuple[PartitionOutline, ...],
    progress: Progress | None,
    num_workers: int,
) -> None:
    for partition in partitions:
        (folder / partition.name / "media").mkdir(parents=True)
        lines = (
            json.dumps(_row(clip, partition.role), ensure_ascii=False) for clip in partition.clips
        )
        _manifest(folder, partition).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "taxonomy.csv").write_text(taxonomy_csv(), encoding="utf-8")
    (folder / "vocab.txt").write_text(vocabulary(), encoding="utf-8")
    scored = sorted(
        f"{clip.video_id},{clip.category.category_id}"
        for partition in partitions
        if partition.role == "score"
        for clip in partition.clips
    )
    (folder / "truth.csv").write_text(
        "\n".join(("video_id,category_id", *scored)) + "\n", encoding="utf-8"
    )
    _make_media(folder, partitions, progress, num_workers)


def _row(clip: ClipOutline, role: Role) -> dict[str, object]:
    row: dict[str, object] = {"video_id": clip.video_id, "path": f"media/{clip.video_id}.mp4"}
    row |= {"title": clip.text.title, "asr": clip.text.asr}
    row["ocr"] = [{"time": seconds, "text": line} for seconds, line in clip.text.ocr]
    return row | ({"category_id": clip.category.category_id} if role == "labeled" else {})


def _make_media(
    folder: Path,
    partitions: Iterable[PartitionOutline],
    progress: Progress | None,
    num_workers: int,
) -> None:
    scans = load_scans()
    work = [
        (clip, scans_of(scans, partition.role).images[clip.scan])
        for partition in partitions
        for clip in partition.clips
    ]
    made = [item for item in work if item[0].make not in {"copied", "missing"}]
    with ProcessPoolExecutor(num_workers, mp_context=get_context("spawn")) as pool:
        finished = pool.map(
            partial(_make_file, folder), *zip(*made, strict=True), chunksize=_CLIPS_A_MESSAGE
        )
        for done, _ in enumerate(finished, start=1):
            if progress:
                progress(done, len(made))
    for clip, _ in work:
        if clip.make == "copied" and clip.other:
            shutil.copyfile(folder / clip.other, folder / clip.path)


def _make_file(folder: Path, clip: ClipOutline, scan: NDArray[np.float32]) -> None:
    (folder / clip.path).write_bytes(_file_bytes(clip, scan))


def _file_bytes(clip: ClipOutline, scan: NDArray[np.float32]) -> bytes:
    match clip.make:
        case "empty":
            return b""
        case "listing":
            return f"ffconcat version 1.0\nfile '../../{clip.other}'\n".encode()
        case "audio":
            return encode_audio(clip.num_frames / clip.frame_rate)
        case _:
            whole = encode_clip(clip, scan)
            return whole[: len(whole) // 2] if clip.make == "truncated" else whole


def encode_clip(clip: ClipOutline, scan: NDArray[np.float32]) -> bytes:
    """Draw and encode one clip, as one thread.

    So that its bytes do not depend on the machine's load.

    Args:
        clip: What it is.
        scan: Float32 ``[8, 8]`` in 0..1, the digit shown.

    Returns:
        An MP4 file of H.264.
    """
    scene = draw_scene(np.random.default_rng(clip.seed), scan)
    pictures = (scene.frame(number / clip.frame_rate) for number in range(clip.num_frames))
    held = io.BytesIO()
    with av.open(held, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=clip.frame_rate, options=_H264_OPTIONS)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = (
            scene.width,
            scene.height,
            "yuv420p",
            1,
        )
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return held.getvalue()


def encode_audio(seconds: float) -> bytes:
    """Encode a tone, for a file that has sound and no picture.

    Args:
        seconds: How long.

    Returns:
        An MP4 file of AAC.
    """
    phase = np.arange(round(seconds * _AUDIO_RATE)) * (2 * np.pi * 440 / _AUDIO_RATE)
    frame = av.AudioFrame.from_ndarray(
        (np.sin(phase) * 8000).astype(np.int16)[None], format="s16", layout="mono"
    )
    frame.sample_rate = _AUDIO_RATE
    held = io.BytesIO()
    with av.open(held, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=_AUDIO_RATE, layout="mono")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return held.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != _MARKER)


def _digests(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in _files(folder)}


def _mark(folder: Path, wanted: dict[str, object]) -> None:
    text = json.dumps({**wanted, "files": _digests(folder)}, indent=1)
    (folder / _MARKER).write_text(text + "\n", encoding="utf-8")


def _is_whole(folder: Path, wanted: dict[str, object]) -> bool:
    marker = folder / _MARKER
    if not marker.exists():
        return False
    return bool(
        json.loads(marker.read_text(encoding="utf-8")) == {**wanted, "files": _digests(folder)}
    )
