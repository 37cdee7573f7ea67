"""What every implementation of `Storage` must do: a class of tests for each to inherit."""

import math
import threading
import time
from collections.abc import Callable

import pytest

from warehouse.storage.files import FileEntry, describe, fault
from warehouse.storage.protocol import Storage

Stage = Callable[[bytes], tuple[str, dict[str, FileEntry]]]

_BESIDE = {"manifest.json": b"{}"}


def _stays() -> bool:
    return False


class StorageContract:
    """The tests; a subclass gives the fixture `storage`."""

    @pytest.fixture
    def storage(self) -> Storage:
        raise NotImplementedError

    @pytest.fixture
    def stage(self, storage: Storage) -> Stage:
        """Stage `a.bin`, and a file that is not published."""

        def stage(payload: bytes) -> tuple[str, dict[str, FileEntry]]:
            staging_id = f"{payload.hex():0>16}"
            storage.begin_staging(staging_id)
            storage.stage(staging_id, "a.bin", payload)
            storage.stage(staging_id, "unused.bin", b"unused")
            return staging_id, {"a.bin": describe(payload)}

        return stage

    def test_a_file_is_read_back_whole_and_in_part(self, storage: Storage) -> None:
        assert storage.put_if_absent("journal/1.json", b"0123456789")
        assert storage.read("journal/1.json") == b"0123456789"
        assert storage.read_range("journal/1.json", 3, 4) == b"3456"
        assert storage.read_range("journal/1.json", 8, 4) == b"89"

    def test_what_is_not_there_is_not_found(self, storage: Storage) -> None:
        with pytest.raises(FileNotFoundError):
            storage.read("journal/1.json")
        with pytest.raises(FileNotFoundError):
            storage.read_range("journal/1.json", 0, 1)
        assert list(storage.list("journal")) == []
        storage.delete("journal/1.json")
        storage.tidy("journal")

    def test_a_key_that_is_taken_keeps_its_file(self, storage: Storage) -> None:
        assert storage.put_if_absent("journal/1.json", b"first")
        assert not storage.put_if_absent("journal/1.json", b"second")
        assert storage.read("journal/1.json") == b"first"
        assert list(storage.list("journal")) == ["journal/1.json"]

    def test_of_many_writers_of_one_key_one_succeeds(self, storage: Storage) -> None:
        for number in range(20):
            key, start = f"journal/{number}.json", threading.Barrier(4)
            written = dict[bytes, bool]()

            def write(
                payload: bytes,
                key: str = key,
                start: threading.Barrier = start,
                written: dict[bytes, bool] = written,
            ) -> None:
                start.wait()
                written[payload] = storage.put_if_absent(key, payload)

            writers = [threading.Thread(target=write, args=(bytes([each]),)) for each in range(4)]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
            assert sorted(written.values()) == [False, False, False, True]
            assert written[storage.read(key)]

    def test_keys_are_listed_by_folder(self, storage: Storage) -> None:
        for key in ("a/1", "a/b/2", "ab/3"):
            storage.put_if_absent(key, b"")
        assert sorted(storage.list("a")) == ["a/1", "a/b/2"]

    def test_keys_are_listed_that_sort_after_another(self, storage: Storage) -> None:
        for key in ("a/1-x", "a/2-x", "a/2-y", "a/3-x"):
            storage.put_if_absent(key, b"")
        assert sorted(storage.list("a", after="a/2")) == ["a/2-x", "a/2-y", "a/3-x"]
        assert sorted(storage.list("a", after="a/2-x")) == ["a/2-y", "a/3-x"]
        assert list(storage.list("a", after="a/4")) == []

    def test_folders_are_looked_into_one_level_at_a_time(self, storage: Storage) -> None:
        for key in ("a/1", "a/b/2", "a/b/3", "ab/3"):
            storage.put_if_absent(key, b"12")
        assert list(storage.children("a")) == ["1", "b"]
        assert list(storage.children("none")) == []
        assert [storage.exists(key) for key in ("a", "a/1", "a/b", "b", "a/b/4")] == [
            *(True, True, True),
            *(False, False),
        ]
        assert storage.size_bytes("a/b") == 4
        assert time.time() - 3600 < storage.written_at("a/b") < time.time() + 3600
        assert storage.written_at("none") == math.inf

    def test_a_number_that_is_free_is_given(self, storage: Storage) -> None:
        assert storage.put_numbered("journal/00000001-aa.json", b"a")
        storage.finish_numbered("journal")
        assert storage.read("journal/00000001-aa.json") == b"a"
        assert not storage.put_numbered("journal/00000001-aa.json", b"a")

    def test_staged_files_are_read_back_and_replaced(self, storage: Storage, stage: Stage) -> None:
        staging_id, entries = stage(b"a")
        path = storage.staged_path(staging_id, "a.bin", entries["a.bin"])
        assert path.read_bytes() == b"a"
        storage.stage(staging_id, "a.bin", b"b")
        path = storage.staged_path(staging_id, "a.bin", describe(b"b"))
        assert path.read_bytes() == b"b"
        storage.end_staging(staging_id)
        assert fault(storage.staged_path(staging_id, "gone", describe(b"g")), describe(b"g"))

    def test_a_folder_is_published_with_what_is_written_beside_it(
        self, storage: Storage, stage: Stage
    ) -> None:
        staging_id, entries = stage(b"a")
        beside = {"manifest.json": b"{}"}
        assert storage.put_folder_if_absent(
            "tables/t/0", staging_id, entries, beside, gives_way=_stays
        )
        storage.end_staging(staging_id)
        assert storage.exists("tables/t/0")
        assert storage.read("tables/t/0/manifest.json") == b"{}"
        path = storage.published_path("tables/t/0", "a.bin", entries["a.bin"])
        assert path.read_bytes() == b"a"
        assert storage.fault("tables/t/0", "a.bin", entries["a.bin"]) is None
        assert storage.fault("tables/t/0", "a.bin", describe(b"b")) is not None

    def test_published_files_are_staged_again_and_stay(
        self, storage: Storage, stage: Stage
    ) -> None:
        staging_id, entries = stage(b"a")
        storage.put_folder_if_absent("t/0", staging_id, entries, _BESIDE, gives_way=_stays)
        storage.end_staging(staging_id)
        storage.begin_staging("1" * 16)
        storage.stage_published("1" * 16, "t/0", entries)
        assert storage.put_folder_if_absent("t/1", "1" * 16, entries, _BESIDE, gives_way=_stays)
        for folder in ("t/0", "t/1"):
            assert storage.fault(folder, "a.bin", entries["a.bin"]) is None

    @pytest.mark.parametrize("gives_way", [False, True])
    def test_a_folder_that_is_there_stays_unless_it_gives_way(
        self, storage: Storage, stage: Stage, gives_way: bool
    ) -> None:
        for payload in (b"first", b"second"):
            staging_id, entries = stage(payload)
            is_new = storage.put_folder_if_absent(
                "t/0", staging_id, entries, {"manifest.json": payload}, lambda: gives_way
            )
        assert is_new == gives_way
        assert storage.read("t/0/manifest.json") == (b"second" if gives_way else b"first")

    def test_a_folder_whose_staged_file_is_gone_is_not_published(
        self, storage: Storage, stage: Stage
    ) -> None:
        staging_id, entries = stage(b"a")
        more = {**entries, "gone.bin": describe(b"gone")}
        with pytest.raises(FileNotFoundError):
            storage.put_folder_if_absent("tables/t/0", staging_id, more, _BESIDE, _stays)
        assert list(storage.list("tables")) == []

    def test_what_is_put_away_is_out_of_sight_and_then_deleted(
        self, storage: Storage, stage: Stage
    ) -> None:
        staging_id, entries = stage(b"a")
        storage.put_folder_if_absent("tables/t/0", staging_id, entries, _BESIDE, _stays)
        away = storage.put_away("tables/t/0")
        assert not storage.exists("tables/t/0")
        assert list(storage.list("tables")) == []
        for _ in range(2):
            storage.delete(away)
            assert list(storage.list(away)) == []

    def test_a_file_is_deleted(self, storage: Storage) -> None:
        storage.put_if_absent("journal/1.json", b"1")
        storage.delete("journal/1.json")
        assert list(storage.list("journal")) == []
        assert storage.put_if_absent("journal/1.json", b"2")
