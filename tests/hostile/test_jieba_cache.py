"""jieba unmarshals its cache from a shared folder, whoever wrote it.

Planted caches are never read, none is written.
"""

import marshal
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Record = Callable[[str, str], None]

POISON = {
    "我爱": 10**9,
    "我": 0,
    "爱北": 0,
    "北京天安门": 10**9,
    "北京天": 0,
    "北": 0,
    "北京": 0,
    "爱": 1,
}
NAMES = ("jieba.cache", "jieba.u00000000000000000000000000000000.cache")
TRACER = """
import os, sys
_log = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def _trace(event, args):
    if event in ("open", "os.rename", "os.remove", "tempfile.mkstemp"):
        os.write(_log, f"{{os.getpid()}} {{event}} {{args[0]}}\\n".encode("utf-8", "replace"))
sys.addaudithook(_trace)
"""
PROGRAM = """
import os
import polars as pl
from featurestore.extraction.words.word_pool import WordPool
from featurestore.extraction.words.segmentation import segment
line = pl.List(pl.Struct({"time_seconds": pl.Float64, "text": pl.String}))
columns = {"title": ["我爱北京天安门"], "ocr": [[]], "asr": [""]}
table = pl.DataFrame(columns, schema_overrides={"ocr": line})
with WordPool(1) as pool:
    (counts,) = pool.count_terms([table])
    print(os.getpid(), *segment("我爱北京天安门"), *sorted(counts.num_with_term))
"""


@pytest.fixture
def planted(tmp_path: Path) -> list[Path]:
    """Caches in every folder that jieba might look in, made to cut words otherwise."""
    caches = [
        tmp_path / place / name
        for place in ("tmpdir", "temp", "tmp", "cwd", "home")
        for name in NAMES
    ]
    for cache in caches:
        cache.parent.mkdir(exist_ok=True)
        cache.write_bytes(marshal.dumps((POISON, 2 * 10**9)))
    return caches


def test_a_planted_cache_is_never_read_and_none_is_written(
    tmp_path: Path, planted: list[Path], record: Record
) -> None:
    log = tmp_path / "log"
    tracer = tmp_path / "tracer" / "sitecustomize.py"
    tracer.parent.mkdir()
    tracer.write_text(TRACER.format(log=str(log)))
    before = {path: path.stat().st_mtime_ns for path in planted}
    places = {name: str(tmp_path / name.lower()) for name in ("TMPDIR", "TEMP", "TMP", "HOME")}
    search = os.pathsep.join([str(tracer.parent), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **places, "PYTHONPATH": search},
        cwd=tmp_path / "cwd",
        capture_output=True,
        text=True,
        check=True,
    )
    parent, *words = done.stdout.split()
    assert words == ["我", "爱", "北京", "天安门", "北京", "天安门"]
    assert done.stderr == ""
    opened = [line.split(" ", 2) for line in log.read_text().splitlines()]
    readers = {pid for pid, _, path in opened if path.endswith("dict.txt")}
    assert parent in readers
    assert len(readers) == 2
    assert [
        entry
        for entry in opened
        if Path(entry[2]).name.startswith("jieba.") and ".cache" in entry[2]
    ] == []
    assert {path: path.stat().st_mtime_ns for path in planted} == before
    assert {
        path for folder in {cache.parent for cache in planted} for path in folder.iterdir()
    } == set(planted)
    record(
        "jieba cache",
        f"{len(planted)} planted caches, 2 processes: 0 opened, 0 written, words unchanged",
    )
