"""A stage of work: its units counted, and told at least every half minute."""

import time
from collections.abc import Callable

TOLD_EVERY_SECONDS = 25.0
"""Also while no unit of the work ends."""


class Stage:
    """Counts units and says how fast they go.

    Args:
        description: A word or two, such as `hash 2026-11-20`.
        clock: Seconds that only ever rise.
    """

    def __init__(self, description: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._description, self._clock, self._started = description, clock, clock()
        self._done, self._total, self._note = 0, 0, ""
        self._first: tuple[float, int] | None = None

    def show(self, done: int, total: int, note: str = "") -> None:
        """Take how many units are done.

        Args:
            done: By this run, or by the one that it goes on from.
            total: Of how many.
            note: What else is to be told, such as a loss.
        """
        if self._first is None:
            self._first = self._clock(), done
        self._done, self._total, self._note = done, total, note

    @property
    def percent(self) -> float:
        """How much is done, from 0 to 100."""
        return 100 * self._done / self._total if self._total else 0.0

    def line(self) -> str:
        """Say how far the stage is, how fast it goes and how long it may still take."""
        if not self._total:
            return f"{self._description}: begun {self._seconds_since(self._started)} ago"
        parts = [f"{self._done:,} of {self._total:,}", *self._pace(), self._note]
        return f"{self._description}: {', '.join(filter(None, parts))}"

    def last_line(self) -> str:
        """Say what was done, and in what time."""
        took = self._seconds_since(self._started)
        if not self._total:
            return f"{self._description}: ended after {took}"
        rate, _ = self._rate()
        return f"{self._description}: {self._done:,} in {took}, {rate:.3g} a second"

    def _pace(self) -> list[str]:
        rate, is_steady = self._rate()
        if not is_steady:
            return []
        left = (self._total - self._done) / rate
        return [f"{rate:.3g} a second", f"{left:,.0f} s left"]

    def _rate(self) -> tuple[float, bool]:
        """Units a second; what an earlier run has done costs this one nothing, and is left out."""
        now = self._clock()
        since, before = self._first or (self._started, 0)
        if self._done > before and now > since:
            return (self._done - before) / (now - since), True
        seconds = now - self._started
        return (self._done / seconds if seconds > 0 else 0.0), False

    def _seconds_since(self, moment: float) -> str:
        return f"{self._clock() - moment:,.1f} s"
