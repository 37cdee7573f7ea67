"""What every implementation of `Storage` must do: a class of tests for each to inherit."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from warehouse.storage.protocol import Storage


def _stays() -> bool:
    return False


class StorageContract:
    """The tests; a subclass gives the fixture `storage`."""

    @pytest.fixture
    def storage(self) -> Storage:
        raise NotImplementedError

    @pytest.fixture
    def staged(self, tmp_path: Path) -> Callable[[bytes], Path]:
        """Make a local folder of staged files."""

        def stage(payload: bytes) -> Path:
            folder = tmp_path / "stage" / payload.hex()
            folder.mkdir(parents=True)
            (folder / "a.bin").write_bytes(payload)
            (folder / "unused.bin").write_bytes(b"")
            return folder

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

    def test_a_folder_is_published_with_what_is_written_beside_it(
        self, storage: Storage, staged: Callable[[bytes], Path]
    ) -> None:
        beside = {"manifest.json": b"{}"}
        assert storage.put_folder_if_absent(
            "tables/t/0", staged(b"a"), ["a.bin"], beside, gives_way=_stays
        )
        assert sorted(storage.list("tables")) == ["tables/t/0/a.bin", "tables/t/0/manifest.json"]
        assert storage.read("tables/t/0/a.bin") == b"a"

    @pytest.mark.parametrize("gives_way", [False, True])
    def test_a_folder_that_is_there_stays_unless_it_gives_way(
        self, storage: Storage, staged: Callable[[bytes], Path], gives_way: bool
    ) -> None:
        for payload in (b"first", b"second"):
            is_new = storage.put_folder_if_absent(
                "tables/t/0", staged(payload), ["a.bin"], {}, gives_way=lambda: gives_way
            )
        assert is_new == gives_way
        assert storage.read("tables/t/0/a.bin") == (b"second" if gives_way else b"first")

    def test_a_folder_whose_staged_file_is_gone_is_not_published(
        self, storage: Storage, staged: Callable[[bytes], Path]
    ) -> None:
        with pytest.raises(FileNotFoundError):
            storage.put_folder_if_absent(
                "tables/t/0", staged(b"a"), ["a.bin", "gone.bin"], {}, gives_way=_stays
            )
        assert list(storage.list("tables")) == []

    def test_what_is_put_away_is_out_of_sight_and_then_deleted(
        self, storage: Storage, staged: Callable[[bytes], Path]
    ) -> None:
        storage.put_folder_if_absent("tables/t/0", staged(b"a"), ["a.bin"], {}, gives_way=_stays)
        away = storage.put_away("tables/t/0")
        assert list(storage.list("tables")) == []
        assert list(storage.list(away)) == [f"{away}/a.bin"]
        storage.delete(away)
        storage.delete(away)
        assert list(storage.list(away)) == []

    def test_a_file_is_deleted(self, storage: Storage) -> None:
        storage.put_if_absent("journal/1.json", b"1")
        storage.delete("journal/1.json")
        assert list(storage.list("journal")) == []
        assert storage.put_if_absent("journal/1.json", b"2")
