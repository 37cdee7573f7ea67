"""Word workers: persistent fresh interpreters that cut text into words.

Each with the dictionary in its memory.

The rows are the same whatever the number of workers: batches are of a fixed size, and come back in
order.
"""

import json
import subprocess
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

import polars as pl

from featurestore.extraction.decoding.workers import Seat, WorkerPool
from featurestore.extraction.words.text import COLUMNS, TextRecipe
from featurestore.extraction.words.tfidf import TermCounts
from featurestore.extraction.words.word_worker import (
    KEPT_RECIPES,
    pack,
    pack_recipe,
    receive,
    send,
    unpack,
)
from featurestore.views.spec import fingerprint
from featurestore.views.text.tokens import Tokens
from warehouse.errors import Retryable

PROGRAM = "featurestore.extraction.words.word_worker"
EXTRACTED_BATCH = 32
"""Videos that a worker extracts at a time; a chunk has work for many."""
COUNTED_BATCH = 256
_THREADS = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_ENVIRONMENT = dict.fromkeys(_THREADS, "1")
"""All that a worker is told: it has one core, the others have theirs."""
_AHEAD = 3
"""Batches in hand for each worker."""


class WordPool(WorkerPool["_Seat"]):
    """Extracts and counts text in `num_workers` processes; a context manager.

    Args:
        num_workers: processes that work at the same time; each takes about 200 MiB.
    """

    def __init__(self, num_workers: int) -> None:
        super().__init__([_Seat() for _ in range(num_workers)], _AHEAD)

    def extract(self, recipe: TextRecipe, videos: pl.DataFrame) -> pl.DataFrame:
        """Tokenise videos.

        Args:
            recipe: what to make token rows with.
            videos: `featurestore.extraction.words.text.COLUMNS`.

        Returns:
            Rows as of `TextExtractor.extract`.

        Raises:
            Retryable: workers cannot be started, or end at their work.
        """
        batches = videos.select(COLUMNS).iter_slices(EXTRACTED_BATCH)
        answers = self._run("extract", batches, recipe)
        return pl.concat(
            [pl.DataFrame(schema=Tokens.create_empty().schema), *map(unpack, answers)], rechunk=True
        )

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
        batches = (
            batch for table in videos for batch in table.select(columns).iter_slices(COUNTED_BATCH)
        )
        for answer in self._run("count", batches):
            yield TermCounts(*json.loads(answer))

    def _run(
        self, task: str, batches: Iterable[pl.DataFrame], recipe: TextRecipe | None = None
    ) -> Iterator[bytes]:
        return self._in_order(lambda seat, batch: seat.ask(task, pack(batch), recipe), batches)


class _Seat(Seat):
    """A worker, and another after it where it ends."""

    def __init__(self) -> None:
        super().__init__()
        self._loaded: list[str] = []

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
            ending = self._ending_in_full()
            self.kill()
            raise Retryable(
                f"a word worker ended at its work ({ending}); free some memory and run again"
            ) from error

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
        worker = self._launch(PROGRAM, environment=_ENVIRONMENT)
        self._loaded.clear()
        if receive(cast("BinaryIO", worker.stdout)) is None:
            ending = self._ending_in_full()
            self.kill()
            raise Retryable(
                f"a word worker did not start ({ending}); free some memory and run again"
            )
        return worker


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
