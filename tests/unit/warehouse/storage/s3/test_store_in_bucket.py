"""A store in a bucket: all that a store is asked for, and the same commits as in a folder."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.s3_server import KEYS, S3Server
from tests.unit.warehouse.commits.test_forgetting import Letters
from warehouse import commits
from warehouse.commits import Address, Commit, Draft
from warehouse.errors import Corrupt, Invalid
from warehouse.store import Store, open_existing_store, open_store

DAY = Address("tables/videos", "day")
MODELS = Address("models")


@pytest.fixture
def catalog(tmp_path: Path, catalog_url: str | None) -> str:
    return catalog_url or f"sqlite:///{tmp_path}/catalog.db"


@pytest.fixture
def kept(server: S3Server, tmp_path: Path, catalog: str) -> Iterator[Store]:
    store = open_store(server.root(tmp_path / "cache"), catalog)
    yield store
    store.engine.dispose()


def publish(store: Store, rows: str, now: datetime, address: Address = DAY) -> Commit:
    draft = Draft(facts={}, num_rows=len(rows), attributes={"odd": [rows[0]]})
    payloads = {"rows": rows.encode(), "same": b"same"}
    return commits.publish_files(store, address, payloads, draft, now)


def fill(store: Store, now: datetime) -> list[str]:
    """Publish two versions of a day and a model; their ids."""
    made = [publish(store, rows, now) for rows in ("ABC", "BCDE")]
    made.append(publish(store, "M", now, MODELS))
    commits.set_alias(store, "champion", made[-1].id, now)
    return [commit.id for commit in made]


def objects(server: S3Server) -> set[str]:
    return {path.name for path in (server.data / "videos/store/objects").iterdir()}


def test_a_bucket_and_a_folder_have_the_same_commits(
    kept: Store, tmp_path: Path, now: datetime
) -> None:
    folder = open_store(tmp_path / "store")
    assert fill(kept, now) == fill(folder, now)
    for one, other in zip(
        *(commits.commits(store, DAY.dataset) for store in (kept, folder)), strict=True
    ):
        assert (one.manifest, one.created_at, one.files) == (
            other.manifest,
            other.created_at,
            other.files,
        )
        for name in one.files:
            assert commits.read_bytes(one, name) == commits.read_bytes(other, name)
            assert commits.verified_path(one, name).read_bytes() == commits.read_bytes(one, name)
    names = {path.name for path in (folder.root / "journal").iterdir()}
    assert {key.rpartition("/")[2] for key in kept.storage.list("journal")} == names
    assert list(commits.verify(kept)) == []


def test_gc_removes_objects_that_nothing_needs(
    kept: Store, server: S3Server, now: datetime
) -> None:
    first, second, _ = fill(kept, now)
    late = commits.stage(kept, DAY, "late", now + timedelta(days=8))
    late.write("rows", b"late")
    for path in server.data.rglob("*"):
        os.utime(path, (now.timestamp(),) * 2)
    before = objects(server)
    for dry_run in (True, False):
        assert objects(server) == before
        garbage = commits.collect_garbage(
            kept, now + timedelta(days=9), timedelta(days=2), dry_run=dry_run
        )
        assert garbage.commits == (first,)
        assert [str(folder) for folder in garbage.folders] == [
            f"s3://videos/store/tables/videos/partition=day/{first[:16]}"
        ]
    gone = before - objects(server)
    assert len(gone) == 1
    assert commits.read_bytes(commits.commit_by_id(kept, second), "rows") == b"BCDE"
    assert late.has("rows")
    assert list(commits.verify(kept)) == []


def test_damage_is_found_and_named(kept: Store, server: S3Server, now: datetime) -> None:
    fill(kept, now)
    commit = commits.commits(kept, MODELS.dataset)[0]
    path = server.data / "videos/store/objects" / commit.files["rows"].sha256
    path.write_bytes(b"N")
    (damage,) = commits.verify(kept)
    assert str(damage.path) == f"s3://videos/store/models/{commit.id[:16]}/rows"
    assert damage.problem == "has changed bytes"
    path.unlink()
    with pytest.raises(Corrupt, match="is missing"):
        commits.verify_commit(commit)


def test_a_lost_catalog_is_made_again(kept: Store, tmp_path: Path, now: datetime) -> None:
    ids = fill(kept, now)
    again = Store(kept.root, open_store(tmp_path / "other").engine, kept.storage)
    assert commits.rebuild_catalog(again).num_commits == 3
    assert commits.aliases(again) == {"champion": ids[2]}
    assert list(commits.verify(again)) == []


def test_a_backup_moves_a_store_between_folder_and_bucket(
    kept: Store, server: S3Server, tmp_path: Path, now: datetime
) -> None:
    ids = fill(kept, now)
    commits.back_up(kept, tmp_path / "backup", now)
    commits.restore(tmp_path / "backup", tmp_path / "folder", None)
    folder = open_existing_store(tmp_path / "folder")
    assert list(commits.verify(folder)) == []
    commits.back_up(folder, tmp_path / "second", now)
    root, url = server.root(tmp_path / "cache", "again"), f"sqlite:///{tmp_path}/again.db"
    commits.restore(tmp_path / "second", root, url)
    again = open_existing_store(root, url)
    assert list(commits.verify(again)) == []
    assert sorted(
        each.id for name in commits.datasets(again) for each in commits.commits(again, name)
    ) == sorted(ids)


def test_a_forgotten_video_leaves_the_bucket(kept: Store, server: S3Server, now: datetime) -> None:
    fill(kept, now)
    commits.forget(kept, commits.salted(kept, ["D"]), Letters("D"), now)
    head = commits.head(kept, DAY)
    assert head is not None
    assert commits.read_bytes(head, "rows") == b"BCE"
    places = (server.data, kept.root)
    paths = [path for place in places for path in place.rglob("*") if path.is_file()]
    payloads = [path.read_bytes() for path in paths]
    assert b"BCDE" not in payloads
    assert list(commits.verify(kept)) == []


def test_a_store_in_a_bucket_needs_a_catalog_of_its_own(server: S3Server, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"s3://videos/store has no place for its catalog"):
        open_store(server.root(tmp_path / "cache"))


def test_no_key_is_kept_anywhere(
    kept: Store, server: S3Server, tmp_path: Path, now: datetime
) -> None:
    fill(kept, now)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert server.requests
    for key in KEYS.values():
        assert [path for path in files if key.encode() in path.read_bytes()] == []
        assert key not in repr(kept)


@pytest.mark.parametrize("is_bucket", [True, False])
def test_a_place_where_no_folder_can_be_made_is_named(server: S3Server, is_bucket: bool) -> None:
    root = server.root(Path("/proc/nowhere")) if is_bucket else Path("/proc/nowhere")
    with pytest.raises(Invalid, match=r"/proc/nowhere.* cannot be made: name another place"):
        open_store(root, "sqlite:////proc/nowhere.db")
