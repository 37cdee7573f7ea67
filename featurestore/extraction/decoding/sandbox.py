"""Decoding workers.

Persistent fresh interpreters that take bytes and give frames, and may die without harm.

Bytes go in and frames come out by memory files that a worker inherits; it locks itself into a jail
(`jail.py`) before it reads any. The parent holds the clock and kills.
"""

import fcntl
import json
import logging
import mmap
import os
import select
import subprocess
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, replace
from typing import IO, NamedTuple, cast

import numpy as np

from featurestore.extraction import work_limits
from featurestore.extraction.decoding.framing import DecodedFrames, Framing
from featurestore.extraction.decoding.isolation.jail import Layer
from featurestore.extraction.decoding.media import MediaItem, copy_to_memory
from featurestore.extraction.decoding.workers import Seat, WorkerPool
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress.media_facts import MediaFacts, parse_facts
from featurestore.progress.reasons import MAX_DETAIL_CHARS, OK, Reason
from warehouse.errors import Invalid, Rejected, Retryable
from warehouse.printable import printable

logger = logging.getLogger(__name__)

PROGRAM = "featurestore.extraction.decoding.decode_worker"
VIDEOS_PER_WORKER = 200
"""A worker is replaced after so many videos, and after any failure."""
START_SECONDS = 120.0
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": str(2**20)}
"""All that a worker is told; glibc gives large blocks back at once where their threshold is
fixed."""
_READY = "ready"
_ANSWER_BYTES = 4096
_OUTCOMES = frozenset(
    {
        OK,
        Reason.TOO_LARGE,
        Reason.OUT_OF_MEMORY,
        Reason.NOT_MEDIA,
        Reason.NO_VIDEO_STREAM,
        Reason.UNSUPPORTED_CODEC,
        Reason.NO_FRAMES,
        Reason.BAD_ARCHIVE,
        Reason.DECODE_ERROR,
        Reason.DECODED_SHORT,
    }
)
"""What a worker may say of a medium; the other reasons are the parent's."""
_AHEAD = 4
"""Videos in hand for each worker, so that one slow video doesn't stop the others."""


class Answer(NamedTuple):
    """What a worker says of a medium."""

    outcome: str
    detail: str
    facts: MediaFacts | None = None
    """None where it says nothing of them."""


class DecodePool(WorkerPool["_Seat"]):
    """Decodes media in `num_workers` jailed processes; a context manager.

    Args:
        framing: how many frames a video gives, and of what size.
        num_workers: processes that decode at the same time.
        limits: how much work one video may be.
        allow_missing_layers: required layers of the jail without which workers may decode all the
            same.
    """

    def __init__(
        self,
        framing: Framing,
        num_workers: int,
        limits: WorkLimits = work_limits.DEFAULT,
        allow_missing_layers: Collection[Layer] = (),
    ) -> None:
        super().__init__(
            [_Seat(framing, limits, allow_missing_layers) for _ in range(num_workers)], _AHEAD
        )

    @property
    def jail(self) -> dict[str, bool]:
        """Which layers of the jail held in every worker so far.

        Empty before the first has started.
        """
        held = [seat.held_layers for seat in self._seats if seat.held_layers is not None]
        return (
            {str(layer): all(layer in layers for layers in held) for layer in Layer} if held else {}
        )

    def run(self, items: Iterable[MediaItem]) -> Iterator[DecodedFrames | Rejected]:
        """Decode media, a few ahead of the one that is asked for.

        Args:
            items: what to decode.

        Returns:
            For each item, in order, its frames or why there are none.

        Raises:
            Invalid: this machine can't jail a worker, and no setting allows that.
            Retryable: no worker can be started on this machine.
        """
        return self._in_order(_Seat.attempt, items)


class _Seat(Seat):
    """Memory shared with a worker, and the worker that uses it now."""

    def __init__(
        self, framing: Framing, limits: WorkLimits, allow_missing_layers: Collection[Layer]
    ) -> None:
        super().__init__()
        self._framing = framing
        self._limits = limits
        self._allow_missing_layers = allow_missing_layers
        self.held_layers: frozenset[str] | None = None
        """What held in all workers of this seat, once there was one."""
        self._media_fd = os.memfd_create("media")
        self._frames_fd = os.memfd_create("frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self._frames_fd, framing.num_bytes)
        # A worker that shrank its side would crash the parent's.
        fcntl.fcntl(
            self._frames_fd,
            fcntl.F_ADD_SEALS,
            fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL,
        )
        self._shared = DecodedFrames.within(
            memoryview(mmap.mmap(self._frames_fd, framing.num_bytes)), framing
        )
        self._num_videos = 0

    def attempt(self, item: MediaItem) -> DecodedFrames | Rejected:
        """Decode one medium, or say why it gives no frames; other errors as of `decode`."""
        try:
            return self.decode(item)
        except Rejected as rejected:
            return rejected

    def decode(self, item: MediaItem) -> DecodedFrames:
        """Decode one medium.

        Raises:
            Rejected: it gives no frames, or took its worker with it.
            Invalid: no worker can be jailed.
            Retryable: no worker can be started.
        """
        copy_to_memory(item, self._media_fd)
        outcome, detail, facts = self._ask(item.kind)
        if outcome == Reason.OUT_OF_MEMORY and self._num_videos > 1:
            # What the videos before it left behind is not this one's fault.
            self.kill()
            outcome, detail, facts = self._ask(item.kind)
        decoded = self._take() if outcome == OK else None
        if outcome == OK and decoded is None:
            outcome, detail = Reason.WORKER_DIED, "the worker ended (its frames made no sense)"
        if decoded is None or self._num_videos == VIDEOS_PER_WORKER:
            self.kill()
        if decoded is None:
            raise Rejected(outcome, detail)
        return replace(decoded, facts=facts)

    def close(self) -> None:
        """End the worker and give the memory back."""
        super().close()
        del self._shared
        for descriptor in (self._media_fd, self._frames_fd):
            os.close(descriptor)

    def _start(self) -> "subprocess.Popen[bytes]":
        memory = (self._media_fd, self._frames_fd)
        framing, limits = (json.dumps(asdict(told)) for told in (self._framing, self._limits))
        worker = self._launch(
            PROGRAM, *memory, framing, limits, environment=_ENVIRONMENT, pass_fds=memory
        )
        self._num_videos = 0
        outcome, detail, _ = _read_answer(worker, START_SECONDS, {_READY})
        if outcome != _READY:
            sentence = f"a decoding worker did not start ({detail or self._ending_in_full()})"
            self.kill()
            raise Retryable(sentence)
        self._check_jail(frozenset(detail.split()))
        return worker

    def _check_jail(self, held: frozenset[str]) -> None:
        self.held_layers = held if self.held_layers is None else self.held_layers & held
        missing = [
            layer
            for layer in Layer
            if layer.required and layer not in {*held, *self._allow_missing_layers}
        ]
        if missing:
            self.kill()
            raise Invalid(
                "this machine's kernel cannot jail the workers that decode strangers' files"
                f" ({', '.join(missing)} missing): run on another, or allow it by the setting"
                f" allow_missing_jail_layers = {json.dumps(missing)}"
            )

    def _take(self) -> DecodedFrames | None:
        """Copy what the worker has decoded, unless no decoding gives such frames."""
        decoded = DecodedFrames.within(bytearray(self._framing.num_bytes), self._framing)
        self._shared.copy_to(decoded)
        # Looked at once it is copied: a worker may go on writing.
        return decoded if _is_possible(decoded) else None

    def _ask(self, kind: str) -> Answer:
        """Have the worker decode what lies in the media memory."""
        if self._worker is not None and not self._interrupted and _has_spoken(self._worker):
            self.kill()  # what it says unasked would be taken for the answer
        worker = self._worker or self._start()
        self._num_videos += 1
        self._shared.frame_mask[:] = 0  # frames of the video before are none of this one
        stdin = cast("IO[bytes]", worker.stdin)
        try:
            stdin.write(f"{kind}\n".encode())
            stdin.flush()
            answer = _read_answer(worker, self._limits.seconds, _OUTCOMES)
        except BrokenPipeError:
            answer = Answer(Reason.WORKER_DIED, "")
        if answer.outcome == Reason.WORKER_DIED:
            ending = self._ending()
            logger.warning("a decoding worker ended: %s", self._ending_in_full(ending))
            return Answer(Reason.WORKER_DIED, f"the worker ended ({ending})")
        return answer


def _read_answer(
    worker: "subprocess.Popen[bytes]", seconds: float, known: Collection[str]
) -> Answer:
    """Wait for a worker's line; what it says is believed only as far as it has the right form."""
    stdout, poll = _listen(worker)
    deadline = time.monotonic() + seconds
    line = b""
    while not line.endswith(b"\n"):
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            return Answer(Reason.DECODE_TIMEOUT, f"not decoded within {seconds:g} seconds")
        part = os.read(stdout, _ANSWER_BYTES)
        line += part
        if not part or len(line) > _ANSWER_BYTES:
            return Answer(Reason.WORKER_DIED, "")
    return _parse_answer(line, known) or Answer(Reason.WORKER_DIED, "")


def _parse_answer(line: bytes, known: Collection[str]) -> Answer | None:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match answer:
        case [str(outcome), str(detail), *said] if outcome in known:
            facts = [parse_facts(each) for each in said if each is not None]
            if len(said) <= 1 and None not in facts:
                words = printable(detail, MAX_DETAIL_CHARS)
                return Answer(outcome, words, next(iter(facts), None))
    return None


def _listen(worker: "subprocess.Popen[bytes]") -> tuple[int, select.poll]:
    stdout, poll = cast("IO[bytes]", worker.stdout).fileno(), select.poll()
    poll.register(stdout, select.POLLIN)
    return stdout, poll


def _has_spoken(worker: "subprocess.Popen[bytes]") -> bool:
    """Whether a worker has said something, or ended, since its last answer."""
    return bool(_listen(worker)[1].poll(0))


def _is_possible(decoded: DecodedFrames) -> bool:
    """Whether decoding can give such arrays.

    Frames first, in order of time, and nothing after them.
    """
    num_frames = int(np.count_nonzero(decoded.frame_mask))
    seconds, beyond = decoded.pts_seconds[:num_frames], decoded.pts_seconds[num_frames:]
    return bool(
        num_frames > 0
        and (decoded.frame_mask[:num_frames] == 1).all()
        and np.isfinite(seconds).all()
        and (np.diff(seconds) >= 0).all()
        and not beyond.any()
        and not decoded.frames[num_frames:].any()
    )
