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


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    root: Path = tmp_path_factory.mktemp("pinned") / "store"
    # In a process of its own: how many threads torch has there is nobody else's choice.
    program = (
        f"import pathlib; from tests.golden import make; make.make(pathlib.Path({str(root)!r}))"
    )
    subprocess.run([sys.executable, "-c", program], cwd=make.HERE.parents[1], check=True)
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
