"""Files made to do harm, or damaged on their way: each ends in `ok` or one reason, and harms no other."""

import io
import socket
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from featurestore.extract.framing import DecodedFrames
from featurestore.extract.media import MediaItem
from featurestore.extract.sandbox import DecodePool
from featurestore.reasons import Reason
from warehouse.errors import Rejected

Put = Callable[..., MediaItem]


def reasons(outcomes: list[DecodedFrames | Rejected]) -> list[str]:
    return [outcome.reason if isinstance(outcome, Rejected) else "ok" for outcome in outcomes]


def test_mutated_clips_each_end_in_frames_or_one_reason(clip: bytes, put: Put, pool: DecodePool) -> None:
    rng = np.random.default_rng(7)
    items = []
    for _ in range(60):
        mutated = bytearray(clip)
        for place in rng.integers(0, len(clip), rng.integers(1, 30)):
            mutated[place] = rng.integers(0, 256)
        items.append(
            put(bytes(mutated[: rng.integers(len(clip) // 2, len(clip) + 1)] if rng.random() < 0.2 else mutated))
        )
    counts = Counter(reasons(list(pool.run(items))))
    print(dict(counts))  # noqa: T201 - the counts are what this test shows
    assert counts.total() == 60
    assert counts.keys() <= {"ok", *Reason}
    assert counts[Reason.WORKER_DIED] == counts[Reason.DECODE_TIMEOUT] == 0
    assert reasons(list(pool.run([put(clip)]))) == ["ok"]


def test_playlists_open_no_file_and_no_connection(clip: bytes, put: Put, pool: DecodePool, tmp_path: Path) -> None:
    canary = tmp_path / "canary.mp4"
    canary.write_bytes(clip)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        for place in (str(canary), canary.as_uri(), f"http://127.0.0.1:{server.getsockname()[1]}/clip.mp4"):
            mpd = '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
            sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
            playlists = [
                f"ffconcat version 1.0\nfile '{place}'\n",
                f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{place}\n#EXT-X-ENDLIST\n",
                f"{mpd}<BaseURL>{place}</BaseURL></Period></MPD>",
                f"{sdp}a=control:{place}\nm=video 0 RTP/AVP 96\n",
            ]
            assert reasons(list(pool.run([put(text.encode()) for text in playlists]))) == [Reason.NOT_MEDIA] * 4
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_zip_that_inflates_without_end_is_too_large(put: Put, pool: DecodePool) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.png", b"\x89PNG\r\n\x1a\n" + bytes(40 * 2**20))
    assert reasons(list(pool.run([put(buffer.getvalue(), "frames_zip")]))) == [Reason.TOO_LARGE]


def test_names_that_climb_out_of_a_zip_write_nothing(put: Put, pool: DecodePool, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../climbed.png", b"x")
        archive.writestr("/tmp/absolute.png", b"x")  # noqa: S108 - never written
    assert reasons(list(pool.run([put(buffer.getvalue(), "frames_zip")]))) == [Reason.DECODE_ERROR]
    assert not list(tmp_path.parent.rglob("climbed.png"))
    assert not Path("/tmp/absolute.png").exists()  # noqa: S108 - never written


def test_a_small_picture_of_huge_size_is_too_large(put: Put, pool: DecodePool) -> None:
    header = b"\x00\x00\x00\rIHDR" + (60_000).to_bytes(4) * 2 + b"\x08\x02\x00\x00\x00"
    png = b"\x89PNG\r\n\x1a\n" + header + _checksum(header[4:]) + b"\x00\x00\x00\x00IDAT" + _checksum(b"IDAT")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("0.png", png)
    assert reasons(list(pool.run([put(buffer.getvalue(), "frames_zip")]))) == [Reason.TOO_LARGE]


def _checksum(payload: bytes) -> bytes:
    return zlib.crc32(payload).to_bytes(4)
