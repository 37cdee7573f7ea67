"""Chinese text to words, by jieba's own tokenizer. The only module that knows jieba."""

import functools
from pathlib import Path

import jieba

from warehouse.storage.files import sha256_bytes

_DICTIONARY = Path(jieba.__file__).with_name("dict.txt")


def segment(text: str) -> list[str]:
    """Cut text into words; joined, they are the text again."""
    words: list[str] = _tokenizer().lcut(text)
    return words


@functools.cache
def dictionary_sha256() -> str:
    """Digest of the dictionary that words come from."""
    return sha256_bytes(_DICTIONARY.read_bytes())


@functools.cache
def _tokenizer() -> jieba.Tokenizer:
    """Make the tokenizer from the package's dictionary.

    Its own `initialize` would unmarshal a cache from a shared folder, whoever put it there, or
    write one.
    """
    tokenizer = jieba.Tokenizer()
    with _DICTIONARY.open("rb") as lines:
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(lines)
    tokenizer.initialized = True
    return tokenizer
