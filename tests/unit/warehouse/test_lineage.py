from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from warehouse import catalog, commits
from warehouse.catalog import connections
from warehouse.commits import Address, Commit
from warehouse.commits.records import lineage
from warehouse.commits.records.lineage import Edge
from warehouse.errors import Invalid, Retryable
from warehouse.store import Store, open_store

Publish = Callable[..., Commit]
MIGRATIONS = Path(catalog.__file__).parent / "migrations"


def test_inputs_of_facts_and_of_provenance_are_recorded(
    store: Store, publish_files: Publish
) -> None:
    first, second = publish_files({"a.bin": b"a"}), publish_files({"a.bin": b"b"})
    third = publish_files(
        {"a.bin": b"c"},
        facts={"made_from": {"one": first.id}},
        provenance={"made_from": {"two": second.id}},
    )
    assert lineage.edges(store) == [
        Edge(third.id, "one", first.id),
        Edge(third.id, "two", second.id),
    ]
    assert commits.read_provenance(third)["made_from"] == {"two": second.id}


def test_ancestors_are_found_at_any_distance() -> None:
    edges = [Edge("c", "x", "b"), Edge("b", "x", "a"), Edge("e", "x", "d")]
    assert lineage.with_ancestors(["c"], edges) == {"a", "b", "c"}
    assert lineage.with_ancestors([], edges) == set()


@pytest.mark.parametrize(
    ("input_id", "error"), [("f" * 64, Retryable), ("champion", Invalid), (7, Invalid)]
)
def test_a_commit_is_refused_whose_input_is_not_in_the_store(
    store: Store, address: Address, publish_files: Publish, input_id: object, error: type[Exception]
) -> None:
    with pytest.raises(error):
        publish_files({"a.bin": b"a"}, facts={"made_from": {"model": input_id}})
    assert commits.head(store, address) is None


def test_the_head_and_the_alias_of_a_moment_are_found_again(
    store: Store, address: Address, publish_files: Publish, now: datetime
) -> None:
    hours = [now + timedelta(hours=hour) for hour in range(4)]
    first = publish_files({"a.bin": b"a"}, now=hours[1])
    second = publish_files({"a.bin": b"b"}, now=hours[2])
    for commit, hour in ((first, hours[1]), (second, hours[2])):
        commits.set_alias(store, "champion", commit.id, hour)
    found = [commits.head(store, address, hour) for hour in hours]
    assert [commit and commit.id for commit in found] == [None, first.id, second.id, second.id]
    assert [commits.alias(store, "champion", hour) for hour in hours] == [
        None,
        first.id,
        second.id,
        second.id,
    ]
    assert commits.head(store, Address("tables/videos", "other"), hours[3]) is None


def test_the_past_of_one_thing_is_found_without_reading_that_of_others(
    store: Store, address: Address, publish_files: Publish, now: datetime
) -> None:
    if store.engine.dialect.name != "sqlite":
        pytest.skip("only SQLite keeps an entry that nobody can read")
    publish_files({"a.bin": b"a"}, address=Address("tables/videos", "other"))
    wanted = publish_files({"a.bin": b"b"})
    commits.set_alias(store, "wanted/text", "t", now)
    commits.set_alias(store, "champion", wanted.id, now)
    with catalog.writing(store.engine) as connection:
        spoiled = "UPDATE journal SET entry = '{' WHERE number IN (1, 3)"
        connection.execute(sa.text(spoiled))
    assert commits.head(store, address, as_of=now) == wanted
    assert commits.alias(store, "champion", as_of=now) == wanted.id


def test_a_catalog_of_the_first_schema_learns_what_its_commits_were_made_from(
    tmp_path: Path, catalog_url: str | None, now: datetime
) -> None:
    root = tmp_path / "store"
    root.mkdir()
    engine = connections.make_engine(catalog_url or f"sqlite:///{root / 'catalog.db'}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with catalog.writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        row = {"dataset": "models", "partition": "", "staging_id": "s", "num_rows": 0}
        row |= {"provenance_sha256": "0" * 64, "created_at": now.isoformat()}
        facts = [{}, {"made_from": {"encoder": "a" * 64, "lost": "c" * 64}}]
        connection.execute(
            catalog.commits.insert(),
            [
                row | {"id": letter * 64, "facts": known}
                for letter, known in zip("ab", facts, strict=True)
            ],
        )
    engine.dispose()
    store = open_store(root, catalog_url)
    assert lineage.edges(store) == [Edge("b" * 64, "encoder", "a" * 64)]
    with catalog.reading(store.engine) as connection:
        assert (
            connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
            == catalog.REVISION
        )
