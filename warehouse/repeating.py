"""Something that is done again and again for as long as a block lasts."""

import contextvars
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeating(action: Callable[[], None], seconds: float) -> Iterator[None]:
    """Call a function in a thread of its own, also while the block is busy.

    Args:
        action: What is called, in the context of the caller; it raises nothing.
        seconds: Before the first call, and between two.
    """
    ended, context = threading.Event(), contextvars.copy_context()

    def go_on() -> None:
        while not ended.wait(seconds):
            context.run(action)

    thread = threading.Thread(target=go_on, name="repeating", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
