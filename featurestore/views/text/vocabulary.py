"""A BERT vocabulary: its tokens and their ids, as extraction and training both read them."""

import hashlib
import io
from dataclasses import dataclass, field
from functools import cached_property

from warehouse.errors import Invalid

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a `vocab.txt`, one a line; a token's id is the number of its line, from 0.

    Raises:
        Invalid: it is not UTF-8 text, or a special token is missing.
    """

    payload: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Look for the special tokens."""
        missing = [token for token in SPECIAL_TOKENS if token not in self.ids]
        if missing:
            raise Invalid(
                f"the vocabulary lacks {', '.join(missing)}; give a BERT vocab.txt, one token a"
                " line"
            )

    @cached_property
    def tokens(self) -> list[str]:
        """V tokens, one for each line; a line ends as any system ends it.

        Source: transformers' `BertTokenizer`, of which the ids are the same.
        """
        try:
            return [
                line.rstrip("\n")
                for line in io.TextIOWrapper(io.BytesIO(self.payload), encoding="utf-8")
            ]
        except UnicodeDecodeError as error:
            raise Invalid(
                f"the vocabulary is not UTF-8 text ({error}); give a BERT vocab.txt"
            ) from error

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each token; of equal lines the last one counts."""
        return {token: number for number, token in enumerate(self.tokens)}

    @property
    def size(self) -> int:
        """The number of lines: ids are below it."""
        return len(self.tokens)

    @cached_property
    def sha256(self) -> str:
        """Digest of the file's bytes."""
        return hashlib.sha256(self.payload).hexdigest()

    @cached_property
    def special_ids(self) -> tuple[int, ...]:
        """Ids that the masked language model neither hides nor guesses."""
        return tuple(self.ids[token] for token in SPECIAL_TOKENS)

    @property
    def mask_id(self) -> int:
        """Id of `[MASK]`."""
        return self.ids["[MASK]"]
