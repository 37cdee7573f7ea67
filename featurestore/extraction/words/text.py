"""The text view: slots of text, their token ids, and the keywords among them."""

import functools
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np
import numpy.typing as npt
import polars as pl
from tokenizers import Encoding, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from featurestore.extraction.words.fields import Fields, read_fields
from featurestore.extraction.words.segmentation import dictionary_sha256, segment
from featurestore.extraction.words.tfidf import TermWeights, keywords
from featurestore.views.spec import check_makeable
from featurestore.views.text.text_spec import TextSpec, TfidfParameters
from featurestore.views.text.tokens import Tokens
from featurestore.views.text.vocabulary import Vocabulary
from warehouse.errors import Invalid

COLUMNS = ("video_id", "title", "ocr", "asr")
"""What is read of a video; `ocr` is a list of `time_seconds` and `text`."""

_NUM_SLOTS = 3


@dataclass(frozen=True)
class TextRecipe:
    """All that token rows are made with.

    Raises:
        Invalid: the spec is of another transform version, or the vocabulary, the weights or jieba's
            dictionary are not those that it names.
    """

    spec: TextSpec
    vocabulary: bytes
    """The BERT vocabulary file, one token a line."""
    weights: TermWeights
    """The fitted corpus statistics."""

    def __post_init__(self) -> None:
        """Compare the version and digests."""
        check_makeable(self.spec)
        given = make_text_spec(self.weights, self.vocabulary, self.spec.tfidf)
        for name in ("vocabulary_sha256", "terms_sha256", "dictionary_sha256"):
            if getattr(given, name) != getattr(self.spec, name):
                raise Invalid(
                    f"{name} is {getattr(given, name)[:12]} here and"
                    f" {getattr(self.spec, name)[:12]} in the text spec; give the files it was made"
                    " with, or apply new specs"
                )

    @functools.cached_property
    def ids(self) -> dict[str, int]:
        """The id of each token."""
        return Vocabulary(self.vocabulary).ids

    @property
    def vocabulary_size(self) -> int:
        """Token ids are below it."""
        return Vocabulary(self.vocabulary).size


@dataclass(frozen=True)
class _Document:
    """One video's text on its way to tokens.

    A slot is a sequence of words that, joined, are its text.
    """

    video_id: str
    fields: Fields
    slots: tuple[Sequence[str], Sequence[str], Sequence[str]]
    keywords: Sequence[tuple[str, float]]


class TextExtractor:
    """Turns the text of videos into token rows, in this process.

    Args:
        recipe: what to make them with.
    """

    def __init__(self, recipe: TextRecipe) -> None:
        self._spec = recipe.spec
        self._weights = recipe.weights
        self._ids = recipe.ids
        self._tokenizer = _tokenizer(self._ids)

    def extract(self, videos: pl.DataFrame) -> pl.DataFrame:
        """Tokenise videos.

        Args:
            videos: `COLUMNS`.

        Returns:
            Rows of `featurestore.views.text.tokens.Tokens` in the order given; videos without any
            text are left out. A row does not depend on the videos beside it.
        """
        rows = videos.select(COLUMNS).iter_rows()
        documents = [
            self._read(video_id, fields) for video_id, *raw in rows if (fields := read_fields(*raw))
        ]
        slots = [slot for document in documents for slot in document.slots]
        encodings = self._tokenizer.encode_batch(
            ["".join(slot) for slot in slots], add_special_tokens=False
        )
        columns = {
            "video_id": [document.video_id for document in documents],
            "keywords": [[term for term, _ in document.keywords] for document in documents],
            "keyword_weights": [
                [weight for _, weight in document.keywords] for document in documents
            ],
            "title_chars": [len(document.fields.title) for document in documents],
            "ocr_chars": [len(document.fields.ocr) for document in documents],
            "asr_chars": [len(document.fields.asr) for document in documents],
        }
        schema = Tokens.create_empty().schema
        tokens = self._lay(slots, encodings)
        return (
            pl.DataFrame(columns, schema={name: schema[name] for name in columns})
            .hstack(tokens)
            .select(*schema)
        )

    def _read(self, video_id: str, fields: Fields) -> _Document:
        """Segment a video's fields, each apart, find its keywords and fill its slots."""
        spec = self._spec
        title, ocr, asr = segment(fields.title), segment(fields.ocr), segment(fields.asr)
        best = _fit(keywords(chain(title, ocr, asr), self._weights), spec.keyword_chars)
        spaced = [word for term, _ in best for word in (" ", term)]
        slots = (
            [*cut(title, spec.title_chars), *spaced],
            cut(ocr, spec.ocr_chars),
            cut(asr, spec.asr_chars),
        )
        return _Document(video_id, fields, slots, best)

    def _lay(self, slots: Sequence[Sequence[str]], encodings: Sequence[Encoding]) -> pl.DataFrame:
        """Lay the tokens of each video's slots end to end.

        [CLS] slot 1 [SEP] slot 2 [SEP] slot 3 [SEP].

        All videos at once, as one array of T tokens of which each [SEP] ends a slot, cut into rows
        at the end.
        """
        lengths = np.array([len(encoding.ids) for encoding in encodings], np.int64)
        slot = np.arange(len(slots))
        video = slot // _NUM_SLOTS
        # Before the tokens of a slot stand the [SEP] of each slot before it, and the [CLS] of each
        # video up to its own.
        places = np.arange(lengths.sum()) + np.repeat(slot + video + 1, lengths)
        seps = np.cumsum(lengths) + slot + video + 1
        of_slot = np.repeat(slot, lengths + 1 + (slot % _NUM_SLOTS == 0))
        token_ids = np.full(len(of_slot), self._ids["[CLS]"], np.int32)
        token_ids[seps] = self._ids["[SEP]"]
        token_ids[places] = list(chain.from_iterable(encoding.ids for encoding in encodings))
        word_start = np.ones(len(of_slot), np.bool_)
        word_start[places] = _word_starts(slots, encodings, lengths)
        columns = {
            "video": of_slot // _NUM_SLOTS,
            "token_ids": token_ids,
            "slot_ids": (of_slot % _NUM_SLOTS).astype(np.uint8),
            "word_start": word_start,
        }
        return (
            pl.DataFrame(columns).group_by("video", maintain_order=True).agg(pl.all()).drop("video")
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
    return TextSpec(
        dictionary_sha256=dictionary_sha256(),
        tfidf=tfidf,
        terms_sha256=weights.sha256,
        vocabulary_sha256=Vocabulary(vocabulary).sha256,
    )


def cut(words: Sequence[str], num_chars: int) -> list[str]:
    """Keep the first and last `num_chars // 2` characters of a text longer than `num_chars`.

    Args:
        words: the text, word by word.
        num_chars: how much to keep.

    Returns:
        What is left, word by word.
    """
    ends = list(accumulate(map(len, words)))
    if not ends or ends[-1] <= num_chars:
        return list(words)
    half, tail = num_chars // 2, ends[-1] - num_chars // 2
    first, last = bisect_left(ends, half), bisect_right(ends, tail)
    if not half:
        return []
    # The words that the two borders lie in are cut at them, counted from their own ends.
    before, after = (
        words[first][: len(words[first]) - ends[first] + half],
        words[last][tail - ends[last] :],
    )
    return [*words[:first], before, after, *words[last + 1 :]]


def _tokenizer(ids: dict[str, int]) -> Tokenizer:
    """BERT's tokenizer, but for special tokens.

    It is told of none, so that one typed in a text is plain words.
    """
    tokenizer = Tokenizer(WordPiece(ids, unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def _fit(ranked: Iterable[tuple[str, float]], num_chars: int) -> list[tuple[str, float]]:
    """Take keywords while their characters fit."""
    taken: list[tuple[str, float]] = []
    for term, weight in ranked:
        num_chars -= len(term)
        if num_chars < 0:
            break
        taken.append((term, weight))
    return taken


def _word_starts(
    slots: Sequence[Sequence[str]], encodings: Sequence[Encoding], lengths: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Whether each token begins another word than the one before it, over all slots."""
    word_ends = np.cumsum([len(word) for slot in slots for word in slot])
    slot_starts = np.cumsum([0, *(sum(map(len, slot)) for slot in slots)])[:-1]
    starts = np.array([start for encoding in encodings for start, _ in encoding.offsets], np.int64)
    word_indices = np.searchsorted(
        word_ends, starts + np.repeat(slot_starts, lengths), side="right"
    )
    changed: npt.NDArray[np.bool_] = np.diff(word_indices, prepend=-1) != 0
    return changed
