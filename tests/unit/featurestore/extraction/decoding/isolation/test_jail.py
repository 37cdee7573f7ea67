import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.isolation.jail import MEMORY_BYTES, Layer
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.decoding.sandbox import DecodePool
from warehouse.errors import Invalid

ATTEMPTS = """
import ctypes, encodings.idna, json, mmap, os, socket, subprocess, sys, threading, time
from pathlib import Path
from featurestore.extraction.decoding.isolation import jail

folder, port, outsider = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
libc = ctypes.CDLL(None, use_errno=True)
made = socket.socket()

process_vm_readv = 310 if os.uname().machine == "x86_64" else 270

def call(number, *words):
    longs = [ctypes.c_long(word) if isinstance(word, int) else word for word in words]
    if libc.syscall(number, *longs) < 0:
        raise OSError(ctypes.get_errno(), "")

def fork():
    if not os.fork():
        os._exit(0)

def execute():
    child = os.fork()
    if not child:
        try:
            os.execv("/bin/true", ["true"])
        finally:
            os._exit(1)
    if os.waitpid(child, 0)[1]:
        raise OSError

ATTEMPTS = {
    "read a file": lambda: (folder / "canary").read_bytes(),
    "make a file": lambda: (folder / "new").write_bytes(b""),
    "remove a file": (folder / "doomed").unlink,
    "make a memory file": lambda: os.memfd_create("hidden"),
    "open a socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "open a pair of sockets": socket.socketpair,
    "connect": lambda: made.connect(("127.0.0.1", port)),
    "set up io_uring": lambda: call(425, 4, ctypes.create_string_buffer(120)),
    "fork": fork,
    "run a program": execute,
    "start a thread": lambda: threading.Thread(target=int).start(),
    "signal others": lambda: os.kill(outsider, 0),
    "read another's memory": lambda: call(process_vm_readv, outsider, None, 0, None, 0, 0),
    "map memory to execute": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    "take much memory": lambda: bytearray(jail.MEMORY_BYTES),
    "wait": lambda: time.sleep(0.001),
    "take little memory": lambda: bytearray(2**26),
}
held = jail.lock([jail.Layer(name) for name in sys.argv[4:]])
denied = []
for name, attempt in ATTEMPTS.items():
    try:
        attempt()
    except (OSError, RuntimeError, MemoryError):
        denied.append(name)
print(json.dumps([held, denied]))
"""

FILES = {"read a file", "make a file", "remove a file"}
DENIED: dict[Layer, set[str]] = {
    Layer.NO_NEW_PRIVS: set(),
    Layer.NO_CAPABILITIES: set(),
    Layer.LANDLOCK_FILES: FILES | {"run a program"},
    Layer.LANDLOCK_TCP: {"connect"},
    Layer.LANDLOCK_SCOPES: {"signal others"},
    Layer.LIMITS: {
        *(
            "read a file",
            "make a file",
            "make a memory file",
            "open a socket",
            "open a pair of sockets",
        ),
        *("set up io_uring", "run a program", "take much memory"),
    },
    Layer.SECCOMP: {
        *(
            *FILES,
            "make a memory file",
            "open a socket",
            "open a pair of sockets",
            "connect",
            "set up io_uring",
        ),
        *("fork", "run a program", "start a thread", "signal others", "read another's memory"),
        *("map memory to execute",),
    },
}


Attempt = Callable[[Iterable[Layer]], tuple[list[str], set[str]]]


@pytest.fixture(scope="module")
def attempt(tmp_path_factory: pytest.TempPathFactory) -> Attempt:
    """Lock a fresh process and have it try everything.

    The layers that held, and what was denied.
    """
    folder = tmp_path_factory.mktemp("attempts")

    def run(layers: Iterable[Layer]) -> tuple[list[str], set[str]]:
        for name in ("canary", "doomed"):
            (folder / name).write_bytes(b"x")
        outsider = subprocess.Popen(["sleep", "100"])
        try:
            with socket.create_server(("127.0.0.1", 0)) as server:
                arguments = [str(folder), str(server.getsockname()[1]), str(outsider.pid), *layers]
                done = subprocess.run(
                    [sys.executable, "-c", ATTEMPTS, *arguments],
                    env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
                    capture_output=True,
                    text=True,
                    check=False,
                )
        finally:
            outsider.kill()
            outsider.wait()
        assert done.stdout, done.stderr
        held, denied = json.loads(done.stdout.splitlines()[-1])
        return held, set(denied)

    return run


@pytest.fixture(scope="module")
def always_denied(attempt: Attempt) -> set[str]:
    """What this machine denies a free process: some containers have no io_uring."""
    held, denied = attempt([])
    assert held == []
    assert denied <= {"set up io_uring"}
    return denied


@pytest.mark.parametrize("layer", Layer)
def test_each_layer_denies_alone_what_it_is_for(
    layer: Layer, attempt: Attempt, always_denied: set[str]
) -> None:
    held, denied = attempt({Layer.NO_NEW_PRIVS, layer})
    if layer not in held:
        assert not layer.required
        pytest.skip(f"this kernel has no {layer}")
    assert denied == DENIED[layer] | always_denied


def test_the_whole_jail_denies_all_but_waiting_and_a_little_memory(attempt: Attempt) -> None:
    held, denied = attempt(Layer)
    assert {layer for layer in Layer if layer.required} <= set(held)
    assert denied == set().union(*DENIED.values())


def test_a_process_with_several_threads_is_not_locked() -> None:
    program = (
        "import threading, time; from featurestore.extraction.decoding.isolation import jail\n"
        "threading.Thread(target=time.sleep, args=[5], daemon=True).start(); jail.lock()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "several threads" in done.stderr


LACKING = """
import sys
from featurestore.extraction.decoding import decode_worker
from featurestore.extraction.decoding.isolation import jail
for layer in {layers}:
    jail._STEPS[jail.Layer(layer)] = lambda: False
decode_worker.main()
"""


@pytest.fixture
def lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have workers run as on a kernel without some layers."""

    def patch(*layers: Layer) -> None:
        (tmp_path / "lacking_worker.py").write_text(
            LACKING.format(layers=[str(layer) for layer in layers])
        )
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr("featurestore.extraction.decoding.sandbox.PROGRAM", "lacking_worker")

    return patch


def test_a_kernel_without_a_layer_stops_the_run_with_a_sentence(
    lacking: Callable[..., None], put: Callable[[bytes], MediaItem], whole: Framing
) -> None:
    lacking(Layer.LANDLOCK_FILES, Layer.SECCOMP)
    with DecodePool(whole, 2) as pool, pytest.raises(Invalid) as stopped:
        list(pool.run([put(b"text")] * 9))
    assert "landlock_files, seccomp missing" in str(stopped.value)
    assert 'allow_missing_jail_layers = ["landlock_files", "seccomp"]' in str(stopped.value)


def test_a_setting_lets_workers_decode_without_a_layer_and_the_pool_says_so(
    lacking: Callable[..., None],
    make_clip: Callable[..., bytes],
    put: Callable[[bytes], MediaItem],
    whole: Framing,
) -> None:
    lacking(Layer.SECCOMP, Layer.LANDLOCK_TCP)
    with DecodePool(whole, 2, allow_missing_layers=[Layer.SECCOMP]) as pool:
        assert pool.jail == {}
        assert all(
            isinstance(outcome, DecodedFrames) for outcome in pool.run([put(make_clip(9))] * 5)
        )
        jail = pool.jail
    assert list(jail) == [str(layer) for layer in Layer]
    assert not jail["seccomp"]
    assert not jail["landlock_tcp"]
    assert jail["landlock_files"]
    assert jail["limits"]


IMPORTS = """
import io, json, os, sys
from featurestore.extraction.decoding.decode_worker import _DECODERS, Framing
late = []
def hook(event, words):
    if event in ("import", "open"):
        late.append(words[0])
sys.addaudithook(hook)
for line in sys.stdin:
    kind, payload = line.split()
    try:
        _DECODERS[kind](io.BytesIO(bytes.fromhex(payload)), Framing(8, 32, 32, "bicubic"))
    except Exception as error:
        late += [] if hasattr(error, "reason") else [repr(error)]
print(json.dumps([str(name) for name in late]))
"""


def test_nothing_is_imported_or_opened_once_decoding_begins(
    make_clip: Callable[..., bytes], hard_pictures: dict[str, bytes]
) -> None:
    clips = [
        make_clip(9, container=container) for container in ("mp4", "matroska", "avi", "mpegts")
    ]
    title = "短视频标题".encode("gbk")
    clips.append(
        make_clip(9, metadata={"title": "T" * len(title)}).replace(b"T" * len(title), title)
    )
    clips.append(make_clip(9, codec="ffv1", container="matroska"))
    lines = [
        f"video {payload.hex()}"
        for payload in (*clips, b"#EXTM3U\n", clips[0][: len(clips[0]) // 2])
    ]
    lines += [f"frames_zip {payload.hex()}" for payload in (*hard_pictures.values(), b"no zip")]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    assert json.loads(done.stdout) == []


def test_a_machine_that_the_filter_does_not_know_has_no_filter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from featurestore.extraction.decoding.isolation import (  # noqa: PLC0415 - patched here
        syscall_filter,
    )

    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert not syscall_filter.install()
    assert MEMORY_BYTES == 2**30
