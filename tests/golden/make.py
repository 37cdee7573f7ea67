"""Make the golden store of the present format versions: `python tests/golden/make.py 1` writes tests/golden/1 anew.

It goes through the real doors with drawn data and fixed clocks. Run it for a new format version, into a new folder, and
keep the old one: every Reelstore reads them all.
"""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import polars as pl
import safetensors.numpy

from featurestore import snapshot, wanted
from featurestore.extract import work_limits
from featurestore.extract.frames import FrameExtractor
from featurestore.extract.media import MediaItem
from featurestore.extract.text import make_text_spec
from featurestore.extract.tfidf import count_terms, fit_tfidf
from featurestore.extract.words import read_fields
from featurestore.outcome import FrameOutcome
from featurestore.reader import Examples
from featurestore.reasons import OK, Reason
from featurestore.spec import VIEWS, FrameSpec, TfidfParameters
from flows.view_jobs import ViewJob
from modeling import finetuning, model_publishing, predictions, registry, stored_model
from modeling.configuration import FinetuningConfig, ModelConfig, Recipe
from modeling.evaluation.judgement import judge
from modeling.scoring import score
from modeling.training_set import open_training_set
from warehouse import commits, split, tables
from warehouse.files import canonical_json, sha256_bytes
from warehouse.media import digest_media
from warehouse.store import Store, open_store
from warehouse.taxonomy import Category, Taxonomy

HERE = Path(__file__).parent
START = datetime(2026, 11, 20, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EMBEDDING_DIM = 4
NUM_LABELED = 20
LABELED, SCORED = "labeled", "2026-11-20"
TAXONOMY = Taxonomy("golden", (Category("0000", "00"), Category("0100", "01")))
WORDS = ("北京", "天安门", "音乐", "足球", "比赛", "歌手")
VOCABULARY = "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set("".join(WORDS))), ""]).encode()
RECIPE = Recipe(
    name="golden",
    model=ModelConfig(
        width=4, num_heads=2, num_language_layers=1, num_cross_layers=1, feed_forward_width=4, max_positions=32
    ),
    finetuning=FinetuningConfig(batch_size=4, epochs=1, adversary="none", resample=False),
)


def make(target: Path) -> None:
    """Make a store, and beside it what is to be read of it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        store = open_store(root)
        known = {"REELSTORE_GIT_REVISION": "0" * 40}
        with mock.patch.dict(os.environ, known), mock.patch("platform.node", return_value="golden"), _drawn_frames():
            answers = _fill(store, Path(folder) / "media")
        store.engine.dispose()
        with contextlib.closing(sqlite3.connect(root / "catalog.db")) as catalog:
            dump = "\n".join(catalog.iterdump()) + "\n"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(root, target, ignore=shutil.ignore_patterns("catalog.*", "staging", "checkpoints"))
    (target / "catalog.sql").write_text(dump, encoding="utf-8")
    (target / "answers.json").write_text(json.dumps(answers, indent=1, sort_keys=True), encoding="utf-8")


def _fill(store: Store, media: Path) -> dict[str, Any]:
    now = START
    _ingest(store, LABELED, "labeled", list(range(NUM_LABELED)), media, now)
    _ingest(store, SCORED, "score", [100, 101, 102], media, now)
    fingerprints = _freeze(store, now)
    for name in (LABELED, SCORED):
        for view in VIEWS:
            _extract(store, view, fingerprints[view], name, now + MINUTE)
    as_of = now + 2 * MINUTE
    given = open_training_set(store, ("labeled",), as_of)
    trained = finetuning.train(given.examples, TAXONOMY, RECIPE, given.vocabulary, seed=0)
    judged = judge(trained, given.examples)
    origin, later = given.origin, now + 3 * MINUTE
    model = model_publishing.publish_model(store, trained, judged, origin, encoder_id=None, provenance={}, now=later)
    registry.promote(store, model.id, later)
    pinned = snapshot.pin(store, [SCORED], fingerprints)
    blocks = list(score(stored_model.load_model(model), Examples(store, pinned), batch_size=2))
    predictions.publish(store, model.id, pinned.pins[0], blocks, later)
    _label(store, list(range(NUM_LABELED)), now + 4 * MINUTE, flipped={5})
    return _answers(store, given.examples, origin.snapshot_id, as_of, model.id)


def _answers(store: Store, examples: Examples, snapshot_id: str, as_of: datetime, model_id: str) -> dict[str, Any]:
    heads = [commit for dataset in commits.datasets(store) for commit in commits.heads(store, dataset)]
    batch = examples.read(np.arange(len(examples)))
    arrays = [batch.embeddings, batch.frame_mask, batch.pts_seconds, *batch.token_ids, *batch.slot_ids]
    scored = predictions.scan(store, model_id, SCORED).select("video_id", "category_id", "probability").collect()
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


def _ingest(store: Store, name: str, role: tables.Role, numbers: Sequence[int], media: Path, now: datetime) -> None:
    media.mkdir(exist_ok=True)
    for number in numbers:
        (media / f"{number}.mp4").write_bytes(_content(number))
        os.utime(media / f"{number}.mp4", ns=(0, number))
    paths = [f"{number}.mp4" for number in numbers]
    digest_media(store, name, media, paths, now, rehash=False, on_hashed=lambda _done, _all: None)
    videos = pl.DataFrame([_video(number) for number in numbers], schema=tables.Videos.create_empty().schema)
    tables.publish_videos(store, name, role, videos, Path("/media"), now)
    if role == "labeled":
        _label(store, numbers, now)
        categories = [_category(number) for number in numbers]
        split.freeze_salt(store, [sha256_bytes(_content(number)) for number in numbers], categories, now)


def _label(store: Store, numbers: Sequence[int], now: datetime, flipped: Sequence[int] | set[int] = ()) -> None:
    categories = {number: _category(number + (number in flipped)) for number in numbers}
    rows = [
        {"video_id": _name(number), "category_id": category, "level1_id": category[:2]}
        for number, category in categories.items()
    ]
    tables.publish_labels(store, LABELED, pl.DataFrame(rows), TAXONOMY, now)


def _freeze(store: Store, now: datetime) -> dict[Any, str]:
    weights = safetensors.numpy.save({"drawn": np.arange(EMBEDDING_DIM, dtype=np.float32)})
    frame_spec = FrameSpec(
        resize_short_side=73,
        crop=64,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        encoder="drawn",
        weights_sha256=sha256_bytes(weights),
        embedding_dim=EMBEDDING_DIM,
    )
    parameters = TfidfParameters()
    terms = fit_tfidf(
        [count_terms(read_fields(_video(number)["title"], [], "") for number in range(NUM_LABELED))], parameters
    )
    files = {wanted.VOCABULARY_FILE: VOCABULARY, **terms.to_files()}
    return {
        "frames": wanted.freeze(store, frame_spec, {"weights.safetensors": weights}, now),
        "text": wanted.freeze(store, make_text_spec(terms, VOCABULARY, parameters), files, now),
    }


def _extract(store: Store, view: Any, fingerprint: str, name: str, now: datetime) -> None:
    settings: Any = SimpleNamespace(decode_workers=1, allow_missing_jail_layers=(), work_limits=work_limits.DEFAULT)
    job = ViewJob(store, settings, view, fingerprint, tables.video_partition(store, name), now)
    for index in range(job.num_chunks):
        job.make(index)
    job.publish(now)


@contextlib.contextmanager
def _drawn_frames() -> Iterator[None]:
    def extract(_self: FrameExtractor, items: Sequence[MediaItem], *, previews: bool) -> list[FrameOutcome]:
        return [_outcome(item.content_sha256, previews=previews) for item in items]

    with (
        mock.patch.object(FrameExtractor, "__init__", return_value=None),
        mock.patch.object(FrameExtractor, "extract", extract),
        mock.patch.object(FrameExtractor, "jail", {}),
    ):
        yield


def _outcome(content_sha256: str, *, previews: bool) -> FrameOutcome:
    if content_sha256 == sha256_bytes(_content(7)):
        return FrameOutcome(Reason.NOT_MEDIA, "drawn as no container")
    seed = int(content_sha256[:8], 16)
    mask = (np.arange(8) < 3 + seed % 6).astype(np.uint8)
    values = np.random.default_rng(seed).normal(size=(8, EMBEDDING_DIM)).astype(np.float16)
    return FrameOutcome(
        OK,
        embeddings=np.where(mask[:, None], values, np.float16(0)),
        frame_mask=mask,
        pts_seconds=(np.arange(8) * mask / 2).astype(np.float32),
        preview=b"\xff\xd8\xff\xd9" if previews else None,
    )


def _video(number: int) -> dict[str, Any]:
    title = "" if number == 9 else WORDS[number % 2 * 3] + WORDS[number % 2 * 3 + 1 + number // 2 % 2] + "音乐"
    ocr = [{"time_seconds": 1.5, "text": WORDS[number % 6]}] if number % 4 == 1 and title else []
    text_sha256 = hashlib.sha256(canonical_json([title, ocr, ""])).hexdigest()
    return {
        "video_id": _name(number),
        "media_path": f"{number}.mp4",
        "media_kind": "video",
        "media_sha256": sha256_bytes(_content(number)),
        "size_bytes": len(_content(number)),
        "title": title,
        "ocr": ocr,
        "asr": "",
        "text_sha256": text_sha256,
        "content_sha256": sha256_bytes(_content(number)),
    }


def _content(number: int) -> bytes:
    return f"drawn {number}".encode()


def _name(number: int) -> str:
    return f"{number:020d}"


def _category(number: int) -> str:
    return TAXONOMY.category_ids[number % 2]


if __name__ == "__main__":
    make(HERE / sys.argv[1])
