"""Text to words: normalise fields, segment them, weigh their words by a corpus. The only module that knows jieba."""

import functools
import io
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jieba
import numpy as np
import numpy.typing as npt
import safetensors.numpy

from featurestore.spec import TfidfParameters
from warehouse import formats
from warehouse.errors import Corrupt
from warehouse.files import canonical_json, sha256_bytes

MAX_FIELD_CHARS = 20_000
"""A longer field loses its middle: nothing but its two ends and its commonest words are ever used."""
MAX_TERM_CHARS = 32
MAX_COUNTED_TERMS = 2_000_000
"""Distinct words counted at a time while fitting; past it the rarest are forgotten."""

_FILLER = re.compile("嗯{3,}")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})
_FORMAT_VERSION = 1

Document = tuple[str | None, Sequence[Mapping[str, Any]] | None, str | None]
"""Title, OCR lines and ASR of one video, as they were ingested."""


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
    """Bring text to one form: NFKC, no control, format, surrogate or private characters, single spaces.

    Text of more than `MAX_FIELD_CHARS` characters keeps its two ends.

    Source: Unicode Standard Annex 15.
    """
    seen = "".join(char for char in text if char.isspace() or unicodedata.category(char) not in _UNSEEN)
    form = " ".join(unicodedata.normalize("NFKC", seen).split())
    half = MAX_FIELD_CHARS // 2
    return form if len(form) <= MAX_FIELD_CHARS else form[:half] + form[-half:]


def read_fields(title: str | None, ocr: Sequence[Mapping[str, Any]] | None, asr: str | None) -> Fields:
    """Normalise the fields of one video.

    Args:
        title: as published.
        ocr: lines seen in the pictures, each with `text` and `time_seconds`, which may be None; those come last.
        asr: what was said.
    """
    timed = sorted(ocr or (), key=lambda line: math.inf if line["time_seconds"] is None else line["time_seconds"])
    lines = dict.fromkeys(normalise(line["text"]) for line in timed)
    return Fields(
        title=normalise(title or ""),
        ocr=normalise(",".join(line for line in lines if line)),
        asr=normalise(_FILLER.sub("", asr or "")),
    )


def segment(text: str) -> list[str]:
    """Cut text into words; joined, they are the text again."""
    return list(_jieba().cut(text))


@functools.cache
def dictionary_sha256() -> str:
    """Digest of the dictionary that words come from."""
    return sha256_bytes(_dictionary())


@dataclass(frozen=True)
class TermWeights:
    """What a corpus says of its words, fitted once; `terms` and `idf` go together."""

    terms: tuple[str, ...]
    """Sorted."""
    idf: npt.NDArray[np.float32]
    """ln((1 + documents) / (1 + documents with the term)) + 1"""
    num_documents: int

    @functools.cached_property
    def idf_by_term(self) -> dict[str, float]:
        """Each term's inverse document frequency."""
        return dict(zip(self.terms, self.idf.tolist(), strict=True))

    @functools.cached_property
    def sha256(self) -> str:
        """Digest of all that is kept."""
        files = self.to_files()
        return sha256_bytes(b"".join(files[name] for name in sorted(files)))

    def to_files(self) -> dict[str, bytes]:
        """Write the weights as JSON and safetensors, by file name."""
        terms = {"format_version": _FORMAT_VERSION, "num_documents": self.num_documents, "terms": list(self.terms)}
        return {"terms.json": canonical_json(terms), "idf.safetensors": safetensors.numpy.save({"idf": self.idf})}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "TermWeights":
        """Read weights that `to_files` wrote.

        Raises:
            Corrupt: the files don't go together.
            Invalid: they are of another format version.
        """
        terms = formats.read_json(files["terms.json"], _FORMAT_VERSION, "terms.json")
        idf = safetensors.numpy.load(files["idf.safetensors"])["idf"]
        if len(terms["terms"]) != len(idf):
            raise Corrupt(
                f"terms.json has {len(terms['terms'])} terms, idf.safetensors {len(idf)} weights: restore them"
            )
        return cls(tuple(terms["terms"]), idf, terms["num_documents"])


def fit_tfidf(documents: Iterable[Document], parameters: TfidfParameters) -> TermWeights:
    """Count in how many documents each word occurs, in one pass and bounded memory.

    Past `MAX_COUNTED_TERMS` distinct words the rarest are forgotten, which makes the counts of rare words too small by
    at most the number of times that this happened.

    Args:
        documents: title, OCR lines and ASR of each video, as `read_fields` takes them.
        parameters: which words to keep.

    Returns:
        The weights of the words found in enough documents, the most frequent where there are too many.

    Source: Manku and Motwani, Approximate Frequency Counts over Data Streams, 2002 (lossy counting).
    """
    counts: Counter[str] = Counter()
    num_documents = forgotten = 0
    for document in documents:
        num_documents += 1
        fields = read_fields(*document)
        counts.update(set(_terms(word for text in (fields.title, fields.ocr, fields.asr) for word in segment(text))))
        while len(counts) > MAX_COUNTED_TERMS:
            forgotten += 1
            counts = Counter({term: count for term, count in counts.items() if count > forgotten})
    found = [term for term, count in counts.items() if count >= parameters.min_document_frequency]
    terms = tuple(sorted(sorted(found, key=lambda term: (-counts[term], term))[: parameters.max_terms]))
    frequencies = np.array([counts[term] for term in terms], np.float64)
    return TermWeights(terms, (np.log((1 + num_documents) / (1 + frequencies)) + 1).astype(np.float32), num_documents)


def keywords(words: Iterable[str], weights: TermWeights) -> list[tuple[str, float]]:
    """Weigh a document's words.

    Args:
        words: of all its fields, each segmented apart.
        weights: the corpus's.

    Returns:
        Each term the corpus knows with its TF-IDF (the vector of all has length 1), best first, equals by code point.
    """
    idf = weights.idf_by_term
    counts = Counter(term for term in _terms(words) if term in idf)
    scores = {term: count * idf[term] for term, count in counts.items()}
    length = math.sqrt(math.fsum(score * score for score in scores.values()))
    return sorted(((term, score / length) for term, score in scores.items()), key=lambda pair: (-pair[1], pair[0]))


def _terms(words: Iterable[str]) -> Iterator[str]:
    """Leave out what is no keyword: single characters, numbers, punctuation, and words of absurd length."""
    for word in words:
        if 1 < len(word) <= MAX_TERM_CHARS and any(char.isalpha() for char in word):
            yield word.lower()


@functools.cache
def _jieba() -> jieba.Tokenizer:
    """Make jieba's tokenizer from its dictionary; its cache, which lies in a shared folder, is never touched."""
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(io.BytesIO(_dictionary()))
    tokenizer.initialized = True
    return tokenizer


def _dictionary() -> bytes:
    return Path(jieba.__file__).with_name("dict.txt").read_bytes()
