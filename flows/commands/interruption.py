"""Ctrl-C ends a run at once, as a kill does, by which nothing is lost."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from flows.commands import terminal

GO_ON = "what is done is kept; the same command again goes on from there"
"""How a run goes on that Ctrl-C has ended."""


@contextmanager
def ended_at_once() -> Iterator[None]:
    """Let Ctrl-C end the process during a block.

    Python alone would wait for the chunks in the making first.
    """
    before = signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(*_: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    terminal.say_interrupted(GO_ON)
    os._exit(terminal.INTERRUPTED)
