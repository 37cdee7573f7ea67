import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from featurestore.progress.reasons import Reason
from tests.bad_paths import BAD_PATHS, Make, without_privileges
from warehouse.errors import Rejected
from warehouse.ingest import media_files
from warehouse.storage.files import sha256_bytes

Read = Callable[[Path], object]

CASES = {name[:9]: (name, *case) for name, case in BAD_PATHS.items()}


def look(path: Path) -> None:
    with media_files.opened(path):
        pass


@pytest.mark.parametrize("read", [look, media_files.sha256], ids=["opened", "read"])
@pytest.mark.parametrize(("name", "make", "reason", "sentence"), CASES.values(), ids=CASES)
def test_what_cannot_be_read_is_rejected_with_its_reason_and_never_waited_for(
    tmp_path: Path, name: str, make: Make, reason: Reason, sentence: str, read: Read
) -> None:
    make(tmp_path / name)
    with without_privileges(), pytest.raises(Rejected) as rejected:
        read(tmp_path / name)
    assert (rejected.value.reason, str(rejected.value)) == (reason, sentence)


@pytest.mark.parametrize("name", ["gone", "file/below", "link"])
def test_what_is_not_there_is_missing(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("gone")
    for read in (media_files.status, look, media_files.sha256):
        with pytest.raises(Rejected, match="is not there") as rejected:
            read(tmp_path / name)
        assert rejected.value.reason == Reason.MEDIA_MISSING


@pytest.mark.parametrize("path", ["nul\0byte", "lone\ud800surrogate"])
def test_a_path_that_no_system_has_is_unreadable(tmp_path: Path, path: str) -> None:
    with pytest.raises(Rejected, match="cannot be read"):
        media_files.status(tmp_path / path)


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    found = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(media_files, "status", lambda _path: found)
    with pytest.raises(Rejected, match="is a named pipe"):
        media_files.sha256(path)


def test_a_medium_is_read_whole_also_through_a_link(tmp_path: Path) -> None:
    payload = bytes(range(256)) * 4096
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.mp4").write_bytes(payload)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "a.mp4")
    assert media_files.sha256(tmp_path / "link") == sha256_bytes(payload)


def test_a_medium_that_grows_past_the_limit_while_it_is_read_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, found = tmp_path / "a.mp4", os.stat_result((0o100644, 0, 0, 0, 0, 0, 1, 0, 0, 0))
    path.write_bytes(b"x" * 11)
    monkeypatch.setattr(media_files, "MAX_MEDIUM_BYTES", 10)
    monkeypatch.setattr(media_files, "status", lambda _path: found)
    with pytest.raises(Rejected) as rejected:
        media_files.sha256(path)
    assert rejected.value.reason == Reason.TOO_LARGE


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EAGAIN])
def test_a_disk_that_fails_on_one_file_makes_it_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(_descriptor: int, _buffers: object) -> int:
        raise OSError(number, os.strerror(number))

    (tmp_path / "a.mp4").write_bytes(b"x")
    monkeypatch.setattr(os, "readv", fail)
    with pytest.raises(Rejected, match="cannot be read: its disk fails") as rejected:
        media_files.sha256(tmp_path / "a.mp4")
    assert rejected.value.reason == Reason.MEDIA_UNREADABLE
