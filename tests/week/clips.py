"""A drawn platform: its clips, and the listings by which they appear, day after day.

What a clip says tells its topic, what it shows tells its digit, and both make its category, as in
the demo's corpus. Days do not differ but by chance.
"""

import itertools
import json
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.demo.clip_text import ClipText, write_text
from flows.demo.corpus import encode_clip
from flows.demo.outline import ClipOutline
from flows.demo.scans import ScanSet
from flows.demo.topics import CATEGORIES, Category
from warehouse.identifiers import Role
from warehouse.storage.files import sha256_bytes
from warehouse.tables.split import is_validation

READY = "_SUCCESS"
_DRAWN_AT = 1_700_000_000
_FRAME_RATE, _FEWEST_FRAMES, _MOST_FRAMES = 10, 10, 16


@dataclass(frozen=True)
class Clip:
    """A listed video."""

    video_id: str
    category: Category
    text: ClipText
    file: Path
    """Of its bytes, which other videos may share."""


def draw_files(
    folder: Path, seed: int, scans: ScanSet, categories: Sequence[Category]
) -> list[tuple[Category, Path]]:
    """Draw and encode a clip for each of some categories.

    Args:
        folder: Where they go.
        seed: Another seed gives other clips.
        scans: What digits are there to show.
        categories: One for each clip.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    drawn = []
    for number, category in enumerate(categories):
        outline = ClipOutline(
            video_id="",
            partition="",
            category=category,
            text=ClipText(),
            make="drawn",
            scan=int(generator.choice(np.flatnonzero(scans.digits == category.digit))),
            num_frames=int(generator.integers(_FEWEST_FRAMES, _MOST_FRAMES + 1)),
            frame_rate=_FRAME_RATE,
            seed=int(generator.integers(2**62)),
        )
        file = folder / f"{number:05d}.mp4"
        file.write_bytes(encode_clip(outline, scans.images[outline.scan]))
        drawn.append((category, file))
    return drawn


def choose_side(file: Path, *, held_out: bool) -> None:
    """Let a clip's bytes, not its pictures, be such that the first salt puts it on one side.

    Args:
        file: An MP4, which gets a box that players pass over.
        held_out: Whether validation is that side.
    """
    whole = file.read_bytes()
    for nonce in itertools.count():
        box = struct.pack(">I4sQ", 16, b"free", nonce)
        if is_validation(0, sha256_bytes(whole + box)) == held_out:
            file.write_bytes(whole + box)
            return


def draw_categories(
    seed: int, number: int, among: Sequence[Category] = CATEGORIES
) -> list[Category]:
    """Draw categories, as frequent as in the demo."""
    shares = np.array([category.weight for category in among])
    places = np.random.default_rng(seed).choice(len(among), number, p=shares / shares.sum())
    return [among[place] for place in places]


def draw_clips(
    name: str, seed: int, files: Sequence[tuple[Category, Path]], number: int | None = None
) -> list[Clip]:
    """Draw videos of some files, each with words of its own.

    Args:
        name: What their ids begin with.
        seed: Another seed gives other videos.
        files: Of clips.
        number: Of the videos, whose files are drawn too; by default one for each file.
    """
    generator = np.random.default_rng(seed)
    if number is not None:
        files = [files[place] for place in generator.integers(len(files), size=number)]
    return [
        Clip(f"{name}-{place:04d}", category, write_text(generator, category.topic, 1.0), file)
        for place, (category, file) in enumerate(files)
    ]


def land(folder: Path, role: Role, clips: Iterable[Clip], *, is_ready: bool = True) -> None:
    """Put a partition where it appears: its media, its listing, then its ready marker.

    Args:
        folder: Of the partition; what was there before is replaced.
        role: A labelled partition lists categories.
        clips: In the order of the listing.
        is_ready: Whether the marker is put there.
    """
    media = folder / "media"
    media.mkdir(parents=True, exist_ok=True)
    rows = []
    for clip in clips:
        place = media / f"{clip.video_id}.mp4"
        if not place.exists():
            os.link(clip.file, place)
            # Part of what the store keeps of media: always the same, so that commits are.
            os.utime(place, (_DRAWN_AT, _DRAWN_AT))
        rows.append(json.dumps(_row(clip, role), ensure_ascii=False))
    write_listing(folder, "\n".join(rows) + "\n")
    if is_ready:
        (folder / READY).touch()


def write_listing(folder: Path, text: str) -> None:
    """Write the listing of a partition, whose ready marker is then another one."""
    (folder / READY).unlink(missing_ok=True)
    (folder / "manifest.jsonl").write_text(text, encoding="utf-8")


def _row(clip: Clip, role: Role) -> dict[str, object]:
    ocr = [{"time": seconds, "text": line} for seconds, line in clip.text.ocr]
    row: dict[str, object] = {
        "video_id": clip.video_id,
        "path": f"media/{clip.video_id}.mp4",
        "title": clip.text.title,
        "asr": clip.text.asr,
        "ocr": ocr,
    }
    return row | ({"category_id": clip.category.category_id} if role == "labeled" else {})
