"""Files that name other files or hosts.

The decoder opens none of them, whichever way it is tried.
"""

import ctypes
import json
import os
import select
import socket
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from featurestore.extraction.decoding.isolation.jail import Layer
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.extraction.decoding.video.container import FORMATS
from featurestore.progress.reasons import Reason

IN_ACCESS, IN_OPEN = 1, 0x20


@dataclass
class Canaries:
    """Files and a port that nobody should touch, and whether somebody did."""

    folder: Path
    names: frozenset[bytes]
    port: int
    _inotify: int
    _stream: socket.socket
    _datagrams: socket.socket

    def opened(self) -> bool:
        """Whether a canary was opened since the last call."""
        names = set()
        while _ready(self._inotify):
            events = os.read(self._inotify, 65536)
            while events:
                *_, length = struct.unpack_from("iIII", events)
                names.add(events[16 : 16 + length].rstrip(b"\0"))
                events = events[16 + length :]
        return any(name in self.names for name in names)

    def connected(self) -> bool:
        """Whether a connection or a datagram came since the last call."""
        came = False
        while ready := _ready(self._stream.fileno(), self._datagrams.fileno()):
            came = True
            if self._stream.fileno() in ready:
                self._stream.accept()[0].close()
            else:
                self._datagrams.recv(65536)
        return came


def _ready(*descriptors: int) -> set[int]:
    """Those that can be read from now, however high their numbers are."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(0)}


@pytest.fixture
def canaries(tmp_path: Path, clip: bytes, transport_stream: bytes) -> Iterator[Canaries]:
    folder = tmp_path / "canary"
    folder.mkdir()
    contents = {
        **dict.fromkeys(("mp4", "m4s", "sub", "0.png", "1.png"), clip),
        "ts": transport_stream,
        "m3u8": segment("secret.ts").encode(),
        "key": bytes(16),
    }
    for suffix, payload in contents.items():
        (folder / f"secret.{suffix}").write_bytes(payload)
    libc = ctypes.CDLL(None)
    inotify = libc.inotify_init1(os.O_CLOEXEC)
    libc.inotify_add_watch(inotify, bytes(folder), IN_ACCESS | IN_OPEN)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(type=socket.SOCK_DGRAM) as datagrams,
    ):
        port = server.getsockname()[1]
        datagrams.bind(("127.0.0.1", port))
        names = frozenset(f"secret.{suffix}".encode() for suffix in contents)
        yield Canaries(folder, names, port, inotify, server, datagrams)
    os.close(inotify)


def hls(*lines: str) -> str:
    return "\n".join(
        ("#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:2", *lines, "#EXT-X-ENDLIST", "")
    )


def segment(place: str) -> str:
    return hls("#EXTINF:2,", place)


def dash(inner: str) -> str:
    head = '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    sets = (
        '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1"'
        f' bandwidth="9">{inner}</Representation>'
    )
    return f"{head}{sets}</AdaptationSet></Period></MPD>"


def sdp(*lines: str) -> str:
    return "\r\n".join(
        ("v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=x", "c=IN IP4 127.0.0.1", "t=0 0", *lines, "")
    )


def refer(clip: bytes, kind: bytes, reference: bytes) -> bytes:
    """Replace a MOV's data reference.

    Which says that media lie in the file itself, by one to another place.
    """
    at = clip.index(b"url \0\0\0\1") - 4
    entry = struct.pack(">I", len(reference) + 12) + kind + bytes(4) + reference
    out = bytearray(clip[:at] + entry + clip[at + 12 :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        where = out.index(box) - 4
        struct.pack_into(
            ">I", out, where, struct.unpack_from(">I", out, where)[0] + len(entry) - 12
        )
    return bytes(out)


def alias(place: str) -> bytes:
    """What an `alis` data reference holds: an absolute path, as old Macs wrote it."""
    path = place.encode()
    named = (
        bytes(10)
        + bytes([4])
        + b"disk".ljust(27, b"\0")
        + bytes(12)
        + bytes([10])
        + b"secret.mp4".ljust(63, b"\0")
    )
    return (
        named
        + bytes(36)
        + struct.pack(">HH", 2, len(path))
        + path
        + bytes(len(path) % 2)
        + b"\xff\xff\0\0"
    )


def movie_reference(place: str) -> bytes:
    def box(kind: bytes, *inner: bytes) -> bytes:
        payload = b"".join(inner)
        return struct.pack(">I", len(payload) + 8) + kind + payload

    url = place.encode() + b"\0"
    entry = box(b"rdrf", bytes(4), b"url ", struct.pack(">I", len(url)), url)
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", box(b"rmra", box(b"rmda", entry)))


def crafted(clip: bytes, canaries: Canaries) -> dict[str, tuple[str, bytes]]:
    """By what they try: a file's suffix (or whole name, in the canaries' folder) and its bytes."""
    here, web = canaries.folder, f"http://127.0.0.1:{canaries.port}"
    mp4, ts, near = here / "secret.mp4", here / "secret.ts", "canary/secret"
    ffconcat = "ffconcat version 1.0\nfile '{}'\n".format
    texts: dict[str, tuple[str, str]] = {
        "hls, absolute path": (".m3u8", segment(str(ts))),
        "hls, relative path": (".m3u8", segment(f"{near}.ts")),
        "hls, file:": (".m3u8", segment(ts.as_uri())),
        "hls, http:": (".m3u8", segment(f"{web}/a.ts")),
        "hls, tcp:": (".m3u8", segment(f"tcp://127.0.0.1:{canaries.port}/a.ts")),
        "hls, udp:": (".m3u8", segment(f"udp://127.0.0.1:{canaries.port}/a.ts")),
        "hls, data:": (".m3u8", segment("data:video/mp2t;base64,R0AAEA==")),
        "hls, subfile:": (".m3u8", segment(f"subfile,,start,0,end,999,,:{ts}")),
        "hls, concat:": (".m3u8", segment(f"concat:{ts}|{ts}")),
        "hls, crypto:": (".m3u8", segment(f"crypto:{ts}")),
        "hls, key file": (
            ".m3u8",
            hls(f'#EXT-X-KEY:METHOD=AES-128,URI="{near}.key"', "#EXTINF:2,", f"{near}.ts"),
        ),
        "hls, key by http:": (
            ".m3u8",
            hls(f'#EXT-X-KEY:METHOD=AES-128,URI="{web}/k"', "#EXTINF:2,", f"{near}.ts"),
        ),
        "hls, first part": (
            ".m3u8",
            hls(f'#EXT-X-MAP:URI="{near}.mp4"', "#EXTINF:2,", f"{near}.m4s"),
        ),
        "hls, further playlist": (
            ".m3u8",
            f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\n{near}.m3u8\n",
        ),
        "hls, further playlist by http:": (
            ".m3u8",
            f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\n{web}/a.m3u8\n",
        ),
        "hls, sound": (
            ".m3u8",
            "\n".join(
                (
                    "#EXTM3U",
                    f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="{near}.m3u8"',
                    f'#EXT-X-STREAM-INF:BANDWIDTH=9,AUDIO="a"\n{near}.m3u8\n',
                )
            ),
        ),
        "hls, named mp4": (".mp4", segment(f"{near}.ts")),
        "concat, absolute path": (".ffconcat", ffconcat(mp4)),
        "concat, relative path": (".ffconcat", ffconcat(f"{near}.mp4")),
        "concat, file:": (".ffconcat", ffconcat(f"file:{near}.mp4")),
        "concat, http:": (".ffconcat", ffconcat(f"{web}/a.mp4")),
        "concat, subfile:": (".ffconcat", ffconcat(f"subfile,,start,0,end,999,,:{mp4}")),
        "concat, cache:": (".ffconcat", ffconcat(f"cache:{mp4}")),
        "concat, async:": (".ffconcat", ffconcat(f"async:{mp4}")),
        "concat, data:": (".ffconcat", ffconcat("data:;base64,ZmZjb25jYXQ=")),
        "concat, named mp4": (".mp4", ffconcat(f"{near}.mp4")),
        "dash, path": (".mpd", dash(f"<BaseURL>{mp4}</BaseURL>")),
        "dash, http:": (".mpd", dash(f"<BaseURL>{web}/a.mp4</BaseURL>")),
        "dash, template": (
            ".mpd",
            dash(f'<SegmentTemplate media="{near}.m4s" initialization="{near}.mp4" duration="2"/>'),
        ),
        "sdp, rtp": (".sdp", sdp(f"m=video {canaries.port} RTP/AVP 96", "a=rtpmap:96 H264/90000")),
        "sdp, rtsp": (
            ".sdp",
            sdp(f"a=control:rtsp://127.0.0.1:{canaries.port}/a", "m=video 0 RTP/AVP 96"),
        ),
        "subtitles, their other half": (
            "/secret.idx",
            "# VobSub index file, v7\nsize: 64x64\nid: en, index: 0\n",
        ),
        "svg, image": (
            ".svg",
            f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{mp4.as_uri()}"/></svg>',
        ),
        "image pattern": ("/secret.%d.png", "no picture"),
        "image glob": ("/secret.*.png", "no picture"),
    }
    payloads = {name: (suffix, text.encode()) for name, (suffix, text) in texts.items()}
    return payloads | {
        "mov, reference to a path": (".mov", refer(clip, b"url ", str(mp4).encode() + b"\0")),
        "mov, reference by http:": (".mov", refer(clip, b"url ", f"{web}/a.mp4".encode() + b"\0")),
        "mov, alias": (".mov", refer(clip, b"alis", alias(str(mp4)))),
        "mov, another movie": (".mov", movie_reference(str(mp4))),
        "mov, another movie by http:": (".mov", movie_reference(f"{web}/a.mov")),
    }


PROBE = """
import io, json, sys
import av
from featurestore.extraction.decoding import decode
from featurestore.extraction.decoding.isolation import jail

options, layers, paths = json.loads(sys.stdin.readline())
payloads = {path: open(path, "rb").read() for path in paths}
jail.lock([jail.Layer(layer) for layer in layers])
print("locked", flush=True)
for line in sys.stdin:
    way, path = json.loads(line)
    source = path if way == "path" else io.BytesIO(payloads[path])
    try:
        with av.open(source, options=options, metadata_errors="replace", timeout=0.2) as container:
            for _, frame in zip(range(3), container.decode(video=0)):
                frame.to_ndarray(format="rgb24")
    except Exception:
        pass
    print("done", flush=True)
"""
CARELESS = {
    "protocol_whitelist": "file,http,tcp,udp,rtp,rtsp,crypto,subfile,concat,data,cache,async",
    "allowed_extensions": "ALL",
    "allowed_segment_extensions": "ALL",
    "extension_picky": "0",
    "safe": "0",
    "enable_drefs": "1",
    "use_absolute_path": "1",
}
"""The opener takes whatever a file asks for, as advice for playlists that won't play has it."""
WAYS: dict[str, tuple[dict[str, str], set[Layer]]] = {
    "nothing": (CARELESS, set()),
    "FFmpeg's defaults": ({}, set()),
    "the list of protocols": (CARELESS | {"protocol_whitelist": "file"}, set()),
    "the list of formats": (CARELESS | {"format_whitelist": FORMATS}, set()),
    "Landlock on files": (CARELESS, {Layer.LANDLOCK_FILES}),
    "Landlock on TCP": (CARELESS, {Layer.LANDLOCK_TCP}),
    "limits": (CARELESS, {Layer.LIMITS}),
    "the filter of system calls": (CARELESS, {Layer.SECCOMP}),
}
"""What stands alone between a plain opener and the canaries."""


@pytest.fixture
def laid(canaries: Canaries, clip: bytes) -> dict[str, Path]:
    """The crafted files, each beside what it tries to reach."""
    paths = {}
    for number, (name, (suffix, payload)) in enumerate(crafted(clip, canaries).items()):
        place = f"canary{suffix}" if suffix.startswith("/") else f"crafted-{number:02}{suffix}"
        paths[name] = canaries.folder.parent / place
        paths[name].write_bytes(payload)
    return paths


def probe(
    canaries: Canaries, laid: Iterable[Path], options: dict[str, str], layers: set[Layer]
) -> Counter[str]:
    """Have a plain opener try each crafted file by path and by bytes.

    How many reached a file, how many a port.
    """
    seen: Counter[str] = Counter()
    program = subprocess.Popen(
        [sys.executable, "-c", PROBE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=canaries.folder.parent,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        text=True,
    )
    with program:
        assert program.stdin
        assert program.stdout
        locked = [*({Layer.NO_NEW_PRIVS} if layers else ()), *layers]
        program.stdin.write(json.dumps([options, locked, [str(path) for path in laid]]) + "\n")
        program.stdin.flush()
        assert program.stdout.readline() == "locked\n"
        canaries.opened()
        for way in ("path", "bytes"):
            for path in laid:
                program.stdin.write(json.dumps([way, str(path)]) + "\n")
                program.stdin.flush()
                assert program.stdout.readline() == "done\n", f"{path.name} ended the opener"
                seen[f"files by {way}"] += canaries.opened()
                seen[f"ports by {way}"] += canaries.connected()
        program.stdin.close()
    return seen


def test_forty_crafted_files_open_no_file_and_no_connection(
    canaries: Canaries, laid: dict[str, Path], pool: DecodePool, record: Callable[[str, str], None]
) -> None:
    assert len(laid) == 40
    items = {
        name: MediaItem(sha256(path.read_bytes()).hexdigest(), path, "video")
        for name, path in laid.items()
    }
    canaries.opened()
    outcomes = dict(zip(items, pool.run(items.values()), strict=True))
    assert not canaries.opened()
    assert not canaries.connected()
    reasons = {name: getattr(outcome, "reason", "ok") for name, outcome in outcomes.items()}
    # A MOV's own media are decoded whatever its URL says, and none where an alias says that they
    # are elsewhere.
    own = dict.fromkeys(("mov, reference to a path", "mov, reference by http:"), "ok")
    own["mov, alias"] = Reason.NO_FRAMES
    others = dict.fromkeys(
        ("mov, another movie", "mov, another movie by http:"), Reason.NO_VIDEO_STREAM
    )
    assert reasons == dict.fromkeys(laid, Reason.NOT_MEDIA) | own | others
    shown = {name: probe(canaries, list(laid.values()), *way) for name, way in WAYS.items()}
    assert shown["nothing"]["files by path"] > 5
    assert shown["nothing"]["files by bytes"] > 0
    assert shown["nothing"]["ports by path"] + shown["nothing"]["ports by bytes"] > 0
    for name in ("limits", "the filter of system calls"):
        assert not shown[name].total(), name
    # A careless opener enables data references, which are a MOV's own; ours leaves them off.
    assert shown["the list of formats"].total() == 2
    assert (
        not shown["Landlock on files"]["files by path"]
        + shown["Landlock on files"]["files by bytes"]
    )
    alone = "; ".join(
        f"{name} {seen['files by path']}+{seen['files by bytes']} files, "
        f"{seen['ports by path']}+{seen['ports by bytes']} connections"
        for name, seen in shown.items()
    )
    record(
        "leaks",
        "40 crafted files: 0 canary files opened, 0 connections. By path + by bytes, alone:"
        f" {alone}",
    )
