import functools
import io
from pathlib import Path

import jieba
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featurestore.extraction.words.words import segment

CHARACTERS = (
    "我爱北京天安门上海外滩夜景高铁票价的视频中国人民大学生活动物园龘靐鑫淼㐀𠀀éß๑ab12+#&._%- ,。"
    "！\r\n\t\u3000👍"
)


@functools.cache
def _peer() -> jieba.Tokenizer:
    """Make jieba's own tokenizer, its dictionary read without the cache."""
    tokenizer = jieba.Tokenizer()
    dictionary = Path(jieba.__file__).with_name("dict.txt").read_bytes()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(io.BytesIO(dictionary))
    tokenizer.initialized = True
    return tokenizer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "我来到北京清华大学",
        "他来到了网易杭研大厦",
        "小明硕士毕业于中国科学院计算所,后在日本京都大学深造",
        "iPhone12 Pro-Max 降价50.5%",
        "3.14%与v1.0.2-beta",
        "龘靐齉龘靐齉",
        "的的的的了了了了",
        "𠀀𠀁㐀㐁中",
        "行一\r\n行二 \n\n行三",
        "海通海",  # two ways of equal frequency
    ],
)
def test_cuts_are_those_of_jieba(text: str) -> None:
    assert segment(text) == list(_peer().cut(text))


@settings(max_examples=400, deadline=None)
@given(st.text(st.sampled_from(CHARACTERS) | st.characters(codec="utf-8"), max_size=60))
def test_cuts_of_any_text_are_those_of_jieba(text: str) -> None:
    assert segment(text) == list(_peer().cut(text))


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=60))
def test_cuts_of_rare_characters_are_those_of_jieba(text: str) -> None:
    assert segment(text) == list(_peer().cut(text))


def test_cuts_of_real_headlines_are_those_of_jieba(samples: Path) -> None:
    lines = (samples / "text" / "thucnews_dev.tsv").read_text().splitlines()
    headlines = [line.split("\t")[0] for line in lines]
    whole = "".join(headlines[:200])
    assert segment(whole) == list(_peer().cut(whole))
    assert [each for each in headlines if segment(each) != list(_peer().cut(each))] == []


def test_a_long_run_of_unknown_characters_is_cut_in_one_breath() -> None:
    text = "龘" * 20_000
    assert "".join(segment(text)) == text
