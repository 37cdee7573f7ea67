"""The same videos, texts and labels give the same commits, by id.

From the listing to the predictions.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

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
from warehouse.storage.files import sha256_bytes
make.make(Path({place!r}))
"""
_IN_A_BUCKET = """
import json
from pathlib import Path
from tests.golden import make
from warehouse.storage.files import sha256_bytes
from tests.s3_server import serving
with make.beside_the_corpus(), serving(Path({place!r})) as server:
    answers = make.fill(server.root(Path("cache").resolve()), "sqlite:///catalog.db")
    Path({place!r}, "answers.json").write_text(json.dumps(answers))
"""


def fill(program: str, place: Path) -> Path:
    """Fill a store in a process of its own: how many threads torch has there is nobody else's."""
    command = [sys.executable, "-c", program.format(place=str(place))]
    subprocess.run(command, cwd=make.HERE.parents[1], check=True)
    return place


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(_IN_A_FOLDER, tmp_path_factory.mktemp("pinned") / "store")


@pytest.fixture(scope="module")
def heads(root: Path) -> dict[str, list[object]]:
    answers = json.loads((root / "answers.json").read_text(encoding="utf-8"))
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


def test_a_bucket_has_the_commits_of_a_folder_byte_for_byte(root: Path, tmp_path: Path) -> None:
    bucket = fill(_IN_A_BUCKET, tmp_path)
    kept = bucket / "videos/store"
    beside = {root / "answers.json", root / "catalog.sql"}
    for path in {path for path in root.rglob("*") if path.is_file()} - beside:
        payload = path.read_bytes()
        whole = kept / path.relative_to(root)
        copy = whole if whole.exists() else kept / "objects" / sha256_bytes(payload)
        assert copy.read_bytes() == payload, path
    folder_names = {path.name for path in (root / "journal").iterdir()}
    assert {path.name for path in (kept / "journal").iterdir()} == folder_names
    answers = [json.loads((place / "answers.json").read_text()) for place in (root, bucket)]
    assert answers[0] == answers[1]
