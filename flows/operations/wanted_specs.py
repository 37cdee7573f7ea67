"""Makes the wanted specs from the settings.

The encoder's own transform, and TF-IDF fitted on the corpus.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from featurestore import wanted
from featurestore.extraction.encoding.frame_encoder import make_frame_spec
from featurestore.extraction.words.text import make_text_spec
from featurestore.extraction.words.tfidf import fit_tfidf
from featurestore.extraction.words.word_pool import WordPool
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.frames.make import WEIGHTS
from featurestore.views.spec import Spec
from featurestore.views.text.text_spec import TfidfParameters
from flows.settings import Settings, resize_short_side_of
from warehouse import tables
from warehouse.errors import Invalid
from warehouse.store import Store
from warehouse.tables import VideoPartition, split


@dataclass(frozen=True)
class Prepared:
    """A spec that is ready to be frozen."""

    spec: Spec
    files: dict[str, bytes]
    """What the store keeps beside it, by name."""


def prepare(store: Store, settings: Settings) -> list[Prepared]:
    """Make the specs that the settings ask for, one for each view.

    Args:
        store: With the partitions that TF-IDF is fitted on: unlabeled and labeled, validation
            videos left out.
        settings: Name the encoder, its weights and the vocabulary.

    Raises:
        Invalid: There is no partition to fit on, or a file is missing.
    """
    corpus = _corpus_partitions(store)
    weights, vocabulary = (
        settings.path_of("encoder_weights"),
        settings.path_of("vocabulary").read_bytes(),
    )
    kept_weights = {f"{WEIGHTS}{weights.suffix}": weights.read_bytes()}
    parameters = TfidfParameters()
    with WordPool(settings.decode_workers) as words:
        terms = fit_tfidf(words.count_terms(_corpus(store, corpus)), parameters)
    text_spec = make_text_spec(terms, vocabulary, parameters)
    return [
        Prepared(frame_spec(settings), kept_weights),
        Prepared(text_spec, {wanted.VOCABULARY_FILE: vocabulary, **terms.to_files()}),
    ]


def frame_spec(settings: Settings) -> FrameSpec:
    """Describe the frames view that the settings ask for.

    Raises:
        Invalid: No such encoder, other weights or other arguments.
    """
    return make_frame_spec(
        settings.encoder,
        settings.encoder_kwargs,
        settings.path_of("encoder_weights"),
        settings.encoder_precision,
        settings.encoder_execution_mode,
        resize_short_side_of(settings),
    )


def freeze(store: Store, prepared: Iterable[Prepared], now: datetime) -> dict[str, str]:
    """Keep specs in the store and make them the wanted ones.

    Args:
        store: Where to.
        prepared: What to freeze.
        now: The time of the journal's entries, UTC.

    Returns:
        The wanted fingerprint of each view.
    """
    return {
        ready.spec.view: wanted.freeze(store, ready.spec, ready.files, now) for ready in prepared
    }


def apply(store: Store, settings: Settings, now: datetime) -> dict[str, str]:
    """Make and freeze the specs that the settings ask for.

    Arguments, result and errors as above.
    """
    return freeze(store, prepare(store, settings), now)


def _corpus_partitions(store: Store) -> list[VideoPartition]:
    listed = tables.video_partitions(store)
    partitions = [partition for partition in listed if partition.role != "score"]
    if not partitions:
        listing = (
            f"only partitions of role score ({listed[0].name} and the like)"
            if listed
            else "no partition"
        )
        raise Invalid(
            f"{store.place} has {listing}, and a recipe's keywords are fitted on those of role"
            " unlabeled or labeled; ingest one, then run extract-features"
        )
    return partitions


def _corpus(store: Store, partitions: Iterable[VideoPartition]) -> Iterator[pl.DataFrame]:
    salt = split.frozen_salt(store)
    for partition in partitions:
        for videos in tables.video_batches(partition, ["title", "ocr", "asr", "content_sha256"]):
            seen = [
                salt is None or not split.is_validation(salt, content)
                for content in videos["content_sha256"]
            ]
            yield videos.filter(seen)
