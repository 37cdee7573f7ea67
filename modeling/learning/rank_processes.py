"""The processes that train one model together: started, watched, and ended together."""

# ruff: noqa: S301 - what is unpickled comes from our own processes, through pipes

import os
import pickle
import signal
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import distributed

from modeling.learning.ranks import Rank
from modeling.learning.training_runtime import Progress, Runtime
from warehouse.errors import Invalid, ReelstoreError, Retryable

_Result = TypeVar("_Result")

_LONGEST_WAIT = timedelta(minutes=30)
"""For the slowest rank, which may be evaluating; none waits for one that has ended."""
_LOOPBACK = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
_SECONDS_TO_END = 2.0


def on_every_device(
    work: Callable[..., _Result], arguments: tuple[Any, ...], runtime: Runtime
) -> _Result:
    """Do a training's work here, or in a process for each device where there are several.

    Args:
        work: Takes the arguments and a `Runtime`; of several processes, each has its own rank.
        arguments: What a process takes along when it is started.
        runtime: How the training computes.

    Returns:
        What the work gives; of several processes, the first one's.

    Raises:
        Invalid: There are fewer devices, or the work says so.
        Retryable: A process has been ended from outside; the others were ended then.
    """
    if runtime.num_devices == 1:
        return work(*arguments, runtime)
    _check_devices(runtime)
    with tempfile.TemporaryDirectory() as folder:
        silent = Runtime(
            runtime.checkpoints, device=runtime.device, num_devices=runtime.num_devices
        )
        task = _Task(work, arguments, silent, f"{folder}/rendezvous")
        with _started(task) as ranks:
            result: _Result = _result_of(ranks, runtime.report)
            return result


def _check_devices(runtime: Runtime) -> None:
    if runtime.device.type == "cuda" and runtime.num_devices > torch.cuda.device_count():
        raise Invalid(
            f"training_devices is {runtime.num_devices}, and there are {torch.cuda.device_count()}"
            " GPUs here; lower it"
        )


@dataclass(frozen=True)
class _Task:
    """What every rank is told."""

    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    runtime: Runtime
    rendezvous: str
    """A file in which the ranks find each other."""


class _Parcel:
    """A task whose open files go along when a process is started, and whose bytes are sent then.

    Whoever starts a process waits for ever for one that dies before it has read what comes along.
    """

    def __init__(self, task: _Task) -> None:
        self._task, self.payload = task, b""

    def __getstate__(self) -> dict[str, object]:
        # Tensors go as bytes: torch would share memory, of which a container has little.
        self.payload = pickle.dumps(self._task)
        return {}


@dataclass(frozen=True)
class _Started:
    process: SpawnProcess
    connection: Connection


@dataclass(frozen=True)
class _Ended:
    """The last message of a rank."""

    result: Any = None
    failure: str | None = None
    """A traceback."""


@contextmanager
def _started(task: _Task) -> Iterator[list[_Started]]:
    context, size = get_context("spawn"), task.runtime.num_devices
    num_threads = max(1, torch.get_num_threads() // size)
    ranks: list[_Started] = []
    try:
        for number in range(size):
            ours, theirs = context.Pipe()
            parcel = _Parcel(task)
            process = context.Process(
                target=_run,
                args=(parcel, Rank(number, size), num_threads, theirs),
                name=f"rank {number}",
                daemon=True,
            )
            process.start()
            theirs.close()
            ranks.append(_Started(process, ours))
            with suppress(OSError):  # it has ended, as whoever receives from it will see
                ours.send_bytes(parcel.payload)
        yield ranks
        for rank in ranks:
            rank.process.join(_SECONDS_TO_END)
    finally:
        for rank in ranks:
            rank.process.kill()
            rank.process.join()
            rank.connection.close()


def _result_of(ranks: list[_Started], report: Callable[[Progress], None]) -> Any:
    """Hear all ranks until each has ended; returns what the first one gives."""
    waiting: dict[Any, int] = {rank.connection: place for place, rank in enumerate(ranks)}
    results: dict[int, Any] = {}
    while waiting:
        for speaking in connection.wait(list(waiting)):
            message = _receive(speaking, ranks)
            if isinstance(message, Progress):
                report(message)
            else:
                results[waiting.pop(speaking)] = message.result
    return results[0]


def _receive(speaking: Any, ranks: list[_Started]) -> Any:
    """Take a message of a rank.

    Raises:
        ReelstoreError: It says what is wrong.
        Retryable: A process was ended from outside.
        RuntimeError: A rank has failed.
    """
    try:
        message = pickle.loads(speaking.recv_bytes())
    except (EOFError, OSError):
        message = _Ended(failure="a process of the training has ended and said nothing")
    if isinstance(message, ReelstoreError):
        raise message
    if isinstance(message, _Ended) and message.failure:
        # A rank fails too when another has ended: that one is to be named.
        ended = connection.wait([rank.process.sentinel for rank in ranks], _SECONDS_TO_END)
        for place, rank in enumerate(ranks):
            if rank.process.sentinel in ended:
                rank.process.join()
            code = rank.process.exitcode
            if code is not None and code < 0:
                raise Retryable(
                    f"process {place} of the {len(ranks)} that train together was ended by"
                    f" {signal.Signals(-code).name}, so the others were ended too: see whether it"
                    " had too little memory, and run again to go on from the last checkpoint"
                )
        raise RuntimeError(message.failure)
    return message


def _run(_: _Parcel, rank: Rank, num_threads: int, parent: Connection) -> None:
    """Be one of the ranks, in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the parent that ends its ranks
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def tell(message: object) -> None:
        parent.send_bytes(pickle.dumps(message))

    try:
        result = _work(pickle.loads(parent.recv_bytes()), rank, num_threads, tell)
        tell(_Ended(result if rank.leads else None))
    except ReelstoreError as error:
        tell(error)
    except Exception:  # noqa: BLE001 - the parent raises it
        tell(_Ended(failure=traceback.format_exc()))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(task: _Task, rank: Rank, num_threads: int, tell: Callable[[object], None]) -> Any:
    device, runtime = task.runtime.device, task.runtime
    backend = "gloo"
    if device.type == "cuda":
        device, backend = torch.device("cuda", rank.number), "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(device)
    else:
        torch.set_num_threads(num_threads)
    os.environ.update(_LOOPBACK)
    distributed.init_process_group(
        backend,
        init_method=Path(task.rendezvous).as_uri(),
        rank=rank.number,
        world_size=rank.size,
        timeout=_LONGEST_WAIT,
    )
    try:
        return task.work(*task.arguments, replace(runtime, device=device, rank=rank, report=tell))
    finally:
        distributed.destroy_process_group()
