import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from featurestore.extraction.decoding.media import MediaItem, copy_to_memory
from featurestore.progress.reasons import Reason
from warehouse.errors import Rejected


@pytest.fixture
def memory() -> Iterator[int]:
    descriptor = os.memfd_create("test")
    yield descriptor
    os.close(descriptor)


def reason_of(item: MediaItem, memory: int) -> str:
    with pytest.raises(Rejected) as rejected:
        copy_to_memory(item, memory)
    # Equal media give equal ledgers, wherever they lie.
    assert str(item.path.parent) not in rejected.value.sentence.replace(item.path.name, "")
    return rejected.value.reason


def test_the_bytes_replace_those_of_the_medium_before(
    put: Callable[[bytes], MediaItem], memory: int
) -> None:
    for payload in (b"a longer medium" * 200_000, b"a short one"):
        copy_to_memory(put(payload), memory)
        assert os.pread(memory, len(payload) + 1, 0) == payload


def test_a_missing_medium_is_missing(put: Callable[[bytes], MediaItem], memory: int) -> None:
    item = put(b"x")
    assert (
        reason_of(replace(item, path=item.path.with_name("gone")), memory) == Reason.MEDIA_MISSING
    )
    assert reason_of(replace(item, path=item.path / "below a file"), memory) == Reason.MEDIA_MISSING


def test_what_is_no_regular_file_is_unreadable_and_never_waited_for(
    tmp_path: Path, memory: int
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (
        tmp_path,
        tmp_path / "pipe",
        Path("/dev/zero"),
        Path("nul\0byte"),
        tmp_path / ("n" * 300),
    ):
        assert reason_of(MediaItem("0" * 64, path, "video"), memory) == Reason.MEDIA_UNREADABLE


def test_why_a_medium_cannot_be_read_is_said_in_words_of_ours(tmp_path: Path, memory: int) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for name, told in {
        "a": "a cannot be read: its links lead in a circle",
        "\x1b\n" * 180: "its name is too long",
    }.items():
        with pytest.raises(Rejected) as rejected:
            copy_to_memory(MediaItem("0" * 64, tmp_path / name, "video"), memory)
        assert rejected.value.sentence.endswith(told)
        assert rejected.value.sentence.isprintable()


def test_other_bytes_than_those_ingested_are_noticed(
    put: Callable[[bytes], MediaItem], memory: int
) -> None:
    item = put(b"as ingested")
    item.path.write_bytes(b"as replaced")
    assert reason_of(item, memory) == Reason.MEDIA_CHANGED


def test_an_empty_file_is_empty(put: Callable[[bytes], MediaItem], memory: int) -> None:
    item = put(b"")
    assert item.content_sha256 == hashlib.sha256().hexdigest()
    assert reason_of(item, memory) == Reason.EMPTY_FILE


def test_a_file_past_the_limit_is_too_large(
    put: Callable[[bytes], MediaItem], memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.ingest.media_files.MAX_MEDIUM_BYTES", 10)
    copy_to_memory(put(b"x" * 10), memory)
    assert reason_of(put(b"x" * 11), memory) == Reason.TOO_LARGE


def test_a_file_past_the_limit_that_was_smaller_when_it_was_ingested_has_changed(
    put: Callable[[bytes], MediaItem], memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("featurestore.extraction.decoding.media", "warehouse.ingest.media_files"):
        monkeypatch.setattr(f"{module}.MAX_MEDIUM_BYTES", 10)
    item = put(b"x" * 11)
    assert reason_of(replace(item, size_bytes=10), memory) == Reason.MEDIA_CHANGED
    assert reason_of(replace(item, size_bytes=11), memory) == Reason.TOO_LARGE
