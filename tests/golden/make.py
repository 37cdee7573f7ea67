"""Make the golden store of the present versions.

`OPENBLAS_CORETYPE=SkylakeX python tests/golden/make.py 2` writes tests/golden/2 anew.

It ingests, extracts, trains and scores the corpus beside it by the real doors, with fixed clocks
and names, so that it gives the same bytes on the same kind of machine. Run it for a new version,
into a new folder, and keep the old ones: every Reelstore reads them all.
"""

import contextlib
import itertools
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import polars as pl
import safetensors.numpy
import timm

from featurestore import wanted
from featurestore.extraction.encoding.frame_encoder import make_frame_spec
from featurestore.extraction.frames import FrameExtractor
from featurestore.extraction.jobs import Extraction, Request
from featurestore.extraction.runtime import Runtime
from featurestore.extraction.words.fields import read_fields
from featurestore.extraction.words.text import make_text_spec
from featurestore.extraction.words.tfidf import count_terms, fit_tfidf
from featurestore.reading import snapshot
from featurestore.reading.examples import Examples
from featurestore.views import registry as views_registry
from featurestore.views.text.text_spec import TfidfParameters
from modeling.configuration import (
    ALL_EXPERTS,
    FinetuningConfig,
    FusionConfig,
    ModelConfig,
    Recipe,
)
from modeling.evaluation.judgement import judge
from modeling.experts import fused_training
from modeling.learning.inputs.training_inputs import TrainingInputs
from modeling.learning.inputs.training_set import pin_training_set
from modeling.learning.start import Start
from modeling.models import model_publishing, registry, scored_partitions, stored_model
from modeling.models.scoring import score
from warehouse import commits, tables
from warehouse.ingest.ingestion import publish_listing
from warehouse.ingest.listing import read_listing
from warehouse.sources import manifest
from warehouse.storage.files import sha256_bytes
from warehouse.store import Root, Store, open_store
from warehouse.tables.taxonomy import Category, Taxonomy

HERE = Path(__file__).parent
CORPUS = "corpus"
START = datetime(2026, 11, 20, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LABELED, SCORED = "labeled", "2026-11-20"
TAXONOMY = Taxonomy("golden", (Category("0000", "00"), Category("0100", "01")))
PIECES = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "[",
    "]",
    "sep",
    "pad",
    "cls",
    "training",
    "day",
    "12",
    "##8",
)
ENCODER = "vit_tiny_patch16_224"
ENCODER_KWARGS: dict[str, Any] = {"img_size": 32, "embed_dim": 4, "depth": 1, "num_heads": 2}
RECIPE = Recipe(
    name="golden",
    fusion=FusionConfig(experts=ALL_EXPERTS),
    model=ModelConfig(
        width=4,
        num_heads=2,
        num_language_layers=1,
        num_cross_layers=1,
        feed_forward_width=4,
        max_positions=512,
    ),
    finetuning=FinetuningConfig(batch_size=4, epochs=1, adversary="none", resample=False),
)


def make(target: Path) -> None:
    """Make a store, and beside it what is to be read of it."""
    with beside_the_corpus():
        answers = fill(Path("store").resolve())
        with contextlib.closing(sqlite3.connect("store/catalog.db")) as catalog:
            dump = "\n".join(catalog.iterdump()) + "\n"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(
            "store", target, ignore=shutil.ignore_patterns("catalog.*", "staging", "checkpoints")
        )
    (target / "catalog.sql").write_text(dump, encoding="utf-8")
    (target / "answers.json").write_text(
        json.dumps(answers, indent=1, sort_keys=True), encoding="utf-8"
    )


@contextlib.contextmanager
def beside_the_corpus() -> Iterator[None]:
    """Work in a passing folder that holds the corpus, where all is named alike everywhere."""
    with tempfile.TemporaryDirectory() as folder, _same_every_time(), contextlib.chdir(folder):
        shutil.copytree(HERE / CORPUS, CORPUS)
        for number, path in enumerate(sorted(Path(CORPUS).rglob("*.*"))):
            os.utime(path, ns=(0, number))
        yield


def fill(root: Root, catalog_url: str | None = None) -> dict[str, Any]:
    """Do the whole job in a new store.

    Args:
        root: Where it goes.
        catalog_url: As of `open_store`.

    Returns:
        What is to be read of it.
    """
    store = open_store(root, catalog_url)
    try:
        return _fill(store)
    finally:
        store.engine.dispose()


@contextlib.contextmanager
def _same_every_time() -> Iterator[None]:
    """Name the machine, its Python, the code and its jail alike everywhere.

    And number what is else named by chance.
    """
    numbers = itertools.count(1)
    with (
        mock.patch.dict(os.environ, {"REELSTORE_GIT_REVISION": "0" * 40}),
        mock.patch("platform.node", return_value="golden"),
        mock.patch("platform.python_version", return_value="3.11.0"),
        mock.patch("secrets.token_hex", lambda num_bytes: f"{next(numbers):0{2 * num_bytes}x}"),
        mock.patch.object(FrameExtractor, "jail", {}),
    ):
        yield


def _fill(store: Store) -> dict[str, Any]:
    now = START
    for name, role in ((LABELED, "labeled"), (SCORED, "score")):
        _ingest(store, name, role, now)
    fingerprints = _freeze(store, now)
    for name in (LABELED, SCORED):
        for view in views_registry.names():
            _extract(store, view, fingerprints[view], name, now + MINUTE)
    as_of = now + 2 * MINUTE
    given = pin_training_set(store, ("labeled",), as_of).publish(as_of)
    inputs = TrainingInputs(given.examples, given.vocabulary, TAXONOMY)
    trained = fused_training.train(inputs, RECIPE, Start(seed=0))
    judged = judge(trained, given.examples)
    origin, later = given.origin, now + 3 * MINUTE
    model = model_publishing.publish_model(store, trained, judged, origin, later)
    registry.promote(store, model.id, later)
    pinned = snapshot.pin(store, [SCORED], fingerprints)
    blocks = score(stored_model.load_model(model), Examples(store, pinned), batch_size=2)
    makers = [block.clone for block in blocks]
    scored_partitions.publish(store, model.id, pinned.pins[0], makers, later)
    _correct_a_label(store, now + 4 * MINUTE)
    return _answers(store, given.examples, origin.snapshot_id, as_of, model.id)


def _answers(
    store: Store, examples: Examples, snapshot_id: str, as_of: datetime, model_id: str
) -> dict[str, Any]:
    heads = [
        commit for dataset in commits.datasets(store) for commit in commits.heads(store, dataset)
    ]
    batch = examples.read(np.arange(len(examples)))
    arrays = [
        batch.embeddings,
        batch.frame_mask,
        batch.pts_seconds,
        *batch.token_ids,
        *batch.slot_ids,
    ]
    scored = (
        scored_partitions.scan(store, model_id, SCORED)
        .select("video_id", "category_id", "probability")
        .collect()
    )
    return {
        "as_of": as_of.isoformat(),
        "aliases": commits.aliases(store),
        "heads": {str(commit.address): [commit.id, commit.num_rows] for commit in heads},
        "snapshot": snapshot_id,
        "model": model_id,
        "examples": len(examples),
        "video_ids": sha256_bytes("\n".join(examples.video_ids).encode()),
        "arrays": sha256_bytes(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)),
        "labels": examples.labels.tolist(),
        "is_validation": examples.is_validation.tolist(),
        "predictions": scored.to_dicts(),
    }


def _ingest(store: Store, name: str, role: Any, now: datetime) -> None:
    path = Path(CORPUS) / f"{name}.jsonl"
    taxonomy = TAXONOMY if role == "labeled" else None
    listing = read_listing(manifest.read_records(path, name), name, role, path.parent, taxonomy)

    def publish_elsewhere(*given: Any, attributes: dict[str, Any], **named: Any) -> Any:
        publish: Any = tables.publish_videos
        return publish(*given, attributes={**attributes, "media_root": CORPUS}, **named)

    # Where the corpus lies here is no part of the store.
    with mock.patch("warehouse.ingest.ingestion.publish_videos", publish_elsewhere):
        publish_listing(store, listing, now)


def _correct_a_label(store: Store, now: datetime) -> None:
    labels = tables.read_labels(store, LABELED)
    assert labels is not None
    is_wrong = pl.col("video_id") == f"{5:020d}"
    category_id = pl.when(is_wrong).then(pl.lit("0000")).otherwise("category_id")
    corrected = labels.with_columns(category_id=category_id).with_columns(
        level1_id=pl.col("category_id").str.head(2),
        annotator=pl.when(is_wrong).then(pl.lit("Ada")),
        source=pl.when(is_wrong).then(pl.lit("review")),
    )
    tables.publish_labels(store, LABELED, corrected, TAXONOMY, now)


def _freeze(store: Store, now: datetime) -> dict[Any, str]:
    weights = _weights()
    Path("weights.safetensors").write_bytes(weights)
    frame_spec = make_frame_spec(ENCODER, ENCODER_KWARGS, Path("weights.safetensors"))
    videos = tables.read_videos(tables.video_partition(store, LABELED), ["title", "ocr", "asr"])
    fields = [read_fields(*row) for row in videos.iter_rows()]
    parameters = TfidfParameters()
    terms = fit_tfidf([count_terms(fields)], parameters)
    words = sorted(
        {char for each in fields for char in each.title + each.ocr + each.asr if not char.isspace()}
    )
    vocabulary = "\n".join([*dict.fromkeys([*PIECES, *words]), ""]).encode()
    files = {wanted.VOCABULARY_FILE: vocabulary, **terms.to_files()}
    return {
        "frames": wanted.freeze(store, frame_spec, {"weights.safetensors": weights}, now),
        "text": wanted.freeze(store, make_text_spec(terms, vocabulary, parameters), files, now),
    }


def _weights() -> bytes:
    """Weights of the encoder, drawn: the same on every machine."""
    rng, model = (
        np.random.default_rng(20_261_120),
        timm.create_model(ENCODER, num_classes=0, **ENCODER_KWARGS),
    )
    shapes = {name: tuple(tensor.shape) for name, tensor in sorted(model.state_dict().items())}
    return safetensors.numpy.save(
        {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    )


def _extract(store: Store, view: Any, fingerprint: str, name: str, now: datetime) -> None:
    with (
        Extraction(store, Runtime(num_workers=1), clock=lambda: 0.0) as extraction,
        extraction.job(Request(view, fingerprint, name), now) as job,
    ):
        for index in range(job.num_chunks):
            job.make(index)
        job.publish(now)


if __name__ == "__main__":
    make(HERE / sys.argv[1])
