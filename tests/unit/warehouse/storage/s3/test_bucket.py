import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.s3_server import KEYS, S3Server
from tests.unit.warehouse.storage.storage_contract import StorageContract
from warehouse.errors import Corrupt, Invalid, Retryable
from warehouse.storage.files import describe
from warehouse.storage.s3.bucket import Bucket
from warehouse.storage.s3.s3_root import parse_root


@pytest.fixture
def bucket(server: S3Server, tmp_path: Path) -> Bucket:
    return Bucket(server.root(tmp_path / "cache"))


def staged(bucket: Bucket, payload: bytes) -> dict[str, Any]:
    bucket.stage("0" * 16, "a.bin", payload)
    return {"a.bin": describe(payload)}


class TestBucket(StorageContract):
    @pytest.fixture
    def storage(self, bucket: Bucket) -> Bucket:
        return bucket


def test_a_bucket_that_keeps_no_precondition_is_refused_by_name(
    server: S3Server, bucket: Bucket
) -> None:
    def ignore(request: Any) -> str:
        del request.headers["If-None-Match"]
        return ""

    bucket.require_create_if_absent()
    server.fault = ignore
    with pytest.raises(Invalid, match=r"s3://videos/store does not keep If-None-Match"):
        bucket.require_create_if_absent()
    server.fault = lambda _: ""
    assert list(bucket.list("")) == []


def test_a_number_is_given_once_whatever_the_name(bucket: Bucket) -> None:
    assert bucket.put_numbered("journal/00000001-aa.json", b"a")
    assert not bucket.put_numbered("journal/00000001-bb.json", b"b")
    assert bucket.put_numbered("journal/00000002-bb.json", b"b")
    assert sorted(bucket.list("")) == ["journal/00000001-aa.json", "journal/00000002-bb.json"]


def test_what_a_killed_writer_has_left_of_a_number_is_finished(
    server: S3Server, bucket: Bucket
) -> None:
    key = "journal/00000001-aa.json"

    def kill(request: Any) -> str:
        is_last = request.command == "PUT" and request.path.partition("?")[0].endswith("aa.json")
        return "refuse" if is_last else ""

    server.fault = kill
    with pytest.raises(Retryable):
        bucket.put_numbered(key, b"a")
    server.fault = lambda _: ""
    assert not bucket.put_numbered("journal/00000001-bb.json", b"b")
    bucket.finish_numbered("journal")
    assert list(bucket.list("")) == [key]
    assert bucket.read(key) == b"a"
    bucket.finish_numbered("journal")
    assert bucket.put_numbered("journal/00000002-bb.json", b"b")


def test_a_damaged_object_is_not_read_and_leaves_no_file(server: S3Server, bucket: Bucket) -> None:
    entry = staged(bucket, b"right")["a.bin"]
    other = Bucket(server.root(bucket.root.cache / "other"))
    (path,) = (server.data / "videos/store/objects").iterdir()
    path.write_bytes(b"wrong")
    assert other.fault("", "a.bin", entry) == "has changed bytes"
    with pytest.raises(Corrupt, match=r"s3://videos/store/objects/.* has changed bytes"):
        other.published_path("", "a.bin", entry)
    assert [path for path in other.root.home.rglob("*") if path.name.endswith(".part")] == []
    assert list((other.root.home / "objects").iterdir()) == []


def test_a_damaged_file_of_the_cache_is_fetched_again(bucket: Bucket) -> None:
    entry = staged(bucket, b"right")["a.bin"]
    path = bucket.published_path("", "a.bin", entry)
    path.write_bytes(b"wrong")
    assert bucket.published_path("", "a.bin", entry).read_bytes() == b"right"


def test_objects_that_nothing_needs_are_swept_with_their_copies(bucket: Bucket) -> None:
    entry = staged(bucket, b"a")["a.bin"]
    cached = bucket.published_path("", "a.bin", entry)
    assert bucket.sweep(set, float("inf"), dry_run=True) == 1
    assert bucket.sweep(lambda: {entry.sha256}, float("inf"), dry_run=False) == 0
    assert bucket.sweep(set, 0.0, dry_run=False) == 0
    assert cached.exists()
    assert bucket.sweep(set, float("inf"), dry_run=False) == 1
    assert not cached.exists()
    assert bucket.fault("", "a.bin", entry) == "is missing"


def test_an_object_that_was_swept_meanwhile_is_put_again(server: S3Server, bucket: Bucket) -> None:
    entries = staged(bucket, b"a")
    (path,) = (server.data / "videos/store/objects").iterdir()
    path.unlink()
    assert bucket.fault("", "a.bin", entries["a.bin"]) == "is missing"
    published = bucket.put_folder_if_absent(
        "t/0", "0" * 16, entries, {"manifest.json": b""}, gives_way=lambda: False
    )
    assert published
    assert bucket.fault("", "a.bin", entries["a.bin"]) is None


def test_a_server_that_does_not_answer_is_named_without_a_key(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{KEYS['AWS_SECRET_ACCESS_KEY']}.invalid:9")
    monkeypatch.setattr("warehouse.storage.s3.requests.RETRIES", {"max_retries": 0})
    with pytest.raises(Retryable, match=r"s3://videos/store/journal/1 cannot be used") as raised:
        Bucket(parse_root("s3://videos/store", tmp_path / "other", 1)).read("journal/1")
    assert not any(key in str(raised.value) for key in KEYS.values())
    assert raised.value.__cause__ is None
    assert not any(key in repr(bucket) for key in KEYS.values())


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("AWS_ENDPOINT_URL", "127.0.0.1:9", "AWS_ENDPOINT_URL is no address"),
        ("AWS_ENDPOINT_URL", "", "AWS_ENDPOINT_URL is no address"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:99999", "AWS_ENDPOINT_URL is no address"),
        ("AWS_ENDPOINT_URL", "http://me:s3cr3t@127.0.0.1", "AWS_ENDPOINT_URL is no address"),
        ("AWS_ENDPOINT_URL", "http://one two", "AWS_ENDPOINT_URL is no address"),
        ("AWS_METADATA_ENDPOINT", "junk", "AWS_METADATA_ENDPOINT is no address"),
        ("AWS_ACCESS_KEY_ID", "AKIA\nTEST", "AWS_ACCESS_KEY_ID holds a line break"),
        ("AWS_REGION", "\n", "AWS_REGION holds a line break"),
        ("AWS_ALLOW_HTTP", "no", "without TLS: set AWS_ALLOW_HTTP=true"),
        (
            "AWS_ALLOW_HTTP",
            "perhaps",
            r"s3://videos/store cannot be used .*: correct the variables",
        ),
    ],
)
def test_a_variable_of_another_form_is_refused(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Invalid, match=sentence) as raised:
        bucket.read("journal/1")
    assert "s3cr3t" not in str(raised.value)


def test_a_sentence_says_what_was_wrong_and_not_how_a_request_was_made(
    server: S3Server, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.storage.s3.requests.RETRIES", {"max_retries": 0})
    server.fault = lambda _: "slow down"
    with pytest.raises(Retryable, match=r"journal/1 cannot be used \(.*SlowDown") as raised:
        bucket.read("journal/1")
    assert server.url not in str(raised.value)


def test_a_process_without_keys_is_told_to_give_them(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("warehouse.storage.s3.requests.RETRIES", {"max_retries": 0})
    with pytest.raises(Retryable, match=r"cannot be used .*: give AWS_ACCESS_KEY_ID"):
        bucket.read("journal/1")


def test_a_large_file_is_put_in_parts_and_read_back(
    server: S3Server, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.storage.s3.requests._WHOLE_BYTES", 2**20)
    payload = bytes(range(256)) * 2**15
    entry = staged(bucket, payload)["a.bin"]
    assert [each for each in server.requests if each.startswith("POST")]
    other = Bucket(server.root(bucket.root.cache / "other"))
    assert other.published_path("", "a.bin", entry).read_bytes() == payload


@pytest.mark.parametrize("words", ["s3://key:secret@videos/store", "s3://", "s3://v/../w"])
def test_a_root_of_another_form_is_refused_and_not_shown(words: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="AWS_ACCESS_KEY_ID") as raised:
        parse_root(words, tmp_path, 1)
    assert "secret@" not in str(raised.value)


def test_a_forked_process_is_refused_and_does_not_wait_for_ever(server: S3Server) -> None:
    program = (
        "import os, sys, pathlib\n"
        "from warehouse.errors import Invalid\n"
        "from warehouse.storage.s3.bucket import Bucket\n"
        "from warehouse.storage.s3.s3_root import parse_root\n"
        "bucket = Bucket(parse_root('s3://videos/store', pathlib.Path(sys.argv[1]), 1))\n"
        "bucket.put_if_absent('a', b'')\n"
        "if os.fork() == 0:\n"
        "    try:\n"
        "        bucket.read('a')\n"
        "    except Invalid as error:\n"
        "        print(error, flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    command = [sys.executable, "-c", program, str(server.data / "cache")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, env={**os.environ}
    )
    assert "a forked process cannot read s3://videos/store" in done.stdout
