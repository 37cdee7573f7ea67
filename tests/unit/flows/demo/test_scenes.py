from dataclasses import replace

import numpy as np
import pytest

from flows.demo.scans import Scans
from flows.demo.scenes import FRAME_SIZES, VISIBLE_SHARE, draw_scene
from flows.demo.textures import Background


@pytest.mark.parametrize("seed", range(12))
def test_digit_stays_where_the_centre_crop_keeps_it(scans: Scans, seed: int) -> None:
    scene = draw_scene(np.random.default_rng(seed), scans.training.images[seed])
    black = Background(np.zeros_like(scene.background.pixels), np.full(3, 255, dtype=np.uint8))
    written = np.max(
        [replace(scene, background=black).frame(seconds) for seconds in np.arange(0, 20, 0.1)],
        axis=0,
    )
    rows, columns = np.nonzero(written.max(axis=2) > 127)
    reach = min(scene.width, scene.height) * VISIBLE_SHARE / 2 + 2
    assert abs(columns - scene.width / 2).max() < reach
    assert abs(rows - scene.height / 2).max() < reach


@pytest.mark.parametrize("seed", range(12))
def test_pen_is_readable_on_its_background(seed: int) -> None:
    scene = draw_scene(np.random.default_rng(seed), np.ones((8, 8), dtype=np.float32), num_poses=1)
    luma = np.array([0.299, 0.587, 0.114])
    brightness = scene.background.pixels @ luma
    pen = float(scene.background.pen @ luma)
    assert pen > np.quantile(brightness, 0.99) + 25 or pen < np.quantile(brightness, 0.01) - 25


def test_digit_moves_and_frames_repeat(scans: Scans) -> None:
    scene = draw_scene(np.random.default_rng(1), scans.training.images[0])
    assert not np.array_equal(scene.frame(0.0), scene.frame(1.0))
    assert np.array_equal(scene.frame(1.0), scene.frame(1.0))


def test_scenes_are_portrait_and_landscape(scans: Scans) -> None:
    drawn = [
        draw_scene(np.random.default_rng(seed), scans.training.images[0], num_poses=1)
        for seed in range(20)
    ]
    assert {scene.width > scene.height for scene in drawn} == {True, False}
    assert {tuple(sorted((scene.width, scene.height))) for scene in drawn} <= set(FRAME_SIZES)
