import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from warehouse import commits
from warehouse.commits import Address, Commit, Draft
from warehouse.store import Store, open_store
from warehouse.tables.taxonomy import Category, Taxonomy


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, catalog_url: str | None) -> Iterator[Store]:
    store = open_store(tmp_path / "store", catalog_url)
    yield store
    store.engine.dispose()


@pytest.fixture
def address() -> Address:
    return Address("tables/videos", "labeled")


@pytest.fixture
def publish_files(store: Store, address: Address, now: datetime) -> Callable[..., Commit]:
    def publish(payloads: dict[str, bytes], **changes: Any) -> Commit:
        place, moment = changes.pop("address", address), changes.pop("now", now)
        said = {"facts": {"role": "labeled"}, "num_rows": 1, **changes}
        return commits.publish_files(store, place, payloads, Draft(**said), moment)

    return publish


@pytest.fixture
def taxonomy() -> Taxonomy:
    return Taxonomy(
        "letters", (Category("0000", "00"), Category("0001", "00"), Category("0100", "01"))
    )


@pytest.fixture
def listed(tmp_path: Path) -> Callable[..., Path]:
    """Write a manifest beside its media, which are made of their own names."""

    def write(*rows: dict[str, Any], missing: tuple[str, ...] = ()) -> Path:
        folder = tmp_path / "media"
        folder.mkdir(exist_ok=True)
        for row in rows:
            if row["path"] and row["path"] not in missing and not (folder / row["path"]).exists():
                (folder / row["path"]).write_text(row["path"])
        manifest = folder / "manifest.jsonl"
        manifest.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return manifest

    return write


@pytest.fixture
def tree() -> Callable[[Path], dict[str, bytes]]:
    def read(root: Path) -> dict[str, bytes]:
        kept = (
            path
            for path in sorted(root.rglob("*"))
            if path.is_file() and not path.name.startswith("catalog.")
        )
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in kept}

    return read
