import pytest

from warehouse.errors import Invalid
from warehouse.identifiers import parse_partition_name, parse_video_id, shown


@pytest.mark.parametrize(
    "text",
    [
        *(
            "0",
            "14036047732927185163",
            "-dQw4w9WgXcQ",
            "_a",
            "a.b-c_d",
            "x" * 128,
            "a b",
            "../../a",
            "a\\b",
            ".",
        ),
        *(
            "视频①",
            "𠮷野家" * 42,
            "видео",
            "فيديو",
            "ویدیو\u200cها",
            "비디오",
            "वीडियो",
            "👩‍🚀",
            "é",
            "e\u0301",
        ),
    ],
)
def test_usable_video_id_is_kept(text: str) -> None:
    assert parse_video_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "a ",
            " a",
            "\u3000视频",
            "x" * 129,
            "a\n",
            "a\0b",
            "a\x7f",
            "a\x85b",
            "半\ud83d",
            "\udc80",
        ),
        *(
            "a\u202eb",
            "\u2066a",
            "a\u200f",
            "a\u061c",
            "a\ufeff",
            "a\u200bb",
            "a\xadb",
            "a\u2028b",
            "a\uffff",
        ),
    ],
)
def test_video_id_that_cannot_be_seen_or_stored_is_refused_in_one_printable_sentence(
    text: str,
) -> None:
    with pytest.raises(Invalid, match="video id") as refused:
        parse_video_id(text)
    assert str(refused.value).isprintable()


def test_equivalent_video_ids_are_two() -> None:
    assert parse_video_id("é") != parse_video_id("e\u0301")
    assert parse_video_id("Å") != parse_video_id("\u212b")


@pytest.mark.parametrize("text", ["2026-11-20", "labeled", "test_a", "x" * 64])
def test_usable_partition_name_is_kept(text: str) -> None:
    assert parse_partition_name(text) == text


@pytest.mark.parametrize("text", ["", ".", "-x", "_x", "a/b", "a=b", "标", "x" * 65, "a\n"])
def test_partition_name_unsafe_in_a_path_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="partition name"):
        parse_partition_name(text)


def test_long_values_are_cut_in_messages() -> None:
    assert len(shown("x" * 1000)) < 70
