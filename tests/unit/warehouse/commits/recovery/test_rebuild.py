import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from warehouse import catalog, commits
from warehouse.commits import Address, Commit
from warehouse.errors import Corrupt, Invalid
from warehouse.storage.files import sha256_bytes
from warehouse.store import Store, open_existing_store, open_store

Publish = Callable[..., Commit]
KEPT = ("commits", "files", "heads", "journal", "aliases", "lineage")


@pytest.fixture
def published(
    store: Store, publish_files: Publish, address: Address, now: datetime
) -> list[Commit]:
    """A history with everything in it.

    Superseded, swept, rolled back, aliased, beside the heads, made from others.
    """
    hours = (now + timedelta(hours=hour) for hour in range(20))
    found = [
        publish_files({"a.bin": letter}, now=next(hours)) for letter in (b"a", b"b", b"c", b"d")
    ]
    made_from = {"made_from": {"videos": found[1].id}}
    model = publish_files(
        {"m.bin": b"m"},
        address=Address("models"),
        facts=made_from,
        now=next(hours),
        move_head=False,
    )
    commits.set_alias(store, "champion", model.id, next(hours), provisional=True)
    commits.set_alias(store, "challenger", model.id, next(hours))
    commits.collect_garbage(store, next(hours), timedelta(0), dry_run=False)
    publish_files({"a.bin": b"a"}, now=next(hours), attributes={"media_root": "/media"})
    publish_files({"a.bin": b"e"}, now=next(hours), provenance=made_from)
    commits.roll_back(store, address, None, next(hours))
    return commits.commits(store, address.dataset)


def answers(store: Store) -> dict[str, list[dict[str, Any]]]:
    with catalog.reading(store.engine) as connection:
        tables = {
            name: connection.execute(sa.select(catalog.metadata.tables[name])) for name in KEPT
        }
        found = {name: [dict(row) for row in rows.mappings()] for name, rows in tables.items()}
    for row in found["commits"]:
        row["staging_id"] = ""
    return {
        name: sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
        for name, rows in found.items()
    }


def without_catalog(store: Store) -> Store:
    with catalog.writing(store.engine) as connection:
        catalog.metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE alembic_version"))
    store.engine.dispose()
    if store.engine.dialect.name == "postgresql":
        return open_store(store.root, store.engine.url.render_as_string(hide_password=False))
    for path in store.root.glob("catalog.db*"):
        path.unlink()
    return open_store(store.root)


def test_a_lost_catalog_comes_back_from_files(
    store: Store, published: list[Commit], address: Address
) -> None:
    before = answers(store)
    again = without_catalog(store)
    assert commits.head(again, address) is None
    rebuilt = commits.rebuild_catalog(again)
    assert answers(again) == before
    assert (rebuilt.num_commits, rebuilt.lost) == (len(before["commits"]), ())
    assert [commit.id for commit in commits.commits(again, address.dataset)] == [
        commit.id for commit in published
    ]
    assert list(commits.verify(again)) == []


@pytest.mark.usefixtures("published")
def test_what_is_lost_is_named_and_the_rest_comes_back(store: Store, address: Address) -> None:
    head = commits.head(store, address)
    assert head is not None
    shutil.rmtree(head.folder)
    again = without_catalog(store)
    rebuilt = commits.rebuild_catalog(again)
    assert len(rebuilt.lost) == 1
    assert f"commit {head.id[:16]} of {address} is lost" in rebuilt.lost[0]
    assert rebuilt.num_commits == len(commits.commits(again, address.dataset)) + 1
    assert commits.head(again, address) is None


@pytest.mark.usefixtures("published")
def test_a_catalog_that_is_there_is_not_touched(store: Store) -> None:
    before = answers(store)
    with pytest.raises(Invalid, match="is not empty: move it away first"):
        commits.rebuild_catalog(store)
    assert answers(store) == before


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("harm", "error", "sentence"),
    [
        ("drop", Corrupt, "has no journal entry 3"),
        ("flip", Corrupt, "is not journal entry 3 with its own bytes"),
        ("version", Invalid, "has format version 9: upgrade Reelstore"),
    ],
)
def test_a_damaged_or_newer_journal_is_refused(
    store: Store, harm: str, error: type[Exception], sentence: str
) -> None:
    third = sorted((store.root / "journal").iterdir())[2]
    payload = third.read_bytes()
    third.unlink()
    if harm == "flip":
        third.write_bytes(payload.replace(b"head", b"heae"))
    if harm == "version":
        newer = payload.replace(b'"format_version":1', b'"format_version":9')
        third.with_name(f"00000003-{sha256_bytes(newer)[:16]}.json").write_bytes(newer)
    again = without_catalog(store)
    with pytest.raises(error, match=sentence):
        commits.rebuild_catalog(again)
    assert answers(again)["commits"] == []


@pytest.mark.usefixtures("published")
def test_a_new_or_older_catalog_cannot_overwrite_the_journal(
    store: Store, publish_files: Publish
) -> None:
    before = sorted(path.name for path in (store.root / "journal").iterdir())
    without_catalog(store)
    with pytest.raises(Corrupt, match="run reelstore rebuild-catalog"):
        publish_files({"a.bin": b"z"})
    assert sorted(path.name for path in (store.root / "journal").iterdir()) == before


@pytest.mark.usefixtures("published")
def test_a_store_without_its_catalog_says_how_to_make_it_again(store: Store) -> None:
    store.engine.dispose()
    for path in store.root.glob("catalog.db*"):
        path.unlink()
    with pytest.raises(Invalid, match="is lost: run reelstore rebuild-catalog"):
        open_existing_store(store.root)
