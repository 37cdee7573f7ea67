import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from featurestore.extraction.words.fields import MAX_FIELD_CHARS, Fields, normalise, read_fields


def line(text: str, time_seconds: float | None = None) -> dict[str, Any]:
    return {"time_seconds": time_seconds, "text": text}


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("ＡＢＣ１２３，！", "ABC123,!"),
        ("\u202e倒着写\u202c", "倒着写"),
        ("零\u200b宽\ufeff字\u00ad符", "零宽字符"),
        ("空\x00字\x1b符", "空字符"),
        ("  两\u3000端\t和\r\n中间  ", "两 端 和 中间"),
        ("半个\ud83d表情", "半个表情"),
        ("私用\ue000区", "私用区"),
        ("é", "é"),
        ("表情👍🏽", "表情👍🏽"),
    ],
)
def test_text_is_brought_to_one_form(text: str, form: str) -> None:
    assert normalise(text) == form


@given(st.text(st.characters(), max_size=60))
def test_normal_text_is_utf8_and_stays_as_it_is(text: str) -> None:
    form = normalise(text)
    form.encode()
    assert normalise(form) == form
    assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in form)


def test_a_very_long_field_keeps_its_two_ends() -> None:
    form = normalise("首" + "中" * 100_000 + "尾")
    assert len(form) == MAX_FIELD_CHARS
    assert form[0] + form[-1] == "首尾"


def test_a_field_as_long_as_a_book_is_not_read_whole() -> None:
    assert normalise("首" + "\u200b" * 3_000_000 + "中" * 9 + "\u200b" * 3_000_000 + "尾") == "首尾"


def test_ocr_lines_are_sorted_by_time_joined_and_each_kept_once() -> None:
    ocr = [
        line("第三", 9.5),
        line("第一", 0.0),
        line("没有时间"),
        line("第二", 4),
        line("第一", 5),
        line(" ", 1),
    ]
    assert read_fields(None, ocr, None).ocr == "第一,第二,第三,没有时间"


def test_lines_of_the_same_time_keep_their_order() -> None:
    assert read_fields(None, [line("乙", 1), line("甲", 1)], None).ocr == "乙,甲"


def test_three_fillers_in_a_row_are_removed_from_speech_and_two_are_not() -> None:
    assert read_fields("嗯嗯嗯", None, "嗯嗯嗯嗯好的嗯嗯对嗯") == Fields(
        "嗯嗯嗯", "", "好的嗯嗯对嗯"
    )


def test_fields_without_text_are_empty() -> None:
    assert not read_fields(None, None, None)
    assert not read_fields(" \u200b", [line("\x00")], "嗯嗯嗯")
    assert read_fields("字", [], "")
