import pytest

from warehouse.errors import Corrupt, Invalid
from warehouse.formats import read_json


def test_a_known_version_is_read_with_all_that_is_there() -> None:
    assert read_json(b'{"format_version":1,"salt":3}', 1, "split.json") == {
        "format_version": 1,
        "salt": 3,
    }


@pytest.mark.parametrize("version", ["2", "0", '"1"', "true", "null", "1.0"])
def test_any_other_version_is_refused_with_the_file_and_both_versions(version: str) -> None:
    with pytest.raises(
        Invalid,
        match=r"split\.json has format version .*, and this Reelstore reads version 1: upgrade",
    ):
        read_json(f'{{"format_version":{version},"salt":3}}'.encode(), 1, "split.json")


def test_a_file_without_a_version_is_refused() -> None:
    with pytest.raises(Invalid, match="has format version None"):
        read_json(b'{"salt":3}', 1, "split.json")


@pytest.mark.parametrize("payload", [b"", b"{", b"[1]", b"\xff"])
def test_what_is_no_json_object_is_corrupt(payload: bytes) -> None:
    with pytest.raises(Corrupt, match=r"split\.json .*restore it from a copy"):
        read_json(payload, 1, "split.json")
