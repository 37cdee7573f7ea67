"""Word workers: persistent fresh interpreters that cut text into words, each with the dictionary in its memory.

The rows are the same whatever the number of workers: batches are of a fixed size, and come back in order. Workers end
with the parent: the kernel kills them when the thread that started them ends, and so do they when their stdin ends.
"""

import functools
import json
import os
import queue
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, Self, cast

import polars as pl

from featurestore.extract.text import COLUMNS, TextRecipe
from featurestore.extract.tfidf import TermCounts
from featurestore.extract.word_worker import KEPT_RECIPES, pack, pack_recipe, receive, send, unpack
from featurestore.spec import fingerprint
from featurestore.tokens import Tokens
from warehouse.errors import Retryable

PROGRAM = "featurestore.extract.word_worker"
EXTRACTED_BATCH = 32
"""Videos that a worker extracts at a time; a chunk has work for many."""
COUNTED_BATCH = 256
_THREADS = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_ENVIRONMENT = dict.fromkeys(_THREADS, "1")
"""All that a worker is told: it has one core, the others have theirs."""
_AHEAD = 2
"""Batches in hand for each worker."""
_STDERR_BYTES = 4096


class WordPool:
    """Extracts and counts text in `num_workers` processes; a context manager.

    Args:
        num_workers: processes that work at the same time; each takes about 200 MiB.
    """

    def __init__(self, num_workers: int) -> None:
        self._num_workers = num_workers
        self._seats = [_Seat() for _ in range(num_workers)]
        self._free: queue.LifoQueue[_Seat] = queue.LifoQueue()
        # The seat left last is taken first: little work starts few workers.
        for seat in self._seats:
            self._free.put(seat)
        # Threads that outlive every worker: the kernel kills a worker when the thread that started it ends.
        self._threads = ThreadPoolExecutor(num_workers, thread_name_prefix="words")

    def __enter__(self) -> Self:
        """Return the pool itself; workers start when there is work."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End all workers, whatever they are doing."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for seat in self._seats:
            seat.interrupt()
        self._threads.shutdown()
        for seat in self._seats:
            seat.close()

    def extract(self, recipe: TextRecipe, videos: pl.DataFrame) -> pl.DataFrame:
        """Tokenise videos.

        Args:
            recipe: what to make token rows with.
            videos: `featurestore.extract.text.COLUMNS`.

        Returns:
            Rows as of `TextExtractor.extract`.

        Raises:
            Retryable: workers cannot be started, or end at their work.
        """
        batches = videos.select(COLUMNS).iter_slices(EXTRACTED_BATCH)
        answers = self._run("extract", batches, recipe)
        return pl.concat([pl.DataFrame(schema=Tokens.create_empty().schema), *map(unpack, answers)], rechunk=True)

    def count_terms(self, videos: Iterable[pl.DataFrame]) -> Iterator[TermCounts]:
        """Count the terms of videos, a few batches ahead of the one that is asked for.

        Args:
            videos: tables of `title`, `ocr` and `asr`, however long.

        Yields:
            The counts of each batch, in order.

        Raises:
            Retryable: workers cannot be started, or end at their work.
        """
        columns = [name for name in COLUMNS if name != "video_id"]
        batches = (batch for table in videos for batch in table.select(columns).iter_slices(COUNTED_BATCH))
        for answer in self._run("count", batches):
            yield TermCounts(*json.loads(answer))

    def _run(self, task: str, batches: Iterable[pl.DataFrame], recipe: TextRecipe | None = None) -> Iterator[bytes]:
        pending: deque[Future[bytes]] = deque()
        for batch in batches:
            pending.append(self._threads.submit(self._ask, task, pack(batch), recipe))
            if len(pending) > _AHEAD * self._num_workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def _ask(self, task: str, payload: bytes, recipe: TextRecipe | None) -> bytes:
        seat = self._free.get()
        try:
            return seat.ask(task, payload, recipe)
        finally:
            self._free.put(seat)


class _Seat:
    """A worker, and another after it where it ends."""

    def __init__(self) -> None:
        self._stderr_fd = os.memfd_create("stderr")
        self._worker: subprocess.Popen[bytes] | None = None
        self._loaded: list[str] = []
        self._interrupted = False

    def ask(self, task: str, payload: bytes, recipe: TextRecipe | None) -> bytes:
        """Have the worker do a task; one that ends at it is replaced once.

        Raises:
            Retryable: no worker can be started, or a second one ended too.
        """
        try:
            return self._try(task, payload, recipe)
        except (BrokenPipeError, EOFError):
            if self._interrupted:
                raise
            self.kill()
        try:
            return self._try(task, payload, recipe)
        except (BrokenPipeError, EOFError) as error:
            ending = self._ending()
            self.kill()
            raise Retryable(f"a word worker ended at its work ({ending}); free some memory and run again") from error

    def interrupt(self) -> None:
        """End the worker from another thread; the one that waits for it finds it dead."""
        self._interrupted = True
        worker = self._worker
        if worker is not None:
            worker.kill()

    def kill(self) -> None:
        """End the worker; another starts with the next task."""
        worker, self._worker = self._worker, None
        self._loaded.clear()
        if worker is not None:
            worker.kill()
            worker.communicate()

    def close(self) -> None:
        """End the worker for good."""
        self.kill()
        os.close(self._stderr_fd)

    def _try(self, task: str, payload: bytes, recipe: TextRecipe | None) -> bytes:
        worker = self._worker or self._start()
        name = "" if recipe is None else fingerprint(recipe.spec)
        if recipe is not None and name not in self._loaded:
            if len(self._loaded) == KEPT_RECIPES:
                _exchange(worker, "forget", self._loaded.pop(0), b"")
            _exchange(worker, "load", name, pack_recipe(recipe))
            self._loaded.append(name)
        return _exchange(worker, task, name, payload)

    def _start(self) -> "subprocess.Popen[bytes]":
        os.ftruncate(self._stderr_fd, 0)
        os.lseek(self._stderr_fd, 0, os.SEEK_SET)
        self._worker = worker = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", PROGRAM, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr_fd,
            env=_ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        if receive(cast("BinaryIO", worker.stdout)) is None:
            ending = self._ending()
            self.kill()
            raise Retryable(f"a word worker did not start ({ending}); free some memory and run again")
        return worker

    def _ending(self) -> str:
        """How the worker ended, and its last words."""
        worker = cast("subprocess.Popen[bytes]", self._worker)
        try:
            code = worker.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return "its answer made no sense"
        last_words = os.pread(self._stderr_fd, os.fstat(self._stderr_fd).st_size, 0)[-_STDERR_BYTES:]
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return f"{how} {' '.join(last_words.decode(errors='replace').split())}".strip()


@functools.cache
def shared_pool(num_workers: int) -> WordPool:
    """The pool that all work of this process shares, and that ends with it."""
    return WordPool(num_workers)


def _exchange(worker: "subprocess.Popen[bytes]", task: str, recipe: str, payload: bytes) -> bytes:
    """Send a task and wait for its answer.

    Raises:
        BrokenPipeError, EOFError: the worker has ended.
    """
    send(cast("BinaryIO", worker.stdin), task, recipe, payload)
    answer = receive(cast("BinaryIO", worker.stdout))
    if answer is None:
        raise EOFError(task)
    return answer[-1]
