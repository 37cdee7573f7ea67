"""Zips of frames: the pictures that stand for a clip, read in memory."""

from typing import BinaryIO

from featurestore.extraction import work_limits
from featurestore.extraction.decoding.frame_sampling import sample
from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.pictures import zip_entries
from featurestore.extraction.decoding.pictures.picture_work import PictureWork
from featurestore.extraction.decoding.pictures.pictures import (
    charge_picture,
    decode_picture,
    facts_of,
)
from featurestore.extraction.work_limits import WorkLimits


def decode_zip(
    file: BinaryIO, framing: Framing, limits: WorkLimits = work_limits.DEFAULT
) -> DecodedFrames:
    """Decode the pictures that stand for a clip kept as a zip of frames.

    Args:
        file: the bytes of a zip, seekable. Pictures count in the order of their names, numbers by
            value.
        framing: how many frames, and of what size.
        limits: how much work it may be.

    Returns:
        Frames resized and cropped; a frame's index among the pictures stands as its seconds.

    Raises:
        Rejected: the file gives no such frames; see `featurestore.progress.reasons`.
    """
    with zip_entries.open_zip(file) as archive:
        entries = zip_entries.list_pictures(archive)
        chosen = sample(range(len(entries)), len(entries), framing.num_frames)
        payloads = {i: zip_entries.read(archive, entries[i]) for i in sorted(set(chosen))}
    names = {i: zip_entries.shown_name(entries[i]) for i in payloads}
    work = PictureWork(limits)
    for i, payload in payloads.items():
        charge_picture(payload, names[i], work)
    frames = {i: decode_picture(payload, names[i], framing) for i, payload in payloads.items()}
    facts = facts_of(payloads[chosen[0]], names[chosen[0]])
    return DecodedFrames.of(framing, [frames[i] for i in chosen], chosen, facts)
