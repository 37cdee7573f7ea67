"""The same videos, texts and labels give the same commits, by id.

From the listing to the predictions.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.golden import make
from warehouse.storage.files import sha256_bytes

EARLIER, PINNED = (
    json.loads((make.HERE / version / "answers.json").read_text(encoding="utf-8"))
    for version in ("5", "6")
)
MADE_ON = "AVX512"
"""Other instructions may round the last bit of an embedding otherwise, and so of all that is
learned from it."""
ARITHMETIC = {"OPENBLAS_CORETYPE": "SkylakeX"}
"""OpenBLAS has kernels for each maker's processors, which round otherwise too."""


def test_only_ledgers_of_frames_and_what_is_made_from_them_have_other_ids_than_before() -> None:
    """They keep media facts now; a snapshot, and so a model, names what it learns from."""
    changed = {
        re.sub("/[0-9a-f]{12}.*|/model=.*", "", address)
        for address, head in PINNED["heads"].items()
        if EARLIER["heads"].get(address) != head
    }
    assert changed == {"features/frames", "tables/predictions"}
    assert all(EARLIER[name] == PINNED[name] for name in ("arrays", "labels", "video_ids"))
    assert EARLIER["predictions"] == PINNED["predictions"]


_IN_A_FOLDER = """
from pathlib import Path
from tests.golden import make
make.make(Path({place!r}))
"""
_IN_A_FOLDER_BY_A_SERVER = """
import json
from pathlib import Path
from tests.golden import make
with make.beside_the_corpus():
    answers = make.fill(Path({place!r}), {catalog_url!r})
    Path({place!r}, "answers.json").write_text(json.dumps(answers))
"""
_IN_A_BUCKET = """
import json
from pathlib import Path
from tests.golden import make
from tests.s3_server import serving
with make.beside_the_corpus(), serving(Path({place!r})) as server:
    answers = make.fill(server.root(Path("cache").resolve()), {catalog_url!r})
    Path({place!r}, "answers.json").write_text(json.dumps(answers))
"""


def fill(program: str, place: Path, catalog_url: str = "") -> Path:
    """Fill a store in a process of its own: how many threads torch has there is nobody else's."""
    words = program.format(place=str(place), catalog_url=catalog_url)
    subprocess.run(
        [sys.executable, "-c", words],
        cwd=make.HERE.parents[1],
        env=os.environ | ARITHMETIC,
        check=True,
    )
    return place


def answers_of(place: Path) -> dict[str, Any]:
    answers: dict[str, Any] = json.loads((place / "answers.json").read_text(encoding="utf-8"))
    return answers


def stored(root: Path) -> dict[str, bytes]:
    """The bytes of a folder's files, but of what lies beside them."""
    beside = {"answers.json", "catalog.sql", "catalog.lock"}
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name not in beside}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(_IN_A_FOLDER, tmp_path_factory.mktemp("pinned") / "store")


@pytest.fixture(scope="module")
def heads(root: Path) -> dict[str, list[object]]:
    answers = answers_of(root)
    return {**answers["heads"], "snapshot": [answers["snapshot"]], "model": [answers["model"]]}


@pytest.mark.parametrize("address", [*PINNED["heads"], "snapshot", "model"])
def test_the_golden_corpus_gives_the_commits_of_its_version(
    heads: dict[str, list[object]], address: str
) -> None:
    rounds = address in ("snapshot", "model") or "predictions" in address or "frames" in address
    if (
        rounds
        and not address.endswith("/spec")
        and torch.backends.cpu.get_cpu_capability() != MADE_ON
    ):
        pytest.skip(f"the golden store was made on a processor with {MADE_ON}")
    pinned = PINNED["heads"].get(address) or [PINNED[address]]
    assert heads[address] == pinned


def test_a_catalog_on_postgresql_has_the_commits_of_sqlite_byte_for_byte(
    root: Path, tmp_path: Path, postgresql_url: str
) -> None:
    other = fill(_IN_A_FOLDER_BY_A_SERVER, tmp_path / "store", postgresql_url)
    assert stored(other) == stored(root)
    assert answers_of(other) == answers_of(root)


def test_a_bucket_has_the_commits_of_a_folder_byte_for_byte(
    root: Path, tmp_path: Path, catalog_url: str | None
) -> None:
    bucket = fill(_IN_A_BUCKET, tmp_path, catalog_url or "sqlite:///catalog.db")
    kept = bucket / "videos/store"
    for name, payload in stored(root).items():
        whole = kept / name
        copy = whole if whole.exists() else kept / "objects" / sha256_bytes(payload)
        assert copy.read_bytes() == payload, name
    folder_names = {path.name for path in (root / "journal").iterdir()}
    assert {path.name for path in (kept / "journal").iterdir()} == folder_names
    assert answers_of(bucket) == answers_of(root)
