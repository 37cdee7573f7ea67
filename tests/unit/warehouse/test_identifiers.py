import pytest

from warehouse.errors import Invalid
from warehouse.identifiers import parse_partition_name, parse_video_id, shown


@pytest.mark.parametrize("text", ["0", "14036047732927185163", "-dQw4w9WgXcQ", "_a", "a.b-c_d", "x" * 128])
def test_usable_video_id_is_kept(text: str) -> None:
    assert parse_video_id(text) == text


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a\\b", "a b", "视频", "a\n", "a\0", "x" * 129, "é"])
def test_video_id_unsafe_in_a_path_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="video id"):
        parse_video_id(text)


@pytest.mark.parametrize("text", ["2026-11-20", "labeled", "test_a", "x" * 64])
def test_usable_partition_name_is_kept(text: str) -> None:
    assert parse_partition_name(text) == text


@pytest.mark.parametrize("text", ["", ".", "-x", "_x", "a/b", "a=b", "标", "x" * 65, "a\n"])
def test_partition_name_unsafe_in_a_path_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="partition name"):
        parse_partition_name(text)


def test_long_values_are_cut_in_messages() -> None:
    assert len(shown("x" * 1000)) < 70
