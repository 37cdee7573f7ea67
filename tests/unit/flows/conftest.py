import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "reelstore.toml").write_text('root = "store"\n')
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:  # noqa: ARG001
    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["reelstore", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


@pytest.fixture
def listing(home: Path) -> Path:
    rows = [
        {"video_id": f"{number:020d}", "path": "a.mp4", "title": "标题", "category_id": "0001"} for number in range(3)
    ]
    (home / "a.mp4").write_bytes(b"not a video")
    path = home / "manifest.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path
