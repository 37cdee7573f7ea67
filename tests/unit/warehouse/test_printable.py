import pytest

from warehouse.identifiers import shown
from warehouse.printable import (
    MAX_PRINTABLE_CHARS,
    markdown,
    printable,
    spreadsheet_cell,
    text_of_cell,
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "视频①，标题。",
        "𠮷野家\u3000のれん",
        "👩‍🚀 ❤️ 🇨🇳 👍🏽",
        "ویدیو\u200cها",
        "e\u0301",
        "C:\\new\\x1b",
        "it's",
    ],
)
def test_words_in_any_script_stay_as_they_are(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "visible"),
    [
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a.jpg\nerror: forged\r\t\0", "a.jpg\\nerror: forged\\r\\t\\x00"),
        ("a\x85b\u2028c\u2029", "a\\x85b\\u2028c\\u2029"),
        ("gpj.\u202etxt\u2066", "gpj.\\u202etxt\\u2066"),
        ("a\u200bb\ufeff\xad\u3164", "a\\u200bb\\ufeff\\xad\\u3164"),
        ("半\ud83d\udc80", "半\\ud83d\\udc80"),
        ("a\U000e0041\uffff", "a\\U000e0041\\uffff"),
    ],
)
def test_what_steers_a_terminal_or_cannot_be_seen_is_escaped(text: str, visible: str) -> None:
    assert printable(text) == visible
    assert printable(visible) == visible


@pytest.mark.parametrize("text", ["长" * 10**6, "\x1b" * 10**6, "a" * 199 + "\n", "🚀" * 201])
def test_words_are_bounded_and_stay_so(text: str) -> None:
    once = printable(text)
    assert len(once) == MAX_PRINTABLE_CHARS
    assert once.endswith("…")
    assert printable(once) == once


def test_each_character_is_kept_or_escaped_and_can_be_stored() -> None:
    for code in range(0x110000):
        assert printable(chr(code)).encode()


def test_quoted_values_are_printable() -> None:
    assert shown("a\x1b\n\ud800") == r"'a\x1b\n\ud800'"
    assert shown("标" * 1000).endswith("标…")


@pytest.mark.parametrize(
    ("text", "shown_as"),
    [
        ("2026-11-20: 3 of 4 ok, test_a 标题", "2026-11-20: 3 of 4 ok, test_a 标题"),
        (
            "[x](javascript:1) <img src=x> `a` **b** |c| &lt;",
            r"\[x\](javascript:1) \<img src=x\> \`a\` \*\*b\*\* \|c\| \&lt;",
        ),
        ("  # forged\n\n# heading _it_", r"\# forged\\n\\n# heading \_it\_"),
    ],
)
def test_nothing_in_words_is_markdown(text: str, shown_as: str) -> None:
    assert markdown(text) == shown_as


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("'=1", "''=1"),
        ("'tis", "'tis"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_a_spreadsheet_computes_no_cell_and_its_text_comes_back(text: str, cell: str) -> None:
    assert spreadsheet_cell(text) == cell
    assert text_of_cell(cell) == text
