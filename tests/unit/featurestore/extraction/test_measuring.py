from pathlib import Path

import numpy as np
import pytest
import timm

from featurestore.extraction import measuring
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.frames import FrameExtractor
from featurestore.extraction.measuring import measure
from featurestore.extraction.runtime import Runtime
from featurestore.views.frames.frame_spec import FrameSpec


@pytest.mark.parametrize("videos_in_block", [0, 2, 99])
def test_what_is_measured_is_what_extraction_makes(
    videos_in_block: int,
    recipe: tuple[FrameSpec, Path],
    items: list[MediaItem],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bytes_of_video = 8 * (64 * 64 * 3 + 5)
    monkeypatch.setattr(measuring, "_BLOCK_BYTES", videos_in_block * bytes_of_video)
    shown = list[tuple[int, int]]()
    measured = measure(*recipe, items, Runtime(2), lambda *progress: shown.append(progress))
    with FrameExtractor(*recipe, num_workers=2) as extractor:
        outcomes = extractor.extract(items, previews=False)
    assert measured.reasons == [outcome.reason for outcome in outcomes]
    for mean, outcome in zip(measured.means, outcomes, strict=True):
        if outcome.embeddings is None or outcome.frame_mask is None:
            assert not mean.any()
        else:
            of_frames = outcome.embeddings[outcome.frame_mask == 1].mean(axis=0, dtype=np.float32)
            assert np.array_equal(mean, of_frames)
    assert shown[-1] == (len(items), len(items))
    assert len(shown) == {0: 5, 2: 3, 99: 1}[videos_in_block]


def test_each_cost_is_told_apart(recipe: tuple[FrameSpec, Path], items: list[MediaItem]) -> None:
    text = [item for item in items if item.path.read_bytes() == b"text"]
    failed = measure(*recipe, text, Runtime(1), lambda *_: None)
    assert failed.reasons == ["not_media"]
    assert failed.decode_seconds > 0.05  # a worker was started
    assert failed.encode_seconds < 0.01
    measured = measure(*recipe, items, Runtime(1), lambda *_: None)
    assert measured.encode_seconds > failed.encode_seconds
    assert measured.decode_seconds > failed.decode_seconds


def test_the_learned_numbers_of_an_encoder_are_counted(recipe: tuple[FrameSpec, Path]) -> None:
    spec, weights = recipe
    learned = timm.create_model(spec.encoder, num_classes=0, **spec.encoder_kwargs).parameters()
    num_parameters = measure(spec, weights, [], Runtime(1), lambda *_: None).num_parameters
    assert num_parameters == sum(parameter.numel() for parameter in learned)
