"""A warm parent: it has torch and a tiny encoder in memory, and forks the children that are killed.

It starts no thread pool of its own (polars is first used in a child), as no thread lives on in a
fork.
"""

import functools
import gc
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from featurestore.extraction.encoding.frame_encoder import load_encoder, make_frame_spec
from flows.demo.encoder import shipped_encoder
from tests.fault import job
from tests.fault.steps import Watch, changes, watching
from warehouse import commits
from warehouse.commits import Address

Begin = Callable[[], object]

_ROOT = Path(__file__).parents[2]
_write = os.write


class Parent:
    """The other side of a warm parent, in the test's process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, **request: Any) -> dict[str, Any]:
        """Have one child forked: `root` and, to be killed, `step` or `seconds`.

        Or `resumed`, a list of stores.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        reply: dict[str, Any] = json.loads(self._process.stdout.readline())
        return reply


@contextmanager
def warm_parent(program: str = "tests.fault.warm") -> Iterator[Parent]:
    """Start a warm parent, a program that serves, and end it."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
    environment = {
        **os.environ,
        **one,
        "PYTHONPATH": str(_ROOT),
        "REELSTORE_GIT_REVISION": "0" * 40,
    }
    with subprocess.Popen(
        [sys.executable, "-m", program],
        cwd=_ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Parent(process)
        process.communicate()


class Killer(Watch):
    """Ends its own process by SIGKILL at one step.

    Before it, half-way through a write, or after a transaction.
    """

    def __init__(self, step: int | None) -> None:
        self.steps: list[str] = []
        self._fatal = step

    def before(self, step: str, *arguments: Any, **_: Any) -> None:
        if step == "statement" or not changes(step, arguments):
            return
        self._count(f"before {step}")
        if step == "write":
            self._count(
                "half-way through write",
                lambda: _write(arguments[0], arguments[1][: len(arguments[1]) // 2]),
            )

    def after(self, step: str, result: Any, *_: Any, **__: Any) -> None:  # noqa: ARG002 - the name is the base's
        if step in ("begin", "commit"):
            self._count(f"after {step}")

    def _count(self, name: str, last_deed: Callable[[], object] = lambda: None) -> None:
        if len(self.steps) == self._fatal:
            last_deed()
            os.kill(os.getpid(), signal.SIGKILL)
        self.steps.append(name)


def serve(work: Callable[[dict[str, Any], Begin], Any]) -> None:
    """Fork a child for each request, which says when its work begins.

    `seconds` after that it is killed.
    """
    for line in sys.stdin:
        request = json.loads(line)
        reply = _forked(functools.partial(work, request), request.get("seconds"))
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


def _serve_commits() -> None:
    torch.set_num_threads(1)
    weights, card = shipped_encoder()
    encoder = load_encoder(make_frame_spec(card.encoder, card.encoder_kwargs, weights), weights)
    warm_up(encoder.encode)
    serve(functools.partial(_answer, encoder.encode))


def _answer(encode: job.Encode, request: dict[str, Any], begin: Begin) -> Any:
    begin()
    if "resumed" in request:
        return _resume(request["resumed"], encode)
    return _run(Path(request["root"]), request.get("step"), encode)


def warm_up(encode: job.Encode) -> None:
    """Have all in memory that children need, by an encoding and a commit in a folder."""
    encode(np.zeros((2, job.SIDE, job.SIDE, 3), np.uint8))
    with tempfile.TemporaryDirectory() as folder, job.opened(Path(folder) / "store") as store:
        commits.publish_files(
            store,
            Address("tables/warm"),
            {"a": b"a"},
            commits.Draft(facts=commits.Facts(), num_rows=0),
            job.NOW,
        )
    gc.collect()
    gc.freeze()


def _run(root: Path, step: int | None, encode: job.Encode) -> list[str]:
    killer = Killer(step)
    with watching(killer):
        job.run(root, encode)
    return killer.steps


def _resume(roots: Sequence[str], encode: job.Encode) -> list[tuple[int, str]]:
    return [_resume_one(Path(root), encode) for root in roots]


def _resume_one(root: Path, encode: job.Encode) -> tuple[int, str]:
    with job.opened(root) as store:
        num_verified = job.verify(store)
    job.run(root, encode)
    return num_verified, job.fingerprint_of(root)


def _forked(work: Callable[[Begin], Any], seconds: float | None = None) -> dict[str, Any]:
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiving)
        try:
            answer = {"answer": work(lambda: os.write(sending, b" "))}
        except BaseException:  # noqa: BLE001 - told to the test
            answer = {"error": traceback.format_exc()}
        with os.fdopen(sending, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(sending)
    begun = os.read(receiving, 1).decode()
    started = time.monotonic()
    if seconds is not None and not select.select([receiving], [], [], seconds)[0]:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(receiving) as pipe:
        text = begun + pipe.read()
    _, status = os.waitpid(child, 0)
    killed = os.WTERMSIG(status) == signal.SIGKILL
    return {
        "killed": killed,
        "seconds": time.monotonic() - started,
        **({} if killed else json.loads(text)),
    }


if __name__ == "__main__":
    _serve_commits()
