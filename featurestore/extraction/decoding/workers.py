"""Persistent worker processes.

Fresh interpreters, each in a seat where another takes its place when it ends.

Workers end with the parent: the kernel kills them when the thread that started them ends, and they
end when their stdin does.
"""

import os
import queue
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar, cast

from warehouse.errors import Retryable
from warehouse.printable import printable

_PIPE_BYTES, _LAST_WORDS_BYTES = 2**16, 4096
_SIGNALS = {each.value: each.name for each in signal.Signals}
"""Without most of the real-time signals, which have no name."""


class Seat:
    """A worker, and another after it where it ends."""

    def __init__(self) -> None:
        self._worker: subprocess.Popen[bytes] | None = None
        self._stderr_fd = -1
        self._interrupted = False

    def interrupt(self) -> None:
        """End the worker from another thread; the one that waits for it finds it dead."""
        self._interrupted = True
        worker = self._worker
        if worker is not None:
            worker.kill()

    def kill(self) -> None:
        """End the worker; another starts with the next work."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
            worker.communicate()
            os.close(self._stderr_fd)

    def close(self) -> None:
        """End the worker for good."""
        self.kill()

    def _launch(
        self,
        program: str,
        *arguments: object,
        environment: Mapping[str, str],
        pass_fds: Sequence[int] = (),
    ) -> "subprocess.Popen[bytes]":
        """Start a program of ours as the worker: this process's id is its first argument.

        Raises:
            Retryable: the machine starts no process now.
        """
        # What a worker says beyond the room of a pipe is lost, and never waited for.
        self._stderr_fd, stderr = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self._worker = subprocess.Popen(
                [sys.executable, "-P", "-s", "-m", program, *map(str, (os.getpid(), *arguments))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                pass_fds=pass_fds,
                env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,
            )
        except OSError as error:
            os.close(self._stderr_fd)
            raise Retryable(
                f"a worker did not start: {error}; free some memory and run again"
            ) from error
        finally:
            os.close(stderr)
        return self._worker

    def _ending(self) -> str:
        """How the worker that is still seated ended; the same for the same death."""
        try:
            code = cast("subprocess.Popen[bytes]", self._worker).wait(timeout=1)
        except subprocess.TimeoutExpired:
            return "its answer made no sense"
        return _SIGNALS.get(-code, f"signal {-code}") if code < 0 else f"exit status {code}"

    def _ending_in_full(self, ending: str | None = None) -> str:
        """How it ended, and its last words, which may name addresses or times; printable."""
        ending = ending or self._ending()
        try:
            last_words = os.read(self._stderr_fd, _PIPE_BYTES)[-_LAST_WORDS_BYTES:].decode(
                errors="replace"
            )
        except BlockingIOError:
            last_words = ""
        return printable(" ".join([ending, *last_words.split()]), _LAST_WORDS_BYTES)


S = TypeVar("S", bound=Seat)
T = TypeVar("T")
R = TypeVar("R")


class WorkerPool(Generic[S]):
    """Workers that work at the same time.

    A context manager, whose workers start when there is work.

    Args:
        seats: one for each worker.
        ahead: pieces of work in hand for each worker, so that a slow one doesn't stop the others.
    """

    def __init__(self, seats: Sequence[S], ahead: int) -> None:
        self._seats, self._ahead = seats, ahead
        # The seat left last is taken first: little work starts few workers.
        self._free: queue.LifoQueue[S] = queue.LifoQueue()
        for seat in seats:
            self._free.put(seat)
        # Threads that outlive every worker: the kernel kills a worker when the thread that started
        # it ends.
        self._threads = ThreadPoolExecutor(len(seats), thread_name_prefix="worker")

    def __enter__(self) -> Self:
        """Return the pool itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End all workers, whatever they are doing."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for seat in self._seats:
            seat.interrupt()
        self._threads.shutdown()
        for seat in self._seats:
            seat.close()

    def _in_order(self, work: Callable[[S, T], R], things: Iterable[T]) -> Iterator[R]:
        """Do work for each thing, a few ahead of the one that is asked for."""
        pending: deque[Future[R]] = deque()
        for thing in things:
            pending.append(self._threads.submit(self._seated, work, thing))
            if len(pending) >= self._ahead * len(self._seats):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def _seated(self, work: Callable[[S, T], R], thing: T) -> R:
        seat = self._free.get()
        try:
            return work(seat, thing)
        finally:
            self._free.put(seat)
