import hashlib
import random
import time
from collections.abc import Iterable
from pathlib import Path

import jieba
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featurestore.extraction.words.fields import MAX_FIELD_CHARS
from featurestore.extraction.words.segmentation import segment

CHARACTERS = (
    "我爱北京天安门上海外滩夜景高铁票价的视频中国人民大学生活动物园龘靐鑫淼㐀𠀀"
    "éß๑ab12+#&._%- ,。！\r\n\t\u3000👍"
)
HEADLINE_CUTS = "bb84f0b56a15c8d2b300563ed8e54bd2a666931757f04d4551e92501f32f7d03"
"""SHA-256 of the cuts that features published so far were made with, as `_digest` takes it."""
HOSTILE_CUTS = "bdcfe9a4f9daec207f510caade9e591e324302e2cda0014c2a34479a691d7335"
MAX_SECONDS = 20


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> jieba.Tokenizer:
    """Jieba as it sets itself up, but for the folder of its cache."""
    tokenizer = jieba.Tokenizer()
    tokenizer.tmp_dir = str(tmp_path_factory.mktemp("jieba"))
    tokenizer.initialize()
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
def test_cuts_are_those_of_jieba(stock: jieba.Tokenizer, text: str) -> None:
    assert segment(text) == stock.lcut(text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from(CHARACTERS) | st.characters(codec="utf-8"), max_size=60))
def test_words_joined_are_the_text(text: str) -> None:
    assert "".join(segment(text)) == text


def test_cuts_of_real_headlines_are_those_of_features_published_so_far(samples: Path) -> None:
    lines = (samples / "text" / "thucnews_dev.tsv").read_text().splitlines()
    assert _digest(line.split("\t")[0] for line in lines) == HEADLINE_CUTS


def test_cuts_of_hostile_text_are_those_of_features_published_so_far() -> None:
    rng = random.Random(0)  # noqa: S311 - draws nothing secret
    mixed = ["".join(rng.choice(CHARACTERS) for _ in range(rng.randrange(80))) for _ in range(2000)]
    rare = _drawn(rng, (0x4E00, 0x9FD6), 1000, 200)
    any_script = _drawn(rng, (0x20, 0xD800), 500, 100)
    runs = ["龘" * 5000, "的" * 5000, "海通海" * 500, "嗯" * 3000]
    assert _digest([*mixed, *rare, *any_script, *runs]) == HOSTILE_CUTS


@pytest.mark.parametrize("character", ["龘", "的"])
def test_the_costliest_text_that_fits_a_field_takes_seconds(character: str) -> None:
    # A run of characters that form no word costs jieba the square of its length.
    text = character * MAX_FIELD_CHARS
    segment("词")
    before = time.process_time()
    assert "".join(segment(text)) == text
    assert time.process_time() - before < MAX_SECONDS


def _drawn(rng: random.Random, codes: tuple[int, int], num_texts: int, max_chars: int) -> list[str]:
    lengths = (rng.randrange(max_chars) for _ in range(num_texts))
    return ["".join(chr(rng.randrange(*codes)) for _ in range(length)) for length in lengths]


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update("\x1f".join(segment(text)).encode() + b"\x1e")
    return digest.hexdigest()
