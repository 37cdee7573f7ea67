import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.reasons import MAX_DETAIL_CHARS, Reason
from warehouse.errors import Rejected, Retryable

Counters = Callable[[DecodedFrames], list[int]]


def read_stat(pid: int) -> tuple[str, int] | None:
    """State and parent of a process that is there."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[:2]
    except OSError:
        return None
    return state, int(parent)


def is_alive(pid: int) -> bool:
    return (read_stat(pid) or "Z")[0] not in "ZX"


def workers(parent: int) -> list[int]:
    """Process ids of the decoding workers of a process."""
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    children = [pid for pid in pids if (read_stat(pid) or ("", 0))[1] == parent and is_alive(pid)]
    return [pid for pid in children if b"_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def reasons(outcomes: list[DecodedFrames | Rejected]) -> list[str]:
    return [outcome.reason if isinstance(outcome, Rejected) else "ok" for outcome in outcomes]


@pytest.fixture
def clips(make_clip: Callable[..., bytes], put: Callable[[bytes], MediaItem]) -> list[MediaItem]:
    return [put(make_clip(8 + i, options={"preset": "ultrafast"})) for i in range(6)]


FAULTY = """
import os, signal, sys, time
from featurestore.extraction.decoding import decode_worker

kept = []
answer = decode_worker._answer

def speak_unasked(outcome, detail, facts=None):
    answer(outcome, detail, facts)
    time.sleep(0.2)
    answer("no_frames", "the next video has none either")

def decode(file, framing, limits):
    order = file.read()
    file.seek(0)
    if order == b"hang":
        time.sleep(1000)
    if order == b"abort":
        os.abort()
    if order == b"leave":
        sys.exit(3)
    if order == b"eat":
        return bytearray(4 * 2**30)
    if order[:4] == b"need":
        kept.append(bytearray(500 * 2**20))
        return decode_worker.DecodedFrames.of(framing, [0], [0])
    if order == b"moan":
        sys.exit(f"corrupted at {id(order):#x}")
    if order == b"babble":
        os.write(1, b"no answer of ours")
        os.write(1, bytes(10_000))
        time.sleep(1000)
    if order.startswith(b"say "):
        os.write(1, order[4:] + bytes([10]))
        time.sleep(1000)
    if order == b"speak unasked":
        decode_worker._answer = speak_unasked
        return decode_worker.DecodedFrames.of(framing, [0], [0])
    if order == b"signal":
        signal.raise_signal(40)
    if order == b"raise":
        raise IndexError("a damaged file")
    return decode_worker.decode_video(file, framing, limits)

decode_worker._DECODERS["video"] = decode
decode_worker.main()
"""


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Workers that do what the bytes of a medium say."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "faulty_worker.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr("featurestore.extraction.decoding.sandbox.PROGRAM", "faulty_worker")
    return folder


def test_results_come_in_order_whatever_the_number_of_workers(
    clips: list[MediaItem], put: Callable[[bytes], MediaItem], whole: Framing, counters: Counters
) -> None:
    items = [clips[0], put(b"text"), *clips[1:], put(b"")]
    for num_workers in (1, 3):
        with DecodePool(whole, num_workers) as pool:
            outcomes = list(pool.run(items))
        assert reasons(outcomes) == ["ok", "not_media", *["ok"] * 5, "empty_file"]
        frames = [outcome for outcome in outcomes if isinstance(outcome, DecodedFrames)]
        assert [counters(decoded)[-1] for decoded in frames] == [15 * n // 16 for n in range(8, 14)]


def test_results_are_kept_when_the_worker_goes_on(
    clips: list[MediaItem], whole: Framing, counters: Counters
) -> None:
    with DecodePool(whole, 1) as pool:
        first, *_ = outcomes = list(pool.run(clips))
    assert isinstance(first, DecodedFrames)
    assert counters(first) == list(range(8))
    assert not np.shares_memory(
        first.frames, next(o for o in outcomes[1:] if isinstance(o, DecodedFrames)).frames
    )


def test_what_is_said_of_a_medium_is_the_same_whatever_its_descriptor(
    put: Callable[[bytes], MediaItem], whole: Framing
) -> None:
    item = put(b"ffconcat version 1.0\nfile 'other.mp4'\n")
    sentences = set()
    with DecodePool(whole, 1) as one, DecodePool(whole, 1) as other:
        for outcome in (*one.run([item]), *other.run([item])):
            assert isinstance(outcome, Rejected)
            sentences.add(outcome.sentence)
    accepted = "MP4, MOV, Matroska, WebM, FLV, AVI, MPEG-TS, MPEG-PS, ASF, Ogg"
    assert sentences == {f"the file holds no intact container of an accepted format ({accepted})"}


def test_a_worker_imports_no_torch_and_nothing_else_that_is_heavy() -> None:
    program = "import sys, featurestore.extraction.decoding.decode_worker; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"av", "numpy", "PIL"} <= set(modules)
    assert not {
        "torch",
        "timm",
        "transformers",
        "pydantic",
        "polars",
        "sqlalchemy",
        "prefect",
    } & set(modules)


def test_a_worker_serves_many_videos_and_is_then_replaced(
    clips: list[MediaItem], whole: Framing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("featurestore.extraction.decoding.sandbox.VIDEOS_PER_WORKER", 3)
    with DecodePool(whole, 1) as pool:
        seen = []
        for _ in pool.run(clips[:1] * 2):
            pass
        seen += workers(os.getpid())
        for _ in pool.run(clips[:1] * 3):
            pass
        seen += workers(os.getpid())
    assert len(seen) == len(set(seen)) == 2
    assert workers(os.getpid()) == []


@pytest.mark.parametrize(
    ("order", "reason", "detail"),
    [
        (b"hang", Reason.DECODE_TIMEOUT, "within 0.5 seconds"),
        (b"abort", Reason.WORKER_DIED, "SIGABRT"),
        (b"leave", Reason.WORKER_DIED, "exit status 3"),
        (b"signal", Reason.WORKER_DIED, "signal 40"),
        (b"eat", Reason.OUT_OF_MEMORY, "memory"),
        (b"babble", Reason.WORKER_DIED, "its answer made no sense"),
        (b"say " + b"[" * 4000, Reason.WORKER_DIED, "its answer made no sense"),
        (b'say ["ok", ""]', Reason.WORKER_DIED, "its frames made no sense"),
        (b"raise", Reason.DECODE_ERROR, "the decoder fails at its bytes: they are damaged"),
    ],
)
@pytest.mark.usefixtures("faulty")
def test_a_video_that_breaks_its_worker_leaves_its_neighbours_unharmed(
    order: bytes,
    reason: Reason,
    detail: str,
    put: Callable[[bytes], MediaItem],
    clips: list[MediaItem],
    whole: Framing,
    counters: Counters,
) -> None:
    with DecodePool(whole, 1, WorkLimits(seconds=0.5)) as pool:
        before, broken, after = pool.run([clips[0], put(order), clips[1]])
    assert isinstance(before, DecodedFrames)
    assert isinstance(after, DecodedFrames)
    assert (counters(before)[-1], counters(after)[-1]) == (7, 8)
    assert isinstance(broken, Rejected)
    assert broken.reason == reason
    assert detail in str(broken)


@pytest.mark.usefixtures("faulty")
def test_a_dead_workers_last_words_are_logged_and_no_part_of_what_is_stored(
    put: Callable[[bytes], MediaItem], whole: Framing, caplog: pytest.LogCaptureFixture
) -> None:
    with DecodePool(whole, 1) as pool:
        (broken,) = pool.run([put(b"moan")])
    assert isinstance(broken, Rejected)
    assert str(broken) == "the worker ended (exit status 1)"
    assert "corrupted at 0x" in caplog.text


@pytest.mark.usefixtures("faulty")
def test_what_a_worker_says_of_a_video_is_made_printable_by_the_parent(
    put: Callable[[bytes], MediaItem], whole: Framing
) -> None:
    said = json.dumps("\x1b[2J\nforged: \u202e 半\ud83d" + "长" * 200)
    with DecodePool(whole, 1) as pool:
        (broken,) = pool.run([put(b'say ["no_frames", ' + said.encode() + b"]")])
    assert isinstance(broken, Rejected)
    assert broken.reason == Reason.NO_FRAMES
    assert broken.sentence.startswith("\\x1b[2J\\nforged: \\u202e 半\\ud83d长长")
    assert len(broken.sentence) <= MAX_DETAIL_CHARS


@pytest.mark.usefixtures("faulty")
def test_what_a_worker_says_unasked_is_no_answer_for_the_next_video(
    put: Callable[[bytes], MediaItem], clips: list[MediaItem], whole: Framing
) -> None:
    with DecodePool(whole, 1) as pool:
        assert reasons(list(pool.run([put(b"speak unasked")]))) == ["ok"]
        time.sleep(0.5)
        assert reasons(list(pool.run(clips[:1]))) == ["ok"]


@pytest.mark.usefixtures("faulty")
def test_memory_that_other_videos_left_behind_is_not_a_videos_fault(
    put: Callable[[bytes], MediaItem], whole: Framing
) -> None:
    with DecodePool(whole, 1) as pool:
        assert reasons(list(pool.run([put(b"need 1"), put(b"need 2"), put(b"need 3")]))) == [
            "ok",
            "ok",
            "ok",
        ]


@pytest.mark.usefixtures("faulty")
def test_leaving_the_pool_ends_a_worker_in_the_middle_of_a_video(
    put: Callable[[bytes], MediaItem], clips: list[MediaItem], whole: Framing
) -> None:
    hang = put(b"hang")
    with DecodePool(whole, 1) as pool:
        next(pool.run([clips[0], hang, hang, hang]))
        time.sleep(0.2)
        started = time.monotonic()
    assert time.monotonic() - started < 2
    assert workers(os.getpid()) == []


PARENT = """
import sys, os, hashlib
from pathlib import Path
from featurestore.extraction.decoding.framing import Framing
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding import sandbox
sandbox.PROGRAM = "faulty_worker"
path = Path(sys.argv[1])
item = MediaItem(hashlib.sha256(path.read_bytes()).hexdigest(), path, "video")
with sandbox.DecodePool(Framing(8, 32, 32, "bicubic"), 2) as pool:
    list(pool.run([item] * 9))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(
    how: signal.Signals, faulty: Path, put: Callable[[bytes], MediaItem]
) -> None:
    environment = os.environ | {"PYTHONPATH": str(faulty)}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(put(b"hang").path)], env=environment
    )
    try:
        wait_until(lambda: len(workers(parent.pid)) == 2)
        children = workers(parent.pid)
        time.sleep(0.5)
    finally:
        parent.send_signal(how)
        parent.wait()
    wait_until(lambda: not any(map(is_alive, children)), seconds=5)


def test_a_worker_that_cannot_start_is_not_the_videos_fault(
    clips: list[MediaItem], whole: Framing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "featurestore.extraction.decoding.sandbox.PROGRAM",
        "featurestore.extraction.no_such_program",
    )
    with DecodePool(whole, 1) as pool, pytest.raises(Retryable, match="no_such_program"):
        list(pool.run(clips))


def test_descriptors_are_given_back(clips: list[MediaItem], whole: Framing) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the folder changes as it is read

    before = count()
    for _ in range(2):
        with DecodePool(whole, 2) as pool:
            list(pool.run(clips))
    assert count() == before


def test_a_worker_has_no_secrets_and_few_rights(
    clips: list[MediaItem], whole: Framing, monkeypatch: Any
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_PARENT", "swordfish")
    with DecodePool(whole, 1) as pool:
        list(pool.run(clips[:1]))
        folder = Path(f"/proc/{workers(os.getpid())[0]}")
        assert b"swordfish" not in (folder / "environ").read_bytes()
        limits, status = (folder / "limits").read_text(), (folder / "status").read_text()
        descriptors = {str(path.readlink()) for path in (folder / "fd").iterdir()}
    assert "Max address space         1073741824" in limits
    assert "Max core file size        0" in limits
    assert "Max file size             0" in limits
    assert "Max open files            0" in limits
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    assert "CapEff:\t0000000000000000" in status
    assert {name.split(":")[1] for name in descriptors if name.startswith("/memfd:")} == {
        "media (deleted)",
        "frames (deleted)",
    }
    assert len(descriptors) == 5
