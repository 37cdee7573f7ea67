import errno
import os
from pathlib import Path

import pytest

from tests.unit.warehouse.storage.storage_contract import StorageContract
from warehouse.errors import Retryable
from warehouse.storage.local_folder import LocalFolder


class TestLocalFolder(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> LocalFolder:
        (tmp_path / "root").mkdir()
        return LocalFolder(tmp_path / "root")

    @pytest.mark.parametrize("step", ["open", "write", "fsync", "link"])
    def test_a_failed_write_leaves_nothing_and_says_what_to_do(
        self, storage: LocalFolder, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        (storage.root / "journal").mkdir()

        def fail(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, step, fail)
        with pytest.raises(Retryable, match=r"cannot be written .*run again"):
            storage.put_if_absent("journal/1.json", b"1")
        monkeypatch.undo()
        assert list((storage.root / "journal").iterdir()) == []

    def test_a_file_system_without_hard_links_keeps_what_is_there(
        self, storage: LocalFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", refuse)
        assert storage.put_if_absent("journal/1.json", b"first")
        assert not storage.put_if_absent("journal/1.json", b"second")
        assert storage.read("journal/1.json") == b"first"

    def test_what_a_killed_writer_left_is_not_listed_and_is_tidied(
        self, storage: LocalFolder
    ) -> None:
        storage.put_if_absent("journal/1.json", b"1")
        half = storage.root / "journal" / ".2.json.00000000.part"
        half.write_bytes(b"half")
        assert list(storage.list("journal")) == ["journal/1.json"]
        storage.tidy("journal")
        assert not half.exists()
