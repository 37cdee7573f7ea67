"""A BERT vocabulary: its size, its special tokens and its digest."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

from warehouse.errors import Invalid

_SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a `vocab.txt`, one a line; a token's id is its line number from 0.

    Raises:
        Invalid: a special token is missing.
    """

    payload: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Look for the special tokens."""
        missing = sorted(set(_SPECIAL_TOKENS) - set(self.tokens))
        if missing:
            raise Invalid(f"the vocabulary lacks {', '.join(missing)}; give a BERT vocab.txt, one token a line")

    @cached_property
    def tokens(self) -> list[str]:
        """V tokens by id."""
        lines = self.payload.decode("utf-8", "replace").removesuffix("\n").split("\n")
        return [line.removesuffix("\r") for line in lines]

    @property
    def size(self) -> int:
        """The number of tokens."""
        return len(self.tokens)

    @cached_property
    def sha256(self) -> str:
        """Digest of the file's bytes."""
        return hashlib.sha256(self.payload).hexdigest()

    @cached_property
    def special_ids(self) -> tuple[int, ...]:
        """Ids that the masked language model neither hides nor guesses."""
        return tuple(self.tokens.index(token) for token in _SPECIAL_TOKENS)

    @property
    def mask_id(self) -> int:
        """Id of `[MASK]`."""
        return self.tokens.index("[MASK]")
