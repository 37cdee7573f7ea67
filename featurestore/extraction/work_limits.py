"""How much work one video may be: what is told to decoding workers, and no part of a recipe."""

import re
from dataclasses import dataclass

from featurestore.progress.reasons import Reason
from warehouse.errors import Rejected

# The first form is that of versions without a setting for it.
_TOO_MANY_PIXELS = re.compile(
    "[0-9]+ frames of [0-9]+ x [0-9]+ pixels would have to be decoded, more than ([0-9]+) pixels"
    "|.*, more than the ([0-9]+) pixels that decode_max_pixels allows",
    re.DOTALL,
)
_TOO_LATE = re.compile("not decoded within ([0-9.e+]+) seconds")


@dataclass(frozen=True)
class WorkLimits:
    """What decoding one video may take at most."""

    pixels: int = 5 * 2**32
    """Of all frames that are decoded for the wanted ones: eight groups of 250 in 4K, and a fifth
    more."""
    seconds: float = 240.0
    """Wall clock, after which the worker is killed: over twice what a slow core needs for so many
    pixels."""

    def too_many_pixels(self, what: str) -> Rejected:
        """Make the error for a video that takes more pixels than one may.

        `met` knows it by its sentence.

        Args:
            what: what it would take, in a few words of ours.

        Returns:
            The error to raise.
        """
        return Rejected(
            Reason.TOO_LARGE,
            f"{what}, more than the {self.pixels} pixels that decode_max_pixels allows",
        )


DEFAULT = WorkLimits()


def met(reason: str, detail: str | None) -> float | None:
    """Tell which limit a video met, by its ledger row.

    Other reasons, and sizes that no setting changes, met none.

    Args:
        reason: a ledger's code.
        detail: the sentence beside it.

    Returns:
        The limit as it was: pixels for `too_large`, seconds for `decode_timeout`.
    """
    sentences = {Reason.TOO_LARGE: _TOO_MANY_PIXELS, Reason.DECODE_TIMEOUT: _TOO_LATE}
    found = sentences[Reason(reason)].fullmatch(detail or "") if reason in sentences else None
    return float(next(group for group in found.groups() if group is not None)) if found else None
