"""Equal files give equal commits, whatever is wrong with them."""

import itertools
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import av
import numpy as np
import polars as pl

from featurestore.progress.ledger import read as read_ledger
from featurestore.progress.reasons import MAX_DETAIL_CHARS, OK, Reason
from featurestore.views.heads import address
from tests import numbered
from tests.fault import job
from tests.hostile.bombs import BOMBS
from tests.hostile.poisoned_pictures import POISONED, encoded, zipped
from tests.hostile.test_archives import ARCHIVES
from tests.hostile.test_fuzz import MUTATIONS
from warehouse import commits
from warehouse.printable import printable

ROOT = Path(__file__).parents[2]
SMALL, FULL = 40, 300
NUM_POISONED = 9
PICTURES = zipped(
    {"0.png": encoded("PNG", 40), "1.jpg": encoded("JPEG", 40), "2.webp": encoded("WEBP", 40)}
)
OF_THE_DECODERS = {
    *(
        Reason.TOO_LARGE,
        Reason.NOT_MEDIA,
        Reason.NO_VIDEO_STREAM,
        Reason.UNSUPPORTED_CODEC,
        Reason.NO_FRAMES,
    ),
    *(Reason.BAD_ARCHIVE, Reason.DECODE_ERROR, Reason.DECODED_SHORT, Reason.EMPTY_FILE),
}


def sound_alone() -> bytes:
    with tempfile.NamedTemporaryFile() as file:
        with av.open(file.name, "w", format="mp4") as output:
            stream = output.add_stream("aac", rate=44100)
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 44100), np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate = 44100
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return Path(file.name).read_bytes()


def broken_media(clips: Mapping[str, bytes], num_mutated: int, num_bombs: int) -> dict[str, bytes]:
    """Files of every kind that fails, by name; and some that do not."""
    rng = np.random.default_rng(11)
    mutated = {
        f"mutated {i}.mp4": MUTATIONS[i // len(clips) % len(MUTATIONS)](
            list(clips.values())[i % len(clips)], rng
        )
        for i in range(num_mutated)
    }
    damaged = {
        f"mutated {i}.zip": MUTATIONS[i % len(MUTATIONS)](PICTURES, rng) for i in range(num_mutated)
    }
    bombs = {
        f"bomb {i}.mp4": make()
        for i, make in enumerate(itertools.islice(BOMBS.values(), num_bombs))
    }
    archives = {f"archive {i}.zip": make() for i, (make, _) in enumerate(ARCHIVES.values())}
    poisoned = {
        f"poisoned {i}.zip": make()
        for i, make in enumerate(itertools.islice(POISONED.values(), NUM_POISONED))
    }
    others = {
        "empty.mp4": b"",
        "text.mp4": "没有视频\x1b[2J".encode(),
        "list.mp4": b"ffconcat version 1.0\nfile 'other.mp4'\n",
        "playlist.mp4": b"#EXTM3U\n",
        "sound.mp4": sound_alone(),
        "codec.mkv": numbered.make_clip(3, codec="ffv1", container="matroska"),
        "named.zip": zipped({"\x1b[2J\n长\u202e" * 40 + ".jpg": b"no picture"}),
        "pixels.zip": zipped({"0.png": encoded("PNG", 4097)}),
    }
    return {
        **mutated,
        **damaged,
        **bombs,
        **archives,
        **poisoned,
        **others,
        **dict(zip("abcde", clips.values(), strict=True)),
    }


def test_equal_files_give_equal_commits_in_any_process(
    clips: dict[str, bytes], tmp_path: Path, full: bool, record: Callable[[str, str], None]
) -> None:
    media = broken_media(clips, FULL if full else SMALL, len(BOMBS) if full else 3)
    made = {}
    for seed in ("1", "2"):
        folder, root = tmp_path / f"media {seed}", tmp_path / f"store {seed}"
        folder.mkdir()
        for name, payload in media.items():
            (folder / name).write_bytes(payload)
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        program = [sys.executable, "-m", "tests.hostile.extraction", str(folder), str(root)]
        made[
            subprocess.run(
                program, env=environment, capture_output=True, text=True, check=True
            ).stdout.strip()
        ] = root
    ledgers = [ledger_of(root) for root in (tmp_path / "store 1", tmp_path / "store 2")]
    assert ledgers[0].rows() == ledgers[1].rows()
    assert len(made) == 1
    counts = Counter(ledgers[0]["outcome"])
    assert counts.keys() >= OF_THE_DECODERS
    for detail in ledgers[0]["detail"].drop_nulls():
        assert printable(detail, MAX_DETAIL_CHARS) == detail
        assert not re.search("0x[0-9a-f]|object at|Errno|Error", detail), detail
    record(
        "equal bytes",
        f"{len(media):,} broken and good files extracted in 2 processes with other hash seeds,"
        " addresses and folders: the same commit, with the same sentence in each of"
        f" {sum(counts.values()) - counts[OK]:,} rows that failed for {len(counts) - 1} reasons",
    )


def ledger_of(root: Path) -> pl.DataFrame:
    with job.opened(root) as store:
        commit = commits.head(store, address("frames", job.FINGERPRINT, job.PARTITION))
        assert commit is not None
        return read_ledger(commit)
