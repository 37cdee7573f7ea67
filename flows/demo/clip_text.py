"""What a clip says.

Title, timed captions and speech, written from a topic's words and shared noise.
"""

import re
from dataclasses import dataclass

import numpy as np

from flows.demo.topics import SHARED_WORDS, TOPICS, Topic

_SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

_TITLES = (
    "{n}{n}的{t}和{t}",
    "{n}{t}，{n}{t}！",
    "#{t} #{t} {n}{n}",
    "{t}{n}{n}，{n}再来{t}",
    "{n}聊聊{t}：{t}{n}{n}",
    "vlog {n}{t}{t}{n}",
)
_CAPTIONS = ("{n}{t}", "{t}{n}", "{n}{n}", "{t}，{n}", "{n}看{t}")
_SENTENCES = (
    "{n}我想说说{t}，",
    "{n}{n}就是{t}，",
    "然后{n}{n}，",
    "{t}和{t}都{n}，",
    "嗯嗯嗯嗯这个{n}{t}，",
    "对吧{n}，",
)
_STRAY_SHARE = 0.06
_NO_TITLE_SHARE = 0.08
_NO_CAPTIONS_SHARE = 0.15
_NO_SPEECH_SHARE = 0.15


@dataclass(frozen=True)
class ClipText:
    """The words of one clip; each part may be empty."""

    title: str = ""
    ocr: tuple[tuple[float, str], ...] = ()
    """Seconds and line, in order of time."""
    asr: str = ""


def write_text(rng: np.random.Generator, topic: Topic, duration_seconds: float) -> ClipText:
    """Write the text of a clip, some parts of which may be missing, never all.

    Args:
        rng: Where every choice comes from. The digit shown plays no part.
        topic: What it is about.
        duration_seconds: When the captions end.

    Returns:
        The text.
    """
    has_title, has_captions, has_speech = rng.random(3) >= (
        _NO_TITLE_SHARE,
        _NO_CAPTIONS_SHARE,
        _NO_SPEECH_SHARE,
    )
    if not (has_captions or has_speech):
        has_title = True
    return ClipText(
        title=_fill(rng, _pick(rng, _TITLES), topic) if has_title else "",
        ocr=_captions(rng, topic, duration_seconds) if has_captions else (),
        asr=(
            "".join(_fill(rng, _pick(rng, _SENTENCES), topic) for _ in range(rng.integers(3, 7)))
            if has_speech
            else ""
        ),
    )


def vocabulary() -> str:
    """Return a BERT-style ``vocab.txt``.

    Special tokens, then every character that the corpus can hold, sorted.
    """
    patterns = re.sub(r"\{.\}", "", "".join((*_TITLES, *_CAPTIONS, *_SENTENCES)))
    words = (*SHARED_WORDS, *(word for topic in TOPICS for word in topic.words))
    ascii_characters = {chr(code) for code in range(ord("!"), ord("~") + 1)} - set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    )
    characters = (set(patterns) | set("".join(words)) | ascii_characters) - {" "}
    continued = {f"##{character}" for character in ascii_characters if character.isalnum()}
    return "\n".join((*_SPECIAL_TOKENS, *sorted(characters), *sorted(continued))) + "\n"


def _captions(
    rng: np.random.Generator, topic: Topic, duration_seconds: float
) -> tuple[tuple[float, str], ...]:
    times = np.sort(rng.uniform(0, duration_seconds, rng.integers(1, 5))).round(1)
    lines = [_fill(rng, _pick(rng, _CAPTIONS), topic) for _ in times]
    return tuple(zip(times.tolist(), lines, strict=True))


def _pick(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[rng.integers(len(choices))]


def _fill(rng: np.random.Generator, pattern: str, topic: Topic) -> str:
    def word(mark: re.Match[str]) -> str:
        if mark[0] == "{n}":
            return _pick(rng, SHARED_WORDS)
        source = TOPICS[rng.integers(len(TOPICS))] if rng.random() < _STRAY_SHARE else topic
        return _pick(rng, source.words)

    return re.sub(r"\{[tn]\}", word, pattern)
