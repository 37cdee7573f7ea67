"""The exception tree: one root, and one class for each thing that a handler can do.

Every message is one sentence: what was wrong, where, with which value, and what to do about it.
"""

# ruff: noqa: N818 - the names say what the handler does, as the design has them

import sys
from typing import ClassVar

from warehouse.printable import printable


class ReelstoreError(Exception):
    """The root of every error that Reelstore raises on purpose."""

    code: ClassVar[str] = "error"
    """A stable word for logs and ledgers."""

    def __str__(self) -> str:
        """Return the sentence.

        Words from outside in it are safe wherever it is shown: terminal, log or traceback.
        """
        return printable(super().__str__(), sys.maxsize)


class Rejected(ReelstoreError):
    """This one video cannot be used; the run goes on with the others."""

    code = "rejected"

    def __init__(self, reason: str, sentence: str) -> None:
        """Keep the ledger's reason code beside the sentence.

        Args:
            reason: The stable reason code that the ledger records.
            sentence: What was wrong with the video.
        """
        super().__init__(reason, sentence)
        self.reason = reason
        self.sentence = sentence

    def __str__(self) -> str:
        """Return the sentence alone."""
        return printable(self.sentence, sys.maxsize)


class Retryable(ReelstoreError):
    """It may work the next time: a full disk, a busy catalog, another run in the way."""

    code = "retryable"


class Conflict(ReelstoreError):
    """Somebody else published something else first."""

    code = "conflict"


class Corrupt(ReelstoreError):
    """Stored bytes are not those that were published."""

    code = "corrupt"


class Invalid(ReelstoreError):
    """The caller's mistake: an argument, a file, a row."""

    code = "invalid"


def cause_of(error: OSError) -> str:
    """Say in the system's own words, as a part of a sentence, why it refused something."""
    return " ".join((error.strerror or str(error)).lower().split())
