"""A scene: one scan moving over one background. Draws any of its frames, in any order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flows.demo.textures import Background, draw_background

VISIBLE_SHARE = 0.86
"""The digit stays in the central square of this share of the short side, which a centre crop
keeps."""

FRAME_SIZES = ((96, 128), (96, 160), (112, 144), (112, 192))
"""Short and long side in pixels, even as H.264's colour planes ask."""

_SCAN_SIDE = 8
_SCAN_MARGIN = 4
_EDGE = 0.5
_POSES = 16
_LARGEST_PAN = 48


@dataclass(frozen=True)
class Pen:
    """How a scan is written: what the encoder's training varies further than the corpus does."""

    tilt_degrees: float = 0.0
    shear: float = 0.0
    aspect: float = 1.0
    threshold: float = 0.5


def draw_sprite(scan: NDArray[np.float32], side: float, pen: Pen) -> NDArray[np.uint16]:
    """Enlarge a scan to smooth strokes.

    Args:
        scan: Float32 ``[8, 8]`` in 0..1.
        side: Side of the scan's own square in pixels, once enlarged.
        pen: How it is tilted, sheared and thresholded.

    Returns:
        Coverage, uint16 ``[s, s]`` in 0..255, with a margin for the corners of a tilted square.
    """
    canvas = int(np.ceil(side * 1.25))
    padded = Image.fromarray(np.pad(scan, _SCAN_MARGIN))
    angle = np.deg2rad(pen.tilt_degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    shape = np.array([[pen.aspect, pen.shear], [0.0, 1.0 / pen.aspect]])
    back = shape @ turn * (_SCAN_SIDE / side)
    centre = _SCAN_SIDE / 2 + _SCAN_MARGIN
    shift = centre - back @ np.array([canvas / 2, canvas / 2])
    matrix = (back[0, 0], back[0, 1], shift[0], back[1, 0], back[1, 1], shift[1])
    drawn = padded.transform(
        (canvas, canvas), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )
    coverage = np.clip((np.asarray(drawn) - pen.threshold) / _EDGE + 0.5, 0.0, 1.0)
    return np.round(coverage * 255).astype(np.uint16)


@dataclass(frozen=True)
class Scene:
    """Everything that a frame is drawn from."""

    width: int
    height: int
    background: Background
    """Larger than the frame by what the view pans."""
    poses: tuple[NDArray[np.uint16], ...]
    """The digit's coverage through one sway, uint16 ``[s, s]`` each."""
    reach: float
    """How far the digit's centre goes from the frame's, in pixels."""
    speeds: NDArray[np.float64]
    """Radians a second of: the digit across, the digit down, the sway, the pan."""
    phases: NDArray[np.float64]
    """Radians at second 0 of the same four."""

    def frame(self, seconds: float) -> NDArray[np.uint8]:
        """Draw the frame at a time.

        Args:
            seconds: Time since the clip's start.

        Returns:
            Uint8 RGB ``[height, width, 3]``.
        """
        across, down, sway, pan = np.sin(self.speeds * seconds + self.phases)
        texture = self.background.pixels
        left = round((texture.shape[1] - self.width) * (0.5 + pan / 2))
        top = round((texture.shape[0] - self.height) * (0.5 - pan / 2))
        frame = texture[top : top + self.height, left : left + self.width].copy()
        pose = self.poses[round((0.5 + sway / 2) * (len(self.poses) - 1))]
        side = len(pose)
        x = round(self.width / 2 + across * self.reach - side / 2)
        y = round(self.height / 2 + down * self.reach - side / 2)
        patch = frame[y : y + side, x : x + side]
        coverage = pose[..., None]
        patch[:] = (patch * (255 - coverage) + self.background.pen * coverage) // 255
        return frame


def draw_scene(
    rng: np.random.Generator,
    scan: NDArray[np.float32],
    pen: Pen | None = None,
    num_poses: int = _POSES,
) -> Scene:
    """Draw everything about a scene but its length.

    Args:
        rng: Where every choice comes from.
        scan: Float32 ``[8, 8]`` in 0..1, the digit shown.
        pen: How the scan is written, its tilt aside, which is the scene's own.
        num_poses: Tilts drawn; one is enough for a still.

    Returns:
        The scene.
    """
    pen = pen or Pen()
    short, long = FRAME_SIZES[rng.integers(len(FRAME_SIZES))]
    width, height = (long, short) if rng.random() < 0.5 else (short, long)  # noqa: PLR2004, landscape half of the time
    pan = int(rng.integers(0, _LARGEST_PAN))
    side = short * rng.uniform(0.44, 0.62)
    sway = rng.uniform(0.0, 8.0)
    tilts = rng.uniform(-6.0, 6.0) + sway * np.linspace(-1, 1, num_poses)
    poses = tuple(
        draw_sprite(scan, side, Pen(tilt, pen.shear, pen.aspect, pen.threshold)) for tilt in tilts
    )
    return Scene(
        width=width,
        height=height,
        background=draw_background(rng, height + pan, width + pan),
        poses=poses,
        reach=min(short * VISIBLE_SHARE - side, short - len(poses[0]) - 2) / 2,
        speeds=rng.uniform(0.3, 2.5, 4),
        phases=rng.uniform(0.0, 2 * np.pi, 4),
    )
