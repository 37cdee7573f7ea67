import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import timm
import torch
from PIL import Image

from featurestore.extraction.decoding.framing import DecodedFrames
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.preview import preview_strip
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.extraction.encoding.frame_encoder import (
    FrameEncoder,
    load_encoder,
    make_frame_spec,
)
from featurestore.extraction.frames import FrameExtractor
from featurestore.views.frames.frame_spec import FrameSpec
from flows.demo.encoder import shipped_encoder
from warehouse.errors import Retryable

SWIN = "swin_tiny_patch4_window7_224"


def test_each_medium_ends_in_embeddings_or_one_reason(
    recipe: tuple[FrameSpec, Path], items: list[MediaItem]
) -> None:
    with FrameExtractor(*recipe, num_workers=2) as extractor:
        short, text, long, middle, empty = extractor.extract(items, previews=True)
    assert [outcome.reason for outcome in (short, text, long, middle, empty)] == [
        "ok",
        "not_media",
        "ok",
        "ok",
        "empty_file",
    ]
    for failed in (text, empty):
        assert failed.detail
        assert failed.embeddings is None
        assert failed.preview is None
    for good in (short, long, middle):
        assert good.embeddings is not None
        assert good.embeddings.shape == (8, recipe[0].embedding_dim)
        assert good.embeddings.dtype == np.float16
        assert good.frame_mask is not None
        assert np.array_equal(good.embeddings.any(axis=1), good.frame_mask)
    assert short.frame_mask is not None
    assert short.frame_mask.tolist() == [1, 1, 1, 0, 0, 0, 0, 0]
    assert middle.pts_seconds is not None
    assert middle.pts_seconds.tolist() == pytest.approx([i / 25 for i in (0, 2, 3, 5, 6, 8, 9, 11)])


def test_neighbours_order_and_workers_leave_an_outcomes_bytes_alone(
    recipe: tuple[FrameSpec, Path], items: list[MediaItem]
) -> None:
    with FrameExtractor(*recipe, num_workers=1) as extractor:
        alone = [extractor.extract([item], previews=True)[0] for item in items]
    with FrameExtractor(*recipe, num_workers=3) as extractor:
        together = extractor.extract(items[::-1], previews=True)[::-1]
    for one, other in zip(alone, together, strict=True):
        assert one.reason == other.reason
        assert one.preview == other.preview
        if one.embeddings is not None and other.embeddings is not None:
            assert one.embeddings.tobytes() == other.embeddings.tobytes()


def test_batches_are_full_across_the_videos_of_a_chunk(
    recipe: tuple[FrameSpec, Path], items: list[MediaItem]
) -> None:
    with FrameExtractor(*recipe, num_workers=1) as extractor:
        encoder, sizes = extractor._encoder, list[int]()  # noqa: SLF001 - what it is given
        submit = encoder.submit

        def watched(frames: Any) -> Any:
            sizes.append(len(frames))
            return submit(frames)

        encoder.submit = watched  # type: ignore[method-assign]
        extractor.extract(items, previews=False)
    assert sizes == [8, 8, 3]


def test_the_next_chunk_is_decoded_while_one_is_encoded(
    recipe: tuple[FrameSpec, Path], items: list[MediaItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    next_is_decoded = threading.Event()
    encode, run = FrameEncoder._encode, DecodePool.run  # noqa: SLF001 - the two sides
    runs = []

    def encode_late(self: FrameEncoder, frames: Any) -> Any:
        assert next_is_decoded.wait(60)
        return encode(self, frames)

    def watched(self: DecodePool, chunk: Any) -> Any:
        runs.append(len(chunk))
        yield from run(self, chunk)
        if len(runs) == 2:
            next_is_decoded.set()

    monkeypatch.setattr(FrameEncoder, "_encode", encode_late)
    monkeypatch.setattr(DecodePool, "run", watched)
    with FrameExtractor(*recipe, num_workers=1) as extractor, ThreadPoolExecutor(2) as callers:
        first, second = (
            callers.submit(extractor.extract, chunk, previews=False)
            for chunk in (items[:1], items[2:4])
        )
        assert [outcome.reason for outcome in first.result()] == ["ok"]
        assert [outcome.reason for outcome in second.result()] == ["ok", "ok"]
    assert runs == [1, 2]


def test_an_encoder_that_fails_stops_the_chunk(
    recipe: tuple[FrameSpec, Path], items: list[MediaItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise Retryable("no memory")

    with FrameExtractor(*recipe, num_workers=1) as extractor:
        monkeypatch.setattr(extractor._encoder, "_forward", fail)  # noqa: SLF001 - what fails
        with pytest.raises(Retryable, match="no memory"):
            extractor.extract(items, previews=False)


def test_previews_are_drawn_only_where_asked_for(
    recipe: tuple[FrameSpec, Path], items: list[MediaItem]
) -> None:
    with FrameExtractor(*recipe, num_workers=1) as extractor:
        assert extractor.extract(items[:1], previews=False)[0].preview is None
        assert extractor.extract([], previews=True) == []


def test_a_preview_strip_is_a_small_jpeg_with_the_frames_there_are(samples: Path) -> None:
    from featurestore.extraction.decoding.decode import (  # noqa: PLC0415 - needs the samples
        decode_video,
    )
    from featurestore.extraction.decoding.framing import (  # noqa: PLC0415 - needs the samples
        Framing,
    )

    framing = Framing(8, 256, 224, "bicubic")
    sizes = []
    for path in sorted((samples / "clips").glob("asl_*.mkv")):
        strip = preview_strip(decode_video(io.BytesIO(path.read_bytes()), framing))
        assert Image.open(io.BytesIO(strip)).size == (8 * 96, 96)
        sizes.append(len(strip))
    assert 4_000 < np.mean(sizes) < 12_000


@pytest.mark.parametrize(
    "name", ["asl_again.mkv", "asl_bird.mkv", "tc_nasa.mp4", "tc_h264_10bits.mp4"]
)
def test_embeddings_are_close_to_those_of_the_usual_pil_transform(name: str, samples: Path) -> None:
    from featurestore.extraction.decoding.decode import (  # noqa: PLC0415 - needs the samples
        decode_video,
    )
    from featurestore.extraction.decoding.framing import (  # noqa: PLC0415 - needs the samples
        Framing,
    )

    weights, card = shipped_encoder()
    spec = make_frame_spec(
        card.encoder, card.encoder_kwargs, weights, resize_short_side=card.resize_short_side
    )
    framing = Framing(spec.num_frames, spec.resize_short_side, spec.crop, spec.resize_filter)
    path = samples / "clips" / name
    ours = decode_video(io.BytesIO(path.read_bytes()), framing)
    with av.open(str(path)) as container:
        frames = sorted(
            container.decode(container.streams.best("video")), key=lambda frame: frame.pts
        )
        shown = {
            np.float32((frame.pts - frames[0].pts) * frame.time_base): frame.to_image()
            for frame in frames
        }
    images = [shown[seconds] for seconds in ours.pts_seconds]
    size = framing.resized(images[0].width, images[0].height)
    theirs = [
        framing.centre_crop(np.asarray(image.resize(size, Image.Resampling.BICUBIC)))
        for image in images
    ]
    encoder = load_encoder(spec, weights)
    one, other = (
        encoder.encode(frames).astype(np.float64) for frames in (ours.frames, np.stack(theirs))
    )
    cosines = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    assert cosines.min() > 0.99


def test_a_preview_strip_leaves_missing_frames_out_and_enlarges_nothing() -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (8, 64, 64, 3), np.uint8)
    mask = np.array([1, 1, 1, 0, 0, 0, 0, 0], np.uint8)
    strip = preview_strip(DecodedFrames(frames, np.zeros(8, np.float32), mask))
    image = Image.open(io.BytesIO(strip))
    assert (image.format, image.size) == ("JPEG", (3 * 64, 64))


def test_the_full_swin_is_read_from_its_authors_layout(tmp_path: Path) -> None:
    tensors = timm.create_model(SWIN, num_classes=1000).state_dict()
    torch.save(
        {"model": {_original_name(name): tensor for name, tensor in tensors.items()}},
        tmp_path / "swin.pth",
    )
    spec = make_frame_spec(SWIN, {}, tmp_path / "swin.pth")
    assert (spec.embedding_dim, spec.resize_short_side, spec.crop) == (768, 248, 224)


def _original_name(name: str) -> str:
    for stage in (1, 2, 3):
        name = name.replace(f"layers.{stage}.downsample", f"layers.{stage - 1}.downsample")
    return name.replace("head.fc.", "head.")
