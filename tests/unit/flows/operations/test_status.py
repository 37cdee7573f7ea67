"""What looks at every partition asks the catalog a fixed number of questions."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from flows.operations.status import store_status
from warehouse import tables
from warehouse.store import Store, open_store

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def list_days(store: Store, first: int, last: int) -> None:
    nothing = pl.DataFrame(schema=tables.Videos.create_empty().schema)
    for day in range(first, last + 1):
        tables.publish_videos(store, f"2026-11-{day:02d}", "score", nothing, Path("media"), NOW)


def num_questions(store: Store) -> int:
    asked = list[object]()

    def count(*call: object) -> None:
        asked.append(call[2])

    sa.event.listen(store.engine, "before_cursor_execute", count)
    store_status(store)
    sa.event.remove(store.engine, "before_cursor_execute", count)
    return len(asked)


def test_status_asks_the_catalog_no_more_often_for_more_days(store: Store) -> None:
    list_days(store, 1, 2)
    before = num_questions(store)
    list_days(store, 3, 9)
    assert len(store_status(store).partitions) == 9
    assert num_questions(store) == before
