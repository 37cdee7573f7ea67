"""Draw the media of the golden corpus that are not there: `python tests/golden/draw.py`.

Small clips and zips in the forms that extraction tells apart: proportions, turns, reordered frames,
clocks that begin late or again, pictures of 16 bits. They are kept beside their listings, as
another encoder would give other bytes.
"""

import io
import zipfile
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

MEDIA = Path(__file__).parent / "corpus" / "media"
RATE = 10

Picture = npt.NDArray[np.uint8]


def scene(number: int, index: int, height: int, width: int) -> Picture:
    """Frame `index` of clip `number`: coarse colours, of which each frame shows the next part."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 256, (8, 24, 3), np.uint8)
    part = np.roll(coarse, index, axis=1)[:, :12]
    return np.asarray(Image.fromarray(part).resize((width, height), Image.Resampling.BICUBIC))


def clip(
    number: int,
    size: tuple[int, int],
    num_frames: int = 12,
    *,
    container: str = "mp4",
    codec: str = "libx264",
    first: int = 0,
    options: Mapping[str, str] | None = None,
    prepare: Callable[[Any], None] = lambda _stream: None,
) -> bytes:
    """Encode a clip of some height and width; its clock begins at `first` frames."""
    buffer = io.BytesIO()
    # Else Matroska names each file by chance, threads divide a clip as they come, and x264 reads
    # what was in memory.
    given = {
        "threads": "1",
        **({"x264-params": "mbtree=0"} if codec == "libx264" else {}),
        **(options or {}),
    }
    with av.open(buffer, "w", format=container, options={"fflags": "+bitexact"}) as output:
        stream = output.add_stream(codec, rate=RATE, options=given)
        stream.height, stream.width, stream.pix_fmt = (
            *size,
            "yuvj420p" if codec == "mjpeg" else "yuv420p",
        )
        prepare(stream)
        for index in range(num_frames):
            frame = av.VideoFrame.from_ndarray(scene(number, index, *size), format="rgb24")
            frame.pts, frame.time_base = first + index, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def pictures(
    number: int, num: int, size: tuple[int, int], suffix: str, **options: Any
) -> dict[str, bytes]:
    """Encode pictures by name; of suffix `16.png` in grey of 16 bits."""
    entries = {}
    for index in range(num):
        image, buffer = Image.fromarray(scene(number, index, *size)), io.BytesIO()
        if suffix == "16.png":
            image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
        image.save(buffer, "JPEG" if suffix == "jpg" else "PNG", **options)
        entries[f"{index}.{suffix}"] = buffer.getvalue()
    return entries


def zipped(entries: Mapping[str, bytes]) -> bytes:
    """Archive pictures, at a fixed moment."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, payload in entries.items():
            archive.writestr(zipfile.ZipInfo(name), payload)
    return buffer.getvalue()


def turned(degrees: int, *, hflip: bool = False) -> Callable[[Any], None]:
    """Mark a stream as to be shown turned."""
    return lambda stream: stream.set_display_rotation(degrees, hflip=hflip)


def orientation(value: int) -> Image.Exif:
    """EXIF data of a camera that was held otherwise."""
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


DRAWN: dict[str, Callable[[], bytes]] = {
    "00.mp4": lambda: clip(0, (54, 96)),
    "01.mp4": lambda: clip(1, (96, 54)),
    "02.mkv": lambda: clip(2, (60, 80), 25, container="matroska", options={"bf": "3"}),
    "03.zip": lambda: zipped(pictures(3, 11, (39, 33), "png")),
    "04.mp4": lambda: clip(4, (54, 96), prepare=turned(90)),
    "05.ts": lambda: clip(5, (56, 72), first=RATE * 80_000, container="mpegts"),
    "06.ts": lambda: (
        clip(6, (40, 48), first=RATE * 50, container="mpegts")
        + clip(106, (40, 48), container="mpegts")
    ),
    "07.mp4": "这不是视频".encode,
    "08.zip": lambda: zipped(
        {f"frames\\{name}": payload for name, payload in pictures(8, 9, (36, 41), "16.png").items()}
    ),
    "09.mp4": lambda: clip(9, (50, 50)),
    "10.mov": lambda: clip(10, (58, 66), container="mov", codec="mjpeg"),
    "11.webm": lambda: clip(11, (64, 48), container="webm", codec="libvpx"),
    "12.mkv": lambda: clip(12, (52, 62), 5, container="matroska"),
    "13.mp4": lambda: clip(13, (96, 54), prepare=turned(180, hflip=True)),
    "14.zip": lambda: zipped(pictures(14, 8, (45, 76), "jpg", exif=orientation(6))),
    "15.mp4": lambda: clip(0, (54, 96)),
    "16.mp4": lambda: clip(16, (40, 120)),
    "17.mp4": lambda: clip(17, (120, 42), options={"g": "4"}),
    "18.mp4": lambda: clip(18, (46, 58), 16),
    "19.mp4": lambda: clip(19, (38, 50)),
    "20.mp4": lambda: clip(20, (96, 54), 16),
    "21.zip": lambda: zipped(pictures(21, 8, (90, 50), "jpg")),
}
"""By file name, as the listings have it; 07 is none, and 15 has the bytes of 00."""


if __name__ == "__main__":
    MEDIA.mkdir(parents=True, exist_ok=True)
    for name, draw in DRAWN.items():
        if not (MEDIA / name).exists():
            (MEDIA / name).write_bytes(draw())
