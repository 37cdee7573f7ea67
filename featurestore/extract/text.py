"""The text view: slots of text, their token ids, and the keywords among them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import polars as pl
from tokenizers import BertWordPieceTokenizer, Encoding

from featurestore.extract.words import Fields, TermWeights, dictionary_sha256, keywords, read_fields, segment
from featurestore.spec import TextSpec, TfidfParameters
from featurestore.tokens import Tokens
from warehouse.errors import Invalid
from warehouse.files import sha256_bytes

_SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_NUM_SLOTS = 3


@dataclass(frozen=True)
class _Document:
    """One video's text on its way to tokens; a slot is a sequence of words that, joined, are its text."""

    video_id: str
    fields: Fields
    slots: tuple[Sequence[str], Sequence[str], Sequence[str]]
    keywords: Sequence[tuple[str, float]]


class TextExtractor:
    """Turns the text of videos into token rows.

    Args:
        spec: the recipe.
        vocabulary: the BERT vocabulary file, one token a line.
        weights: the fitted corpus statistics.

    Raises:
        Invalid: the vocabulary, the weights or jieba's dictionary are not those that the spec names.
    """

    def __init__(self, spec: TextSpec, vocabulary: bytes, weights: TermWeights) -> None:
        given = make_text_spec(weights, vocabulary, spec.tfidf)
        for name in ("vocabulary_sha256", "terms_sha256", "dictionary_sha256"):
            if getattr(given, name) != getattr(spec, name):
                raise Invalid(
                    f"{name} is {getattr(given, name)[:12]} here and {getattr(spec, name)[:12]} in the text spec; "
                    "give the files it was made with, or apply new specs"
                )
        self._spec = spec
        self._weights = weights
        self._ids = _parse_vocabulary(vocabulary)
        self._tokenizer = BertWordPieceTokenizer(self._ids, lowercase=True)

    @property
    def vocabulary_size(self) -> int:
        """Token ids are below it."""
        return max(self._ids.values()) + 1

    def extract(self, videos: pl.DataFrame) -> pl.DataFrame:
        """Tokenise videos.

        Args:
            videos: `video_id`, `title`, `ocr` (a list of `time_seconds` and `text`) and `asr`.

        Returns:
            Rows of `featurestore.tokens.Tokens` in the order given; videos without any text are left out.
        """
        rows = videos.select("video_id", "title", "ocr", "asr").iter_rows()
        documents = [self._read(video_id, fields) for video_id, *raw in rows if (fields := read_fields(*raw))]
        texts = ["".join(slot) for document in documents for slot in document.slots]
        encodings = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        token_rows = [
            self._row(document, encodings[i * _NUM_SLOTS : (i + 1) * _NUM_SLOTS])
            for i, document in enumerate(documents)
        ]
        return pl.DataFrame(token_rows, schema=Tokens.create_empty().schema, orient="row")

    def _read(self, video_id: str, fields: Fields) -> _Document:
        """Segment a video's fields, each apart, find its keywords and fill its slots."""
        spec = self._spec
        title, ocr, asr = (segment(text) for text in (fields.title, fields.ocr, fields.asr))
        best = _fit(keywords([*title, *ocr, *asr], self._weights), spec.keyword_chars)
        spaced = [word for term, _ in best for word in (" ", term)]
        slots = ([*cut(title, spec.title_chars), *spaced], cut(ocr, spec.ocr_chars), cut(asr, spec.asr_chars))
        return _Document(video_id, fields, slots, best)

    def _row(self, document: _Document, encodings: Sequence[Encoding]) -> tuple[object, ...]:
        """Lay the tokens of the slots end to end: [CLS] slot 1 [SEP] slot 2 [SEP] slot 3 [SEP]."""
        token_ids, slot_ids, word_start = [self._ids["[CLS]"]], [0], [True]
        for slot, (words, encoding) in enumerate(zip(document.slots, encodings, strict=True)):
            token_ids += [*encoding.ids, self._ids["[SEP]"]]
            slot_ids += [slot] * (len(encoding.ids) + 1)
            word_start += [*_word_starts(words, encoding), True]
        fields = document.fields
        return (
            document.video_id,
            *(token_ids, slot_ids, word_start),
            [term for term, _ in document.keywords],
            [weight for _, weight in document.keywords],
            *(len(fields.title), len(fields.ocr), len(fields.asr)),
        )


def make_text_spec(weights: TermWeights, vocabulary: bytes, tfidf: TfidfParameters) -> TextSpec:
    """Describe token rows made with a vocabulary and fitted weights.

    Args:
        weights: the fitted corpus statistics.
        vocabulary: the BERT vocabulary file, one token a line.
        tfidf: how the weights were fitted.

    Raises:
        Invalid: the vocabulary is not one.
    """
    _parse_vocabulary(vocabulary)
    return TextSpec(
        dictionary_sha256=dictionary_sha256(),
        tfidf=tfidf,
        terms_sha256=weights.sha256,
        vocabulary_sha256=sha256_bytes(vocabulary),
    )


def cut(words: Sequence[str], num_chars: int) -> list[str]:
    """Keep the first and the last `num_chars // 2` characters of a text that is longer than `num_chars`.

    Args:
        words: the text, word by word.
        num_chars: how much to keep.

    Returns:
        What is left, word by word.
    """
    length, half = sum(map(len, words)), num_chars // 2
    if length <= num_chars:
        return list(words)
    return [*_window(words, 0, half), *_window(words, length - half, length)]


def _window(words: Iterable[str], start: int, end: int) -> Iterable[str]:
    position = 0
    for word in words:
        part = word[max(0, start - position) : max(0, end - position)]
        position += len(word)
        if part:
            yield part


def _fit(ranked: Iterable[tuple[str, float]], num_chars: int) -> list[tuple[str, float]]:
    """Take keywords while their characters fit."""
    taken: list[tuple[str, float]] = []
    for term, weight in ranked:
        num_chars -= len(term)
        if num_chars < 0:
            break
        taken.append((term, weight))
    return taken


def _word_starts(words: Sequence[str], encoding: Encoding) -> list[bool]:
    """Whether each token lies in another word than the token before it."""
    if not encoding.ids:
        return []
    ends = list(accumulate(map(len, words)))
    token_starts = np.array(encoding.offsets)[:, 0]
    word_indices: npt.NDArray[np.intp] = np.searchsorted(ends, token_starts, side="right")
    return [bool(changed) for changed in np.diff(word_indices, prepend=-1)]


def _parse_vocabulary(vocabulary: bytes) -> dict[str, int]:
    """Read token ids from a file of one token a line; as elsewhere, the last of equal lines counts."""
    try:
        lines = vocabulary.decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise Invalid(f"the vocabulary is not UTF-8 text ({error})") from error
    ids = {line.removesuffix("\r"): i for i, line in enumerate(lines)}
    if missing := [token for token in _SPECIAL_TOKENS if token not in ids]:
        raise Invalid(f"the vocabulary of {len(ids)} tokens lacks {', '.join(missing)}; give a BERT vocab.txt")
    return ids
