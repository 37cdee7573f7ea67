"""Threads that run a model's forward passes side by side, each pass on one core."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


class EncoderThreads:
    """A few threads in which PyTorch uses no further threads.

    Elsewhere in the process it does as before.

    Beside decoding workers, a pass that is split over all cores waits for its slowest part, and
    burns the others' time as it waits: several passes, each on one core, lose nothing. What a pass
    gives then depends on no number of cores.

    Args:
        num_threads: passes at the same time.
    """

    def __init__(self, num_threads: int) -> None:
        self.num_threads = num_threads
        self._start()

    def _start(self) -> None:
        self._process_id = os.getpid()
        self._executor = ThreadPoolExecutor(self.num_threads, "encode", initializer=_use_one_core)

    def submit(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> "Future[R]":
        """Run something on one of the threads."""
        if os.getpid() != self._process_id:
            self._start()  # no thread lives on in a fork
        return self._executor.submit(work, *args, **kwargs)

    def close(self) -> None:
        """End the threads, once they have done what was submitted."""
        self._executor.shutdown()


_starting = threading.Lock()


def _use_one_core() -> None:
    with _starting:
        # Asking first makes PyTorch set this thread up; else it would later set it to the number of
        # all others.
        others = torch.get_num_threads()
        torch.set_num_threads(1)
        _in_a_thread_of_its_own(torch.set_num_threads, others)


def _in_a_thread_of_its_own(work: Callable[..., Any], *args: Any) -> None:
    """The number that new threads start with is set along with that of the thread that sets it."""
    thread = threading.Thread(target=work, args=args)
    thread.start()
    thread.join()
