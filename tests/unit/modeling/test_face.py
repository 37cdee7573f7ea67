"""`import modeling` is cheap, and its two functions do what their examples show."""

import doctest
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import featurestore
import modeling
from warehouse import commits
from warehouse.errors import Invalid
from warehouse.store import Store

NEWEST = "4"
PAGE = Path(__file__).parents[3] / "docs" / "python.md"


@pytest.fixture
def root(golden: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    root = golden(NEWEST)
    renamed = root.rename(root.with_name("store"))
    monkeypatch.chdir(renamed.parent)
    return renamed


def _files(root: Path) -> set[Path]:
    # The catalog's own files come and go with its connections.
    return {path for path in root.rglob("*") if not path.name.startswith("catalog.")}


def _heads(store: Store) -> set[str]:
    return {head.id for name in commits.datasets(store) for head in commits.heads(store, name)}


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("name", modeling.__all__)
def test_each_example_runs_as_it_is_written(name: str) -> None:
    (example,) = doctest.DocTestFinder(recurse=False).find(getattr(modeling, name), name)
    results = doctest.DocTestRunner().run(example)
    assert results.attempted > 1
    assert results.failed == 0


@pytest.mark.usefixtures("root")
def test_the_page_on_python_runs_as_it_is_written() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec("".join(blocks), names)  # noqa: S102 - the page is ours
    assert names["rows"].columns[0] == "video_id"


def test_predicting_publishes_nothing(root: Path) -> None:
    with featurestore.open(root) as features:
        before = _files(root), _heads(features.store)
        predicted = modeling.predict(modeling.load_model(features), features, "labeled")
        assert len(predicted) == 20
        assert (_files(root), _heads(features.store)) == before


def test_a_root_without_a_store_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="there is no store at"):
        modeling.load_model(tmp_path / "elsewhere")


def test_importing_modeling_imports_neither_torch_nor_polars() -> None:
    code = "import sys, modeling; sys.exit(str(sorted({'torch', 'polars'} & sys.modules.keys())))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"
