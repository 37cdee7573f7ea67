import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from warehouse.errors import Invalid, Retryable
from warehouse.storage import disk, files


def test_written_file_is_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    disk.write_file(tmp_path / "a.bin", b"x" * 1_000_000)
    disk.write_file(tmp_path / "a.bin", b"second")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.bin": b"second"}


@pytest.mark.parametrize("step", ["open", "write", "fsync", "rename"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_failed_write_keeps_the_old_file_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    disk.write_file(tmp_path / "a.bin", b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(Retryable, match=r"a\.bin cannot be written .*run again"):
        disk.write_file(tmp_path / "a.bin", b"new")
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.bin": b"old"}


def test_every_write_is_synced_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(
        os,
        "fsync",
        lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name),
    )
    disk.write_file(tmp_path / "a.bin", b"a")
    assert len(synced) == 2
    assert synced[0].startswith(".a.bin.")
    assert synced[1] == tmp_path.name
    synced.clear()
    disk.make_folder(tmp_path / "b/c", within=tmp_path)
    disk.make_folder(tmp_path / "b/c", within=tmp_path)
    assert synced == [tmp_path.name, "b"] * 2
    synced.clear()
    disk.write_new(tmp_path / "b/file", b"a")
    assert synced == ["file"]


def test_folder_is_not_renamed_onto_another(tmp_path: Path) -> None:
    for name in ("a", "b"):
        disk.make_folder(tmp_path / name)
        disk.write_file(tmp_path / name / "file", name.encode())
    assert not disk.rename_folder(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b/file").read_bytes() == b"b"
    assert (tmp_path / "a/file").read_bytes() == b"a"


def test_file_in_the_way_of_a_folder_is_the_callers_mistake(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    for path in (tmp_path / "a", tmp_path / "a/b"):
        with pytest.raises(Invalid, match="not a directory"):
            disk.make_folder(path)


def test_linked_files_keep_their_bytes_when_the_first_name_is_replaced(tmp_path: Path) -> None:
    for name in ("a", "b"):
        disk.make_folder(tmp_path / name)
    disk.write_file(tmp_path / "a/file", b"old")
    disk.link_files(tmp_path / "a", tmp_path / "b", ["file"])
    disk.write_file(tmp_path / "a/file", b"new")
    assert (tmp_path / "b/file").read_bytes() == b"old"


def test_files_are_copied_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        disk.make_folder(tmp_path / name)
    disk.write_file(tmp_path / "a/file", b"x" * 100_000)

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    disk.link_files(tmp_path / "a", tmp_path / "b", ["file"])
    assert files.sha256_file(tmp_path / "b/file") == hashlib.sha256(b"x" * 100_000).hexdigest()


def test_removed_tree_is_gone_and_may_be_removed_again(tmp_path: Path) -> None:
    disk.make_folder(tmp_path / "a/b")
    disk.write_file(tmp_path / "a/b/file", b"")
    disk.remove_tree(tmp_path / "a")
    disk.remove_tree(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_written_to_while_it_is_removed_goes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    late, rmdir = [tmp_path / "late"], os.rmdir

    def rmdir_too_late(path: Any, **options: Any) -> None:
        if late:
            folder = next(tmp_path.glob("a-removed-*"))
            (folder / late.pop().name).touch()
        rmdir(path, **options)

    monkeypatch.setattr(os, "rmdir", rmdir_too_late)
    disk.remove_tree(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_canonical_json_is_one_text_for_one_value() -> None:
    assert (
        files.canonical_json({"b": 1, "a": "中"})
        == files.canonical_json({"a": "中", "b": 1})
        == '{"a":"中","b":1}'.encode()
    )
    with pytest.raises(ValueError, match="JSON"):
        files.canonical_json(float("nan"))


def test_fault_tells_what_is_wrong(tmp_path: Path) -> None:
    entry = files.describe(b"abc")
    path = tmp_path / "a"
    assert files.fault(path, entry) == "is missing"
    for payload, problem in (
        (b"abc", None),
        (b"abd", "has changed bytes"),
        (b"ab", "has 2 bytes instead of 3"),
    ):
        path.write_bytes(payload)
        assert files.fault(path, entry) == problem
