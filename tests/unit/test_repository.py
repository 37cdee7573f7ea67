import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def paths_of_tree(text: str) -> set[str]:
    block = text.split("## The tree\n", 1)[1].split("```")[1]
    paths, above = set(), list[str]()
    for line in block.strip("\n").splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        above = [*above[:depth], name]
        paths.add("".join(above))
    return paths


def test_the_readmes_tree_is_the_real_one(tracked: list[str]) -> None:
    parts = [path.split("/") for path in tracked]
    folders = {"/".join(words[:depth]) + "/" for words in parts for depth in range(1, len(words))}
    inside_tests = {path for path in {*tracked, *folders} if path.count("/") >= 2 and path.startswith("tests/")}
    test_rooms = {path for path in folders if re.fullmatch(r"tests/\w+/", path)}
    wanted = ({*tracked, *folders} - inside_tests) | test_rooms
    found = paths_of_tree((ROOT / "README.md").read_text())
    assert found == wanted, f"missing {sorted(wanted - found)}, not there {sorted(found - wanted)}"


def test_the_readmes_tree_says_what_each_file_is() -> None:
    block = (ROOT / "README.md").read_text().split("## The tree\n", 1)[1].split("```")[1]
    bare = [line for line in block.strip("\n").splitlines() if len(line.split()) == 1 and not line.endswith("/")]
    assert bare == []


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


def test_no_file_is_large(tracked: list[str]) -> None:
    limits = {"requirements.lock": 1_000_000, "flows/demo/encoder.safetensors": 6_000_000}
    sizes = {path: (ROOT / path).stat().st_size for path in tracked}
    assert {path: size for path, size in sizes.items() if size > limits.get(path, 200_000)} == {}


def test_importing_the_flows_runs_no_query(tracked: list[str]) -> None:
    modules = [path[: -len(".py")].replace("/", ".") for path in tracked if re.fullmatch(r"flows/\w+\.py", path)]
    lines = [*(f"import {module}" for module in sorted(modules)), "import os"]
    lines.append("print({open(f'/proc/self/task/{task}/comm').read() for task in os.listdir('/proc/self/task')})")
    environment = {**os.environ, "POLARS_MAX_THREADS": "1"}
    threads = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert "polars-0" not in threads, "a fork of such a process waits forever for polars' threads"
