import os
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.errors import Corrupt
from warehouse.storage.files import describe
from warehouse.storage.s3.cache import Cache

FILE_BYTES = 1000


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 5 * FILE_BYTES)


def payload_of(number: int) -> bytes:
    return bytes([number]) * FILE_BYTES


def add_elsewhere(cache: Cache, numbers: range, *, then: str = "") -> None:
    """Add files in another process, which ends."""
    program = (
        "import sys, pathlib\n"
        "from warehouse.storage.files import describe\n"
        "from warehouse.storage.s3.cache import Cache\n"
        f"cache = Cache(pathlib.Path(sys.argv[1]), {cache.max_bytes})\n"
        f"for number in {numbers}:\n"
        f"    payload = bytes([number]) * {FILE_BYTES}\n"
        "    cache.add(describe(payload), [payload], 'here')\n"
        f"{then}"
    )
    subprocess.run([sys.executable, "-c", program, str(cache.folder)], check=True, timeout=60)


def numbers_in(cache: Cache) -> list[int]:
    return sorted(path.read_bytes()[0] for path in (cache.folder / "objects").iterdir())


def test_a_file_is_found_by_its_digest(cache: Cache) -> None:
    entry = describe(b"abc")
    assert cache.find(entry) is None
    path = cache.add(entry, [b"a", b"bc"], "the bucket")
    assert (path.name, path.read_bytes()) == (entry.sha256, b"abc")
    assert cache.find(entry) == path


def test_other_bytes_than_those_of_the_digest_get_no_name(cache: Cache) -> None:
    with pytest.raises(Corrupt, match="the bucket has changed bytes"):
        cache.add(describe(b"abc"), [b"a", b"b"], "the bucket")
    assert list((cache.folder / "objects").iterdir()) == []


def test_what_was_used_longest_ago_makes_room(cache: Cache) -> None:
    add_elsewhere(cache, range(5))
    for number in range(5):
        path = cache.folder / "objects" / describe(payload_of(number)).sha256
        os.utime(path, ns=((5 - number) * 10**9, path.stat().st_mtime_ns))
    add_elsewhere(cache, range(5, 6))
    assert numbers_in(cache) == [0, 1, 2, 5]


def test_what_a_living_process_uses_stays(cache: Cache) -> None:
    add_elsewhere(cache, range(2))
    path = cache.find(describe(payload_of(0)))
    assert path is not None
    os.utime(path, ns=(0, path.stat().st_mtime_ns))
    add_elsewhere(cache, range(2, 9))
    assert path.read_bytes() == payload_of(0)
    assert len(numbers_in(cache)) <= 8


def test_lists_of_ended_processes_and_half_written_files_go(cache: Cache) -> None:
    add_elsewhere(cache, range(1))
    half = cache.folder / "objects" / ".abc.00000000.part"
    half.write_bytes(b"half")
    os.utime(half, (0, 0))
    add_elsewhere(cache, range(1, 2))
    assert not half.exists()
    assert len(list((cache.folder / "used").iterdir())) == 1
