import re
from collections import Counter
from itertools import combinations

import numpy as np

from flows.demo.clip_text import ClipText, vocabulary, write_text
from flows.demo.topics import SHARED_WORDS, TOPICS, Topic


def _texts(topic: Topic) -> list[ClipText]:
    rng = np.random.default_rng(3)
    return [write_text(rng, topic, 10.0) for _ in range(200)]


def _all_of(text: ClipText) -> str:
    return " ".join((text.title, *(line for _, line in text.ocr), text.asr))


def test_no_topic_shares_a_word_with_another_or_with_the_noise() -> None:
    lists = [set(SHARED_WORDS), *(set(topic.words) for topic in TOPICS)]
    assert all(not one & other for one, other in combinations(lists, 2))


def test_most_texts_name_their_topic_most_often() -> None:
    for topic in TOPICS:
        right = 0
        for text in _texts(topic):
            counts = Counter(
                {
                    other.name: sum(_all_of(text).count(word) for word in other.words)
                    for other in TOPICS
                }
            )
            right += counts.most_common(1)[0][0] == topic.name
        assert right >= 190


def test_some_parts_are_missing_but_never_all() -> None:
    texts = _texts(TOPICS[0])
    assert any(not text.title for text in texts)
    assert any(not text.ocr for text in texts)
    assert any(not text.asr for text in texts)
    assert all(_all_of(text).strip() for text in texts)


def test_captions_are_within_the_clip_and_in_order_of_time() -> None:
    for text in _texts(TOPICS[1]):
        times = [seconds for seconds, _ in text.ocr]
        assert times == sorted(times)
        assert all(0 <= seconds <= 10 for seconds in times)


def test_vocabulary_covers_every_text() -> None:
    tokens = vocabulary().splitlines()
    assert tokens[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert len(tokens) == len(set(tokens))
    written = {
        character for topic in TOPICS for text in _texts(topic) for character in _all_of(text)
    }
    assert not {character for character in written if not re.match(r"\s", character)} - set(tokens)
