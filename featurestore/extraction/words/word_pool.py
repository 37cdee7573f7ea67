"""Processes that cut text into words, each with the dictionary in its memory.

The rows are the same whatever the number of processes: batches are of a fixed size, and come back
in order.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self, TypeVar

import polars as pl

from featurestore.extraction.words.fields import read_fields
from featurestore.extraction.words.segmentation import segment
from featurestore.extraction.words.text import COLUMNS, TextExtractor, TextRecipe
from featurestore.extraction.words.tfidf import TermCounts, count_terms
from featurestore.views.text.tokens import Tokens
from warehouse.errors import Retryable

EXTRACTED_BATCH = 32
"""Videos that a process extracts at a time; a chunk has work for many."""
COUNTED_BATCH = 256
_AHEAD = 3
"""Batches in hand for each process."""

R = TypeVar("R")

_extractors: list[TextExtractor] = []
"""In a process of a pool with a recipe: the one extractor that `_begin` made of it."""


class WordPool:
    """Extracts and counts text in processes of its own; a context manager.

    Processes start with the first work. They are spawned: forks of a process that holds torch and
    its threads may hang.

    Args:
        num_workers: Processes that work at the same time; each takes about 250 MiB.
        recipe: What token rows are made with; None where terms are only counted.
    """

    def __init__(self, num_workers: int, recipe: TextRecipe | None = None) -> None:
        self._num_workers, self._recipe = num_workers, recipe
        self._context = get_context("spawn")
        self._workers_end, self._own_end = self._context.Pipe(duplex=False)
        self._executor = self._make_executor()
        self._replacing = threading.Lock()

    def __enter__(self) -> Self:
        """Return the pool itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End all processes, whatever they are doing."""
        self._own_end.close()
        self._executor.shutdown(cancel_futures=True)
        self._workers_end.close()

    def extract(self, videos: pl.DataFrame) -> pl.DataFrame:
        """Tokenise videos by the pool's recipe.

        Args:
            videos: `featurestore.extraction.words.text.COLUMNS`.

        Returns:
            Rows as of `TextExtractor.extract`.

        Raises:
            Retryable: A process could not be started, or ended at its work.
        """
        batches = videos.select(COLUMNS).iter_slices(EXTRACTED_BATCH)
        rows = self._in_order(_extract, batches)
        return pl.concat([Tokens.create_empty(), *rows], rechunk=True)

    def count_terms(self, videos: Iterable[pl.DataFrame]) -> Iterator[TermCounts]:
        """Count the terms of videos, a few batches ahead of the one that is asked for.

        Args:
            videos: Tables of `title`, `ocr` and `asr`, however long.

        Returns:
            The counts of each batch, in order.

        Raises:
            Retryable: A process could not be started, or ended at its work.
        """
        texts = (table.select("title", "ocr", "asr") for table in videos)
        batches = (batch for table in texts for batch in table.iter_slices(COUNTED_BATCH))
        return self._in_order(_count, batches)

    def _in_order(
        self, work: Callable[[pl.DataFrame], R], batches: Iterable[pl.DataFrame]
    ) -> Iterator[R]:
        executor = self._executor
        pending: deque[Future[R]] = deque()
        try:
            for batch in batches:
                pending.append(_submit(executor, work, batch))
                if len(pending) >= _AHEAD * self._num_workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool as error:
            self._replace(executor)
            raise Retryable(
                "a process that cuts text into words ended at its work;"
                " free some memory and run again"
            ) from error

    def _make_executor(self) -> ProcessPoolExecutor:
        arguments = (self._workers_end, self._recipe)
        return ProcessPoolExecutor(self._num_workers, self._context, _begin, arguments)

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        """Let the work that comes next have other processes."""
        with self._replacing:
            if self._executor is broken:
                self._executor = self._make_executor()


def _submit(
    executor: ProcessPoolExecutor, work: Callable[[pl.DataFrame], R], batch: pl.DataFrame
) -> Future[R]:
    try:
        return executor.submit(work, batch)
    except OSError as error:
        raise Retryable(
            f"a process that cuts text into words did not start: {error};"
            " free some memory and run again"
        ) from error


def _begin(workers_end: Connection, recipe: TextRecipe | None) -> None:
    """Make a new process ready for work.

    Args:
        workers_end: Of the pipe whose other end closes with the pool.
        recipe: As of `WordPool`.
    """
    # Ctrl-C reaches the whole process group; the pool's process decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_pool, args=(workers_end,), daemon=True).start()
    # The other cores have processes of their own.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    segment("词")
    if recipe is not None:
        _extractors.append(TextExtractor(recipe))


def _end_with_pool(workers_end: Connection) -> None:
    """End this process once the pool is closed, or the pool's process is gone, however it went."""
    workers_end.poll(None)
    os._exit(0)


def _extract(videos: pl.DataFrame) -> pl.DataFrame:
    return _extractors[0].extract(videos)


def _count(videos: pl.DataFrame) -> TermCounts:
    return count_terms(read_fields(*row) for row in videos.iter_rows())
