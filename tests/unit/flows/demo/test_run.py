from pathlib import Path

import pytest

from flows.demo import run
from warehouse.errors import Invalid
from warehouse.store import open_store


class CorpusAsked(Exception):  # noqa: N818 - stands for all that follows
    """The demo has come as far as its corpus."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def ask(*_: object) -> None:
        raise CorpusAsked

    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setattr(run, "make_corpus", ask)
    return tmp_path


def test_the_demo_goes_beside_the_settings_file(home: Path) -> None:
    (home / "reelstore.toml").write_text('root = "store"\n')
    open_store(home / "store").engine.dispose()
    with pytest.raises(CorpusAsked):
        run.run_demo(say=lambda _line: None)
    assert sorted(path.name for path in home.iterdir()) == ["demo", "reelstore.toml", "store"]


def test_the_demo_is_not_put_into_a_store(home: Path) -> None:
    (home / "reelstore.toml").write_text('root = "."\n')
    open_store(home).engine.dispose()
    with pytest.raises(Invalid, match="would lie inside the store"):
        run.run_demo(say=lambda _line: None)
    assert not (home / "demo").exists()
