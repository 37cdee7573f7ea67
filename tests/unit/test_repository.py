import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import tree

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.splitlines()


def test_the_tree_is_the_real_one(tracked: list[str]) -> None:
    page = tree.PAGE.read_text(encoding="utf-8")
    captions = tree.shown(page)
    assert tree.drawn(tracked, captions) in page, "type make pages"


def test_the_tree_says_what_each_file_is() -> None:
    captions = tree.shown(tree.PAGE.read_text(encoding="utf-8"))
    assert [path for path, caption in captions.items() if not caption and path[-1] != "/"] == []


def test_the_dockerfile_passes_hadolint() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "hadolint"), "Dockerfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_modules_stay_small(tracked: list[str]) -> None:
    modules = [path for path in tracked if path.endswith(".py") and not path.startswith("tests/")]
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in modules}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


_PARALLEL = {"frames", "text"}
"""The views, whose folders have rooms of the same names as far as they do the same work."""
_SHARED = {"decoding", "evaluation", "frames", "pictures", "registry", "text", "words"}
"""Names that two rooms have all the same; no other may join them."""


def test_no_two_rooms_have_one_name(tracked: list[str]) -> None:
    rooms = dict[str, set[str]]()
    for path in tracked:
        if not path.endswith(".py") or path.startswith("tests/"):
            continue
        *folders, name = [part for part in Path(path).with_suffix("").parts if part != "__init__"]
        if not _PARALLEL & set(folders):
            rooms.setdefault(name, set()).add("/".join([*folders, name]))
    several = {name: paths for name, paths in rooms.items() if len(paths) > 1}
    assert {name: paths for name, paths in several.items() if name not in _SHARED} == {}


def test_no_file_is_large(tracked: list[str]) -> None:
    limits = {
        "requirements.lock": 1_000_000,
        "engines.lock": 1_500_000,
        "flows/demo/encoder.safetensors": 6_000_000,
        "modeling/evaluation/site/library/tabulator-tables/tabulator.min.js": 500_000,
    }
    sizes = {path: (ROOT / path).stat().st_size for path in tracked}
    assert {path: size for path, size in sizes.items() if size > limits.get(path, 200_000)} == {}


def test_importing_the_flows_runs_no_query(tracked: list[str]) -> None:
    modules = [
        path[: -len(".py")].replace("/", ".")
        for path in tracked
        if re.fullmatch(r"flows/(\w+/)?\w+\.py", path)
    ]
    lines = [*(f"import {module}" for module in sorted(modules)), "import os"]
    lines.append(
        "print({open(f'/proc/self/task/{task}/comm').read() for task in"
        " os.listdir('/proc/self/task')})"
    )
    environment = {**os.environ, "POLARS_MAX_THREADS": "1"}
    threads = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "polars-0" not in threads, "a fork of such a process waits forever for polars' threads"


def test_the_lock_file_names_no_registry() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.findall(r"://|--(?:extra-)?index|--find-links", lock) == []
    assert len(re.findall("^[a-z].*==", lock, re.MULTILINE)) > 100
