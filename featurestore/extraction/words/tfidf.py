"""What a corpus says of its words.

Counted batch by batch, kept as arrays and JSON, and used to rank keywords.
"""

import functools
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from featurestore.extraction.words.fields import Fields
from featurestore.extraction.words.segmentation import segment
from featurestore.views.text.text_spec import TfidfParameters
from warehouse import formats
from warehouse.errors import Corrupt
from warehouse.storage.files import canonical_json, sha256_bytes

MAX_TERM_CHARS = 32
MAX_COUNTED_TERMS = 2_000_000
"""Distinct words counted at a time while fitting; past it the rarest are forgotten."""

_REMEMBERED_WORDS = 2**16
_FORMAT_VERSION = 1


@dataclass(frozen=True)
class TermCounts:
    """In how many of some documents each term occurs."""

    num_documents: int
    num_with_term: Mapping[str, int]


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
        terms = {
            "format_version": _FORMAT_VERSION,
            "num_documents": self.num_documents,
            "terms": list(self.terms),
        }
        return {
            "terms.json": canonical_json(terms),
            "idf.safetensors": safetensors.numpy.save({"idf": self.idf}),
        }

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
                f"terms.json has {len(terms['terms'])} terms, idf.safetensors {len(idf)} weights:"
                " restore them"
            )
        return cls(tuple(terms["terms"]), idf, terms["num_documents"])


def count_terms(documents: Iterable[Fields]) -> TermCounts:
    """Count in how many of these documents each term occurs."""
    num_with_term: Counter[str] = Counter()
    num_documents = 0
    for fields in documents:
        num_documents += 1
        words = {*segment(fields.title), *segment(fields.ocr), *segment(fields.asr)}
        num_with_term.update({term for word in words if (term := _term(word))})
    return TermCounts(num_documents, num_with_term)


def fit_tfidf(batches: Iterable[TermCounts], parameters: TfidfParameters) -> TermWeights:
    """Weigh the terms of a corpus, in one pass over its counted batches and in bounded memory.

    Whenever there are more than `MAX_COUNTED_TERMS` distinct terms, each loses one from its count
    and those without any left are forgotten; so a count is too small by at most the number of times
    that this happened, never too large.

    Args:
        batches: the counts of all documents, each document once; where terms are forgotten, their
            order matters.
        parameters: which terms to keep.

    Returns:
        The weights of the terms found in enough documents, the most frequent where there are too
        many.

    Source: Misra and Gries, Finding repeated elements, 1982.
    """
    counts: Counter[str] = Counter()
    num_documents = 0
    for batch in batches:
        num_documents += batch.num_documents
        counts.update(batch.num_with_term)
        while len(counts) > MAX_COUNTED_TERMS:
            counts = Counter({term: count - 1 for term, count in counts.items() if count > 1})
    found = [term for term, count in counts.items() if count >= parameters.min_document_frequency]
    terms = tuple(
        sorted(sorted(found, key=lambda term: (-counts[term], term))[: parameters.max_terms])
    )
    frequencies = np.array([counts[term] for term in terms], np.float64)
    return TermWeights(
        terms,
        (np.log((1 + num_documents) / (1 + frequencies)) + 1).astype(np.float32),
        num_documents,
    )


def keywords(words: Iterable[str], weights: TermWeights) -> list[tuple[str, float]]:
    """Weigh a document's words.

    Args:
        words: of all its fields, each segmented apart.
        weights: the corpus's.

    Returns:
        Each term the corpus knows with its TF-IDF (the vector of all has length 1), best first,
        equals by code point.
    """
    idf = weights.idf_by_term
    counts: dict[str, int] = {}
    for word, count in Counter(words).items():
        if (term := _term(word)) in idf:
            counts[term] = counts.get(term, 0) + count
    scores = [(-count * idf[term], term) for term, count in counts.items()]
    length = math.sqrt(math.fsum(score * score for score, _ in scores))
    return [(term, -score / length) for score, term in sorted(scores)]


@functools.lru_cache(_REMEMBERED_WORDS)
def _term(word: str) -> str:
    """The keyword that a word counts as.

    Empty for single characters, numbers, punctuation, and absurd lengths.
    """
    is_term = 1 < len(word) <= MAX_TERM_CHARS and any(char.isalpha() for char in word)
    return word.lower() if is_term else ""
