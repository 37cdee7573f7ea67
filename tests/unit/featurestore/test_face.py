"""The face of the features: its examples run, and it publishes nothing."""

import doctest
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import featurestore
from featurestore.reading import feature_store

EXAMPLES = [
    example
    for module in (featurestore, feature_store)
    for example in doctest.DocTestFinder(exclude_empty=True).find(module)
    if example.examples
]


def _files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.match("catalog.*")}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_of_the_face_runs_and_publishes_nothing(
    example: doctest.DocTest, golden: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = golden("5")
    monkeypatch.chdir(root.rename(root.with_name("store")).parent)
    before = _files(Path("store"))
    runner = doctest.DocTestRunner(verbose=False)
    said = list[str]()
    runner.run(example, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)
    assert _files(Path("store")) == before


def test_every_door_of_the_face_has_an_example() -> None:
    named = {example.name.rpartition(".")[2] for example in EXAMPLES}
    assert named >= {"open", "partitions", "features", "frames", "text", "examples", "to_torch"}


def test_importing_the_face_imports_neither_torch_nor_a_reader() -> None:
    heavy = (
        "import sys, featurestore;"
        " print([name for name in ('torch', 'polars', 'h5py') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
