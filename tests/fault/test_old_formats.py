"""A golden store of each format version reads to this day.

And a version that is not known is refused.
"""

import contextlib
import hashlib
import io
import json
import re
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest

from featurestore import wanted
from featurestore.extraction.decoding.media import MediaItem
from featurestore.extraction.frames import FrameExtractor
from featurestore.extraction.words.text import TextExtractor, TextRecipe
from featurestore.extraction.words.tfidf import TermWeights
from featurestore.forgetting import forget_videos, traces
from featurestore.progress.coverage import view_coverage
from featurestore.progress.plan import plan_view
from featurestore.reading import scan, snapshot
from featurestore.reading.examples import Examples
from featurestore.views import registry as views_registry
from featurestore.views.frames import embeddings, frame_chunks
from featurestore.views.frames.frame_spec import FrameSpec
from featurestore.views.heads import address
from featurestore.views.spec import TRANSFORM_VERSION
from featurestore.views.text import tokens
from featurestore.views.text.text_spec import TextSpec
from modeling.learning.inputs.training_set import pin_training_set
from modeling.models import registry, scored_partitions, stored_model
from modeling.models.scoring import score
from warehouse import commits, tables
from warehouse.commits import Address, Commit
from warehouse.errors import Invalid
from warehouse.storage.files import canonical_json, sha256_bytes
from warehouse.store import Store, open_existing_store, open_store
from warehouse.tables import split

FOLDER = Path(__file__).parents[1] / "golden"
VERSIONS = sorted(path.parent.name for path in FOLDER.glob("*/answers.json"))
SCHEMAS = sorted(path.stem for path in (FOLDER / "catalogs").glob("*.sql"))
NOW = datetime.fromisoformat("2027-01-01T00:00:00+00:00")

Answers = dict[str, Any]
Golden = Callable[[str], Path]


@pytest.fixture(params=VERSIONS)
def root(request: pytest.FixtureRequest, golden: Golden) -> Path:
    return golden(request.param)


@pytest.fixture
def answers(root: Path) -> Answers:
    found: Answers = json.loads((root / "answers.json").read_text())
    return found


@pytest.fixture
def opened(root: Path) -> Store:
    return open_existing_store(root)


@pytest.fixture
def newest(golden: Golden) -> Store:
    """The store whose features this code makes."""
    return open_existing_store(golden(str(TRANSFORM_VERSION)))


def training_moment(answers: Answers) -> datetime:
    return datetime.fromisoformat(answers["as_of"])


def test_every_file_of_a_golden_store_is_whole(
    opened: Store, record: Any, answers: Answers
) -> None:
    assert list(commits.verify(opened)) == []
    heads = [
        commit for dataset in commits.datasets(opened) for commit in commits.heads(opened, dataset)
    ]
    assert {str(commit.address): [commit.id, commit.num_rows] for commit in heads} == answers[
        "heads"
    ]
    assert commits.aliases(opened) == answers["aliases"]
    record("old formats", f"golden stores {', '.join(VERSIONS)}: {len(heads)} heads read")


def test_every_table_reads_with_its_rows(opened: Store) -> None:
    for commit in commits.heads(opened, tables.VIDEOS):
        assert len(tables.read_table(commit, "videos.parquet")) == commit.num_rows > 0
    for commit in commits.heads(opened, tables.LABELS):
        labels = tables.validated(tables.Labels, tables.scan_labels(commit).collect())
        assert len(labels) == commit.num_rows > 0
    assert (
        tables.validated(
            tables.Videos, tables.read_videos(tables.video_partition(opened, "labeled"))
        ).height
        == 20
    )


def test_examples_of_the_training_then_are_read_byte_by_byte_alike(
    opened: Store, answers: Answers
) -> None:
    pinned = pin_training_set(opened, ("labeled",), NOW, as_of=training_moment(answers))
    given = pinned.publish(NOW)
    assert given.origin.snapshot_id == answers["snapshot"]
    assert len(given.examples) == answers["examples"]
    batch = given.examples.read(np.arange(len(given.examples)))
    arrays = [
        batch.embeddings,
        batch.frame_mask,
        batch.pts_seconds,
        *batch.token_ids,
        *batch.slot_ids,
    ]
    assert (
        sha256_bytes(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays))
        == answers["arrays"]
    )
    assert sha256_bytes("\n".join(given.examples.video_ids).encode()) == answers["video_ids"]
    assert given.examples.labels.tolist() == answers["labels"]
    assert given.examples.is_validation.tolist() == answers["is_validation"]
    now = pin_training_set(opened, ("labeled",), NOW)
    assert now.examples.labels.tolist() != answers["labels"]


def test_the_golden_model_scores_as_it_did(opened: Store, answers: Answers) -> None:
    loaded = stored_model.load_model(registry.require(opened, "champion"))
    assert loaded.model_id == answers["model"]
    pinned = snapshot.pin(opened, ["2026-11-20"], loaded.fingerprints)
    again = pl.concat(score(loaded, Examples(opened, pinned)))
    kept = scored_partitions.scan(opened, loaded.model_id, "2026-11-20").collect()
    assert kept.schema == tables.Predictions.create_empty().schema
    pinned_commits = [
        {"view": view, "commit_id": pinned.pins[0].features[view]}
        for view in views_registry.names()
    ]
    assert kept["feature_commits"].to_list() == [pinned_commits] * len(kept)
    assert kept["missing_views"].to_list() == again["missing_views"].to_list()
    for rows in (again, kept):
        assert rows["video_id"].to_list() == [row["video_id"] for row in answers["predictions"]]
        wanted_ = [row["probability"] for row in answers["predictions"]]
        np.testing.assert_allclose(rows["probability"].to_numpy(), wanted_, atol=1e-4)


def test_there_is_nothing_to_do_in_a_golden_store(opened: Store, answers: Answers) -> None:
    fingerprints = wanted.require(opened)
    for partition in tables.video_partitions(opened):
        for view in views_registry.names():
            work = plan_view(opened, view, fingerprints[view], partition)
            assert (work.is_current, work.reasons, work.contents) == (True, {}, 0)
    pinned = snapshot.pin(opened, ["2026-11-20"], fingerprints)
    assert scored_partitions.are_current(opened, answers["model"], pinned.pins[0])


def test_scans_specs_and_previews_read(opened: Store) -> None:
    fingerprints = wanted.require(opened)
    pinned = snapshot.pin(opened, ["labeled"], fingerprints)
    both = ["partition", "video_id"]
    rows = scan.labels(opened, pinned).join(scan.features(opened, pinned, "frames"), on=both)
    assert (
        rows.join(scan.features(opened, pinned, "text"), on=both).select(pl.len()).collect().item()
        == 18
    )
    assert wanted.load_spec(opened, fingerprints["frames"], FrameSpec).embedding_dim == 4
    frames = commits.head(opened, address("frames", fingerprints["frames"], "labeled"))
    assert frames is not None
    assert len(list(frame_chunks.previews(frames))) == 19
    text = wanted.spec_commit(opened, "text", fingerprints["text"])
    weights = TermWeights.from_files({name: commits.read_bytes(text, name) for name in text.files})
    assert weights.num_documents == 20


def test_the_golden_corpus_still_gives_the_frames_of_its_version(newest: Store) -> None:
    """Code that changes them makes another transform version, and another golden store."""
    fingerprint = wanted.require(newest)["frames"]
    commit = wanted.spec_commit(newest, "frames", fingerprint)
    spec, weights = (
        wanted.load_spec(newest, fingerprint, FrameSpec),
        commits.verified_path(commit, "weights.safetensors"),
    )
    for name in ("labeled", "2026-11-20"):
        media = (
            tables.read_videos(tables.video_partition(newest, name))
            .drop_nulls("media_path")
            .sort("video_id")
        )
        items = [
            MediaItem(row["media_sha256"], FOLDER / "corpus" / row["media_path"], row["media_kind"])
            for row in media.iter_rows(named=True)
        ]
        with FrameExtractor(spec, weights, 2) as extractor:
            outcomes = dict(
                zip(media["video_id"], extractor.extract(items, previews=False), strict=True)
            )
        kept = head(newest, address("frames", fingerprint, name))
        ledger = tables.read_table(kept, "ledger.parquet").filter(pl.col("outcome") != "no_media")
        assert {
            row["video_id"]: (row["outcome"], row["detail"]) for row in ledger.iter_rows(named=True)
        } == {video_id: (outcome.reason, outcome.detail) for video_id, outcome in outcomes.items()}
        shard = embeddings.open_mapped(commits.verified_path(kept, "shard-00000.h5"))
        good = [outcome for outcome in outcomes.values() if outcome.embeddings is not None]
        np.testing.assert_array_equal(
            shard.frame_mask, np.stack([outcome.frame_mask for outcome in good])
        )
        np.testing.assert_array_equal(
            shard.pts_seconds, np.stack([outcome.pts_seconds for outcome in good])
        )
        # Another kind of processor may round the last bit otherwise.
        np.testing.assert_allclose(
            shard.embeddings, np.stack([outcome.embeddings for outcome in good]), atol=2e-3
        )


def test_the_golden_corpus_still_gives_the_text_of_its_version(newest: Store) -> None:
    fingerprint = wanted.require(newest)["text"]
    commit = wanted.spec_commit(newest, "text", fingerprint)
    weights = TermWeights.from_files(
        {name: commits.read_bytes(commit, name) for name in commit.files}
    )
    vocabulary = commits.read_bytes(commit, wanted.VOCABULARY_FILE)
    extractor = TextExtractor(
        TextRecipe(wanted.load_spec(newest, fingerprint, TextSpec), vocabulary, weights)
    )
    for name in ("labeled", "2026-11-20"):
        rows = extractor.extract(
            tables.read_videos(tables.video_partition(newest, name)).sort("video_id")
        )
        kept = head(newest, address("text", fingerprint, name))
        assert rows.equals(tokens.read(commits.verified_path(kept, "shard-00000.parquet")))


def test_the_catalog_is_made_again_from_golden_files(root: Path, answers: Answers) -> None:
    (root / "catalog.db").unlink()
    store = open_store(root)
    assert commits.rebuild_catalog(store).lost == ()
    heads = [
        commit for dataset in commits.datasets(store) for commit in commits.heads(store, dataset)
    ]
    assert {str(commit.address): [commit.id, commit.num_rows] for commit in heads} == answers[
        "heads"
    ]
    assert commits.aliases(store) == answers["aliases"]


def test_videos_are_forgotten_in_a_golden_store(opened: Store) -> None:
    scored, labeled = "00000000000000000100", "00000000000000000003"
    sizes = {partition.name: partition.commit.num_rows for partition in listings(opened)}
    states = {str(each) for each in plans(opened)}
    forget_videos(opened, [scored, labeled], NOW)
    assert [*commits.verify(opened), *traces(opened)] == []
    rest = {partition.name: partition.commit.num_rows for partition in listings(opened)}
    assert rest == {name: size - 1 for name, size in sizes.items()}
    assert {str(each) for each in plans(opened)} == states
    for pinned in commits.commits(opened, snapshot.DATASET):
        examples = Examples(opened, snapshot.load(pinned))
        assert labeled not in examples.video_ids[:]
        assert len(examples.read(np.arange(len(examples))).embeddings) == rest["labeled"]
    champion = registry.champion(opened)
    assert champion is not None
    rows = scored_partitions.scan(opened, champion.id, "2026-11-20").collect()
    assert len(rows) == rest["2026-11-20"]
    read = {each["commit_id"] for row in rows["feature_commits"] for each in row}
    assert all(commits.find(opened, each) is not None for each in read)


def listings(store: Store) -> list[tables.VideoPartition]:
    return tables.video_partitions(store)


def plans(store: Store) -> list[tuple[str, str, str]]:
    fingerprints = wanted.require(store).items()
    return [
        (view, partition.name, view_coverage(store, view, fingerprint, partition).state)
        for view, fingerprint in fingerprints
        for partition in listings(store)
    ]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_catalog_of_an_older_schema_is_brought_up_to_date_by_opening_it(
    tmp_path: Path, schema: str
) -> None:
    dump = (FOLDER / "catalogs" / f"{schema}.sql").read_text(encoding="utf-8")
    with contextlib.closing(sqlite3.connect(tmp_path / "catalog.db")) as catalog:
        catalog.executescript(dump)
        before = {
            table: rows(catalog, table)
            for table in ("commits", "files", "heads", "aliases", "pending")
        }
    store = open_existing_store(tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "catalog.db")) as catalog:
        after = {table: rows(catalog, table) for table in before}
    assert [row[3] for row in after["aliases"]] == [0, 0, 0]  # none is provisional
    for tables_ in (before, after):
        tables_["aliases"] = [row[:3] for row in tables_["aliases"]]
    assert after == before
    labeled = commits.head(store, Address(tables.VIDEOS, "labeled"))
    assert labeled is not None
    assert labeled.num_rows == 13
    then = commits.head(store, labeled.address, datetime.fromisoformat("2026-11-20T08:45:00+00:00"))
    assert then is not None
    assert then.num_rows == 12
    assert set(commits.aliases(store)) == {"champion", "wanted/frames", "wanted/text"}


def rows(catalog: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    return catalog.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall()  # noqa: S608 - our own names


UNKNOWN_VERSION = 99


def raised_json(payload: bytes) -> bytes:
    return canonical_json({**json.loads(payload), "format_version": UNKNOWN_VERSION})


def raised_parquet(payload: bytes) -> bytes:
    raised = io.BytesIO()
    metadata = {"format_version": str(UNKNOWN_VERSION)}
    pl.read_parquet(payload).write_parquet(raised, metadata=metadata)
    return raised.getvalue()


def raised_hdf5(payload: bytes) -> bytes:
    with h5py.File.in_memory(payload) as file:
        file.attrs["format_version"] = UNKNOWN_VERSION
        file.flush()
        return bytes(file.id.get_file_image())


def republish(store: Store, commit: Commit, name: str, change: Callable[[bytes], bytes]) -> Commit:
    """Publish a commit again by the real door, with one file changed: its digests are right."""
    payloads = {file: commits.read_bytes(commit, file) for file in commit.files}
    return commits.publish_files(
        store,
        commit.address,
        {**payloads, name: change(payloads[name])},
        commits.Draft(
            facts=commit.facts,
            num_rows=commit.num_rows,
            provenance={"made_from": commits.read_provenance(commit).get("made_from", {})},
        ),
        NOW,
    )


def head(store: Store, place: Address) -> Commit:
    found = commits.head(store, place)
    assert found is not None
    return found


def champion(store: Store) -> Commit:
    return registry.require(store, None)


def pinned_examples(store: Store) -> Examples:
    examples = Examples(store, snapshot.pin(store, ["labeled"], wanted.require(store)))
    examples.read(np.arange(len(examples)))
    return examples


def features(view: Any) -> Callable[[Store], Commit]:
    return lambda store: head(store, address(view, wanted.require(store)[view], "labeled"))


def frozen(view: Any) -> Callable[[Store], Commit]:
    return lambda store: wanted.spec_commit(store, view, wanted.require(store)[view])


def terms(store: Store, _: Commit) -> None:
    commit = frozen("text")(store)
    TermWeights.from_files({name: commits.read_bytes(commit, name) for name in commit.files})


def table(name: str) -> Callable[[Store, Commit], Any]:
    return lambda _, commit: tables.read_table(commit, name)


def spec(view: Any, kind: Any) -> Callable[[Store, Commit], Any]:
    return lambda store, _: wanted.load_spec(store, wanted.require(store)[view], kind)


FORMATS: dict[
    str,
    tuple[Callable[[Store], Commit], str, Callable[[bytes], bytes], Callable[[Store, Commit], Any]],
] = {
    "videos": (
        lambda s: head(s, Address(tables.VIDEOS, "labeled")),
        "videos.parquet",
        raised_parquet,
        table("videos.parquet"),
    ),
    "labels": (
        lambda s: head(s, Address(tables.LABELS, "labeled")),
        "labels.parquet",
        raised_parquet,
        lambda _, c: tables.scan_labels(c).collect(),
    ),
    "media": (
        lambda s: head(s, Address("tables/media", "labeled")),
        "media.parquet",
        raised_parquet,
        table("media.parquet"),
    ),
    "split": (
        lambda s: head(s, split.SPLIT),
        "split.json",
        raised_json,
        lambda s, _: split.frozen_salt(s),
    ),
    "ledger": (
        features("frames"),
        "ledger.parquet",
        raised_parquet,
        lambda s, _: pinned_examples(s),
    ),
    "embeddings": (
        features("frames"),
        "shard-00000.h5",
        raised_hdf5,
        lambda s, _: pinned_examples(s),
    ),
    "previews": (
        features("frames"),
        "preview-00000.h5",
        raised_hdf5,
        lambda _, c: dict(frame_chunks.previews(c)),
    ),
    "tokens": (
        features("text"),
        "shard-00000.parquet",
        raised_parquet,
        lambda s, _: pinned_examples(s),
    ),
    "frame spec": (frozen("frames"), "spec.json", raised_json, spec("frames", FrameSpec)),
    "text spec": (frozen("text"), "spec.json", raised_json, spec("text", TextSpec)),
    "terms": (frozen("text"), "terms.json", raised_json, terms),
    "snapshot": (
        lambda s: commits.commits(s, snapshot.DATASET)[-1],
        "snapshot.json",
        raised_json,
        lambda _, c: snapshot.load(c),
    ),
    "model": (
        champion,
        "config.json",
        raised_json,
        lambda _, c: stored_model.load_model(c),
    ),
    "spec of a model": (
        champion,
        "frames_spec.json",
        raised_json,
        lambda _, c: stored_model.load_model(c),
    ),
    "predictions": (
        lambda s: head(s, scored_partitions.address(champion(s).id, "2026-11-20")),
        "predictions-00000.parquet",
        raised_parquet,
        lambda s, _: scored_partitions.scan(s, champion(s).id, "2026-11-20").collect(),
    ),
}


@pytest.mark.parametrize(("find", "name", "change", "read"), FORMATS.values(), ids=FORMATS)
def test_an_unknown_version_of_a_file_is_refused_with_a_sentence(
    opened: Store,
    find: Callable[[Store], Commit],
    name: str,
    change: Callable[[bytes], bytes],
    read: Callable[[Store, Commit], Any],
) -> None:
    commit = find(opened)
    read(opened, commit)
    newer = republish(opened, commit, name, change)
    with pytest.raises(
        Invalid,
        match=rf"{re.escape(name)} has format version '?{UNKNOWN_VERSION}'?, .*upgrade Reelstore$",
    ):
        read(opened, newer)


def test_a_manifest_of_an_unknown_version_is_refused_with_a_sentence(root: Path) -> None:
    manifest = next(root.glob("models/*/manifest.json"))
    payload = raised_json(manifest.read_bytes())
    old, new = sha256_bytes(manifest.read_bytes()), sha256_bytes(payload)
    manifest.write_bytes(payload)
    manifest.parent.rename(manifest.parent.with_name(new[:16]))
    rewrite_journal(root, lambda text: text.replace(old.encode(), new.encode()))
    (root / "catalog.db").unlink()
    with pytest.raises(Invalid, match=r"manifest\.json has format version 99.*upgrade Reelstore$"):
        commits.rebuild_catalog(open_store(root))


def test_a_journal_of_an_unknown_version_is_refused_with_a_sentence(root: Path) -> None:
    rewrite_journal(root, raised_json)
    (root / "catalog.db").unlink()
    with pytest.raises(
        Invalid, match=r"00000001-\w+\.json has format version 99.*upgrade Reelstore$"
    ):
        commits.rebuild_catalog(open_store(root))


def rewrite_journal(root: Path, change: Callable[[bytes], bytes]) -> None:
    for path in sorted((root / "journal").glob("*.json")):
        payload = change(path.read_bytes())
        path.unlink()
        digest = hashlib.sha256(payload).hexdigest()
        path.with_name(f"{path.name[:9]}{digest[:16]}.json").write_bytes(payload)


def test_a_catalog_of_an_unknown_schema_is_refused_with_a_sentence(root: Path) -> None:
    with contextlib.closing(sqlite3.connect(root / "catalog.db")) as catalog:
        catalog.execute("UPDATE alembic_version SET version_num = '9999'")
        catalog.commit()
    with pytest.raises(Invalid, match=r"newer Reelstore.*upgrade Reelstore"):
        open_existing_store(root)
