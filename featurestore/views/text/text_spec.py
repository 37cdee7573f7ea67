"""The recipe of the text view."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from featurestore.views.spec import Spec


class TfidfParameters(BaseModel):
    """How the corpus statistics were gathered."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    min_document_frequency: int = 2
    max_terms: int = 200_000


class TextSpec(Spec):
    """How title, OCR and ASR become token ids and keywords."""

    view: Literal["text"] = "text"
    normaliser: Literal["nfkc-v1"] = "nfkc-v1"
    dictionary_sha256: str
    """Digest of the dictionary that jieba segments with."""
    tfidf: TfidfParameters = TfidfParameters()
    terms_sha256: str
    """Digest of the fitted terms and their inverse document frequencies."""
    vocabulary_sha256: str
    """Digest of the BERT vocabulary file, one token a line."""
    title_chars: int = 128
    """Characters kept of the title: half from its start, half from its end."""
    keyword_chars: int = 64
    ocr_chars: int = 128
    asr_chars: int = 128
