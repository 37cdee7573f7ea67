"""Bytes that change in a published partition.

Found before a parser opens the file, and nothing hangs.
"""

import functools
import json
import multiprocessing
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import polars as pl
import pytest

from featurestore.progress import ledger
from featurestore.views.frames import embeddings
from tests.fault import job
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Corrupt
from warehouse.storage import files

Record = Callable[[str, str], None]

SEED = 20_261_120
LIMIT_SECONDS = 600
PARSERS = (
    (h5py, "File"),
    (json, "loads"),
    (pl, "read_parquet"),
    (pl, "read_parquet_metadata"),
    (pl, "scan_parquet"),
)


class Parsed(AssertionError):  # noqa: N818 - says what happened
    """A parser was reached by changed bytes."""


@contextmanager
def no_parser() -> Iterator[None]:
    """Let no parser open anything."""

    def refuse(*_: Any, **__: Any) -> None:
        raise Parsed

    with pytest.MonkeyPatch.context() as patch:
        for module, name in PARSERS:
            patch.setattr(module, name, refuse)
        yield


class Partition:
    """A small real partition, and the reader of each of its files."""

    def __init__(self, root: Path) -> None:
        self.commit = job.run(root)
        with job.opened(root) as store:
            self.videos = tables.video_partition(store, job.PARTITION).commit
        readers: list[tuple[Commit, str, Callable[[], object]]] = []
        for commit in (self.commit, self.videos):
            readers += [
                (commit, name, functools.partial(_read, commit, name)) for name in commit.files
            ]
            readers += [
                (commit, "provenance.json", functools.partial(commits.read_provenance, commit))
            ]
            readers += [(commit, "manifest.json", functools.partial(commits.verify_commit, commit))]
        self.readers = {commit.folder / name: read for commit, name, read in readers}

    def finds(self, path: Path) -> bool:
        """Whether the reader of a file refuses it before any parser runs."""
        files._CHECKED.clear()  # noqa: SLF001 - each look is a new process's first
        try:
            with no_parser():
                self.readers[path]()
        except Corrupt:
            return True
        except Parsed:
            return False
        return False


def _read(commit: Commit, name: str) -> object:
    if name.startswith("shard-"):
        return embeddings.open_mapped(commits.verified_path(commit, name))
    if name.startswith("preview-"):
        return embeddings.read_previews(commits.verified_path(commit, name))
    if name == "ledger.parquet":
        return ledger.read(commit)
    return tables.read_table(commit, name)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rot") / "store"


def in_time(work: Callable[[Path, int], dict[str, int]], root: Path, count: int) -> dict[str, int]:
    """Run in a child process that is killed when it hangs; returns what it has counted."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply_async(work, (root, count)).get(LIMIT_SECONDS)


def flips(root: Path, count: int) -> dict[str, int]:
    """Flip single bits, each alone, drawn evenly over all bytes of a partition."""
    partition, drawn = Partition(root), random.Random(SEED)  # noqa: S311 - a drawn sample
    payloads = {path: path.read_bytes() for path in partition.readers}
    paths = drawn.choices(list(payloads), [len(payload) for payload in payloads.values()], k=count)
    found: Counter[str] = Counter()
    for path, number in sorted(Counter(paths).items()):
        with path.open("r+b") as file:
            for _ in range(number):
                place, bit = drawn.randrange(len(payloads[path])), drawn.randrange(8)
                _overwrite(file, place, payloads[path][place] ^ (1 << bit))
                found[
                    path.suffix if partition.finds(path) else f"missed {path.name} at {place}"
                ] += 1
                _overwrite(file, place, payloads[path][place])
        assert not partition.finds(path)
    return dict(found)


def _overwrite(file: Any, place: int, value: int) -> None:
    file.seek(place)
    file.write(bytes([value]))
    file.flush()


def truncations(root: Path, step: int) -> dict[str, int]:
    """Cut each file at each length (small count: at each 17th).

    And make each longer by one byte.
    """
    partition, found = Partition(root), Counter[str]()
    for path in partition.readers:
        payload = path.read_bytes()
        with path.open("r+b") as file:
            file.seek(len(payload))
            file.write(b"\0")
            file.flush()
            found["longer" if partition.finds(path) else f"missed longer {path.name}"] += 1
            for length in range(len(payload) - 1, -1, -step):
                file.truncate(length)
                found[
                    "shorter" if partition.finds(path) else f"missed {path.name} at {length}"
                ] += 1
        path.write_bytes(payload)
    return dict(found)


def swaps(root: Path, _: int) -> dict[str, int]:
    """Put each file in the place of each other, and take each away."""
    partition, found = Partition(root), Counter[str]()
    payloads = {path: path.read_bytes() for path in partition.readers}
    for path, payload in payloads.items():
        for other in payloads.values():
            if other != payload:
                path.write_bytes(other)
                found["swapped" if partition.finds(path) else f"missed {path.name}"] += 1
        path.unlink()
        found["gone" if partition.finds(path) else f"missed missing {path.name}"] += 1
        path.write_bytes(payload)
    return dict(found)


def test_every_flipped_bit_is_found_before_a_parser_opens_the_file(
    root: Path, record: Record, full: bool
) -> None:
    count = 100_000 if full else 5_000
    found = in_time(flips, root, count)
    kinds = {".h5", ".parquet", ".json"}
    assert set(found) <= kinds, [name for name in found if name not in kinds][:5]
    assert sum(found.values()) == count
    shares = ", ".join(f"{number} in {kind[1:]}" for kind, number in sorted(found.items()))
    record(
        "rot, flipped bits",
        f"{count} single-bit flips (seed {SEED}; {shares}): all found before a parser, 0 hangs",
    )


@pytest.mark.parametrize(
    ("work", "name"),
    [(truncations, "rot, lengths"), (swaps, "rot, files swapped")],
    ids=["lengths", "swaps"],
)
def test_every_wrong_file_is_found_before_a_parser_opens_it(
    root: Path, record: Record, full: bool, work: Callable[[Path, int], dict[str, int]], name: str
) -> None:
    found = in_time(work, root, 1 if full else 17)
    assert not [kind for kind in found if kind.startswith("missed")]
    shares = ", ".join(f"{number} {kind}" for kind, number in sorted(found.items()))
    record(
        name, f"{sum(found.values())} wrong files ({shares}): all found before a parser, 0 hangs"
    )


def test_a_reader_that_parses_first_would_be_seen(root: Path) -> None:
    partition = Partition(root)
    path = partition.commit.folder / "ledger.parquet"
    with no_parser(), pytest.raises(Parsed):
        partition.readers[path]()


def test_a_flip_that_keeps_size_and_time_is_found_by_the_next_process_and_by_verify(
    root: Path,
) -> None:
    partition = Partition(root)
    path = partition.commit.folder / "shard-00000.h5"
    kept, status = shutil.copy2(path, root.with_name("kept")), path.stat()
    commits.verified_path(partition.commit, path.name)
    payload = bytearray(path.read_bytes())
    payload[-1] ^= 1
    path.write_bytes(payload)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert commits.verified_path(partition.commit, path.name) == path
    with pytest.raises(Corrupt, match="changed bytes"):
        commits.verify_commit(partition.commit)
    assert partition.finds(path)
    shutil.copy2(kept, path)
