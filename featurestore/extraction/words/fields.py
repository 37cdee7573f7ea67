"""The fields of text that a video has, brought to one form."""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_FIELD_CHARS = 20_000
"""A longer field loses its middle: nothing but its two ends and its commonest words are ever used,
and cutting it may cost the square of its length."""
MAX_RAW_CHARS = 20 * MAX_FIELD_CHARS
"""A field as it came, of which most may be spaces or marks that are not kept, loses its middle
before it is read."""

_FILLER = re.compile("嗯{3,}")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})


class _Seen(dict[int, int | None]):
    """For `str.translate`: None for a character that is not kept; asks Unicode once for each."""

    def __missing__(self, code: int) -> int | None:
        char = chr(code)
        self[code] = kept = (
            code if char.isspace() or unicodedata.category(char) not in _UNSEEN else None
        )
        return kept


_SEEN = _Seen()


@dataclass(frozen=True)
class Fields:
    """The normalised text of one video."""

    title: str
    ocr: str
    """Lines in the order of their times, each once, joined by commas."""
    asr: str

    def __bool__(self) -> bool:
        """Whether there is any text at all."""
        return bool(self.title or self.ocr or self.asr)


def normalise(text: str) -> str:
    """Bring text to one form.

    NFKC, no control, format, surrogate or private characters, single spaces.

    Text of more than `MAX_FIELD_CHARS` characters keeps its two ends.

    Source: Unicode Standard Annex 15.
    """
    text = _ends(text, MAX_RAW_CHARS)
    seen = text if text.isprintable() else text.translate(_SEEN)
    return _ends(" ".join(unicodedata.normalize("NFKC", seen).split()), MAX_FIELD_CHARS)


def read_fields(
    title: str | None, ocr: Sequence[Mapping[str, Any]] | None, asr: str | None
) -> Fields:
    """Normalise the fields of one video.

    Args:
        title: as published.
        ocr: lines seen in the pictures, each with `text` and `time_seconds`, which may be None;
            those come last.
        asr: what was said.
    """
    timed = sorted(
        ocr or (),
        key=lambda line: math.inf if line["time_seconds"] is None else line["time_seconds"],
    )
    lines = dict.fromkeys(normalise(line["text"]) for line in timed)
    return Fields(
        title=normalise(title or ""),
        ocr=_ends(",".join(filter(None, lines)), MAX_FIELD_CHARS),
        asr=normalise(_FILLER.sub("", asr or "")),
    )


def _ends(text: str, num_chars: int) -> str:
    half = num_chars // 2
    return text if len(text) <= num_chars else text[:half] + text[-half:]
