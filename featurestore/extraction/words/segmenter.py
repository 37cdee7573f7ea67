"""Chinese text to words: the very cuts that jieba makes, in half of its time.

jieba looks every word of its dictionary up twice and copies a path for each character that it does
not know. Here words carry the logarithms of their frequencies, and unknown characters point back to
the state before them.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_HAN = re.compile(r"([\u4E00-\u9FD5a-zA-Z0-9+#&\._%\-]+)")
_BETWEEN = re.compile(r"\r\n|(?s:.)")
_UNKNOWN_HAN = re.compile(r"([\u4E00-\u9FD5]+)")
_UNKNOWN_BETWEEN = re.compile(r"([a-zA-Z0-9]+(?:\.\d+)?%?)")
_NEVER = -3.14e100
"""jieba's logarithm of zero."""
_STATES = "BMES"

Emission = tuple[float, float, float, float]


@dataclass(frozen=True)
class UnknownWords:
    """jieba's hidden Markov model.

    The places that a character has in a word it does not know, as logarithms.

    States are B, M, E and S: a word begins, goes on, ends, or is that character alone.
    """

    start: Mapping[str, float]
    transitions: Mapping[str, Mapping[str, float]]
    emissions: Mapping[str, Mapping[str, float]]


class Segmenter:
    """Cuts text into words.

    Args:
        dictionary: jieba's, UTF-8 lines of word, frequency and tag.
        unknown: the model of words that it lacks.

    Source: jieba 0.42, `Tokenizer.cut` and `finalseg.cut`; sums are made in the same order, and
        ties fall alike.
    """

    def __init__(self, dictionary: bytes, unknown: UnknownWords) -> None:
        self._scores, self._alone = _read_dictionary(dictionary)
        self._start = _by_state(unknown.start)
        self._emissions = _by_character(unknown.emissions)
        self._transitions = tuple(
            unknown.transitions[before][after]
            for before, after in ("EB", "SB", "BM", "MM", "BE", "ME", "ES", "SS")
        )

    def cut(self, text: str) -> list[str]:
        """Cut text; the words joined are the text again."""
        words: list[str] = []
        for place, block in enumerate(_HAN.split(text)):
            if place % 2:
                words += self._cut_block(block)
            elif block:
                words += _BETWEEN.findall(block)
        return words

    def _cut_block(self, block: str) -> Iterator[str]:
        """Take the likeliest way through the dictionary.

        And look closer where it leaves characters alone.
        """
        ends = self._likeliest_ends(block)
        start = alone_from = 0
        length = len(block)
        while start < length:
            end = ends[start]
            if end - start > 1:
                if alone_from < start:
                    yield from self._cut_alone(block[alone_from:start])
                yield block[start:end]
                alone_from = end
            start = end
        if alone_from < length:
            yield from self._cut_alone(block[alone_from:])

    def _likeliest_ends(self, block: str) -> list[int]:
        """Where the word that begins at each character ends.

        By dynamic programming from the end.
        """
        find, alone, length = self._scores.get, self._alone, len(block)
        best, ends = [0.0] * (length + 1), [0] * length
        for start in range(length - 1, -1, -1):
            top, top_end, end = -math.inf, 0, start + 1
            score = find(block[start])
            while score is not None:
                # Zero marks the beginning of a word that is none itself.
                if score and (sum_ := score + best[end]) >= top:
                    top, top_end = sum_, end
                if end == length:
                    break
                end += 1
                score = find(block[start:end])
            if not top_end:
                top, top_end = alone + best[start + 1], start + 1
            best[start], ends[start] = top, top_end
        return ends

    def _cut_alone(self, text: str) -> Iterator[str]:
        """Cut a run of characters that the dictionary left alone."""
        if len(text) == 1 or self._scores.get(text):
            yield from text
            return
        for place, block in enumerate(_UNKNOWN_HAN.split(text)):
            if place % 2:
                yield from self._cut_unknown(block)
            else:
                yield from filter(None, _UNKNOWN_BETWEEN.split(block))

    def _cut_unknown(self, text: str) -> Iterator[str]:
        begin = following = 0
        for place, state in enumerate(self._states(text)):
            if state == "B":
                begin = place
            elif state != "M":
                following = place + 1
                yield text[begin if state == "E" else place : following]
        if following < len(text):
            yield text[following:]

    def _states(self, text: str) -> str:
        """The likeliest state of each character, by Viterbi's algorithm.

        Equals go to the later letter.
        """
        eb, sb, bm, mm, be, me, es, ss = self._transitions
        unseen = (_NEVER,) * 4
        b, m, e, s = map(float.__add__, self._start, self._emissions.get(text[0], unseen))
        steps: list[dict[str, str]] = []
        for character in text[1:]:
            to_b, to_m, to_e, to_s = self._emissions.get(character, unseen)
            # The character's own term is added before comparing: beside the logarithm of zero, sums
            # round to equals.
            b_e, b_s = e + eb + to_b, s + sb + to_b
            m_b, m_m = b + bm + to_m, m + mm + to_m
            e_b, e_m = b + be + to_e, m + me + to_e
            s_e, s_s = e + es + to_s, s + ss + to_s
            steps.append(
                {
                    "B": "E" if b_e > b_s else "S",
                    "M": "B" if m_b > m_m else "M",
                    "E": "B" if e_b > e_m else "M",
                    "S": "E" if s_e > s_s else "S",
                }
            )
            b, m, e, s = max(b_e, b_s), max(m_b, m_m), max(e_b, e_m), max(s_e, s_s)
        states = ["E" if e > s else "S"]
        for step in reversed(steps):
            states.append(step[states[-1]])
        return "".join(reversed(states))


def _read_dictionary(dictionary: bytes) -> tuple[dict[str, float], float]:
    """Read the logarithm of each word's share, zero for what only begins a word.

    And that of a count of one.
    """
    lines = dictionary.decode().splitlines()
    counts = [(word, int(count)) for word, count, _ in (line.split(" ", 2) for line in lines)]
    log_total = math.log(sum(count for _, count in counts))
    shares = {
        count: math.log(count) - log_total if count else 0.0
        for count in {count for _, count in counts}
    }
    scores = {word: shares[count] for word, count in counts}
    for word, _ in counts:
        for end in range(len(word) - 1, 0, -1):
            # What is there has its own beginnings there too, or gets them when its turn comes.
            if word[:end] in scores:
                break
            scores[word[:end]] = 0.0
    return scores, -log_total


def _by_state(table: Mapping[str, float]) -> Emission:
    b, m, e, s = (table.get(state, _NEVER) for state in _STATES)
    return b, m, e, s


def _by_character(emissions: Mapping[str, Mapping[str, float]]) -> dict[str, Emission]:
    characters = sorted(set().union(*emissions.values()))
    return {
        each: _by_state({state: emissions[state].get(each, _NEVER) for state in _STATES})
        for each in characters
    }
