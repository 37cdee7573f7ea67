"""The program of a word worker.

Text in, token rows or counts of terms out, the dictionary loaded once.

Started by `word_workers.py` as `python -m featurestore.extraction.words.word_worker PARENT`. A
message either way is a line of JSON, which ends with the number of bytes that follow it, and those
bytes.
"""

import io
import json
import resource
import sys
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import polars as pl

from featurestore.extraction.decoding.lifeline import end_with
from featurestore.extraction.words.text import TextExtractor, TextRecipe
from featurestore.extraction.words.tfidf import TermWeights, count_terms
from featurestore.extraction.words.words import read_fields, segment
from featurestore.views.text.text_spec import TextSpec

READY = "ready"
KEPT_RECIPES = 4
"""Extractors that a worker keeps; the wanted recipe and the champion's are two."""


def main() -> None:
    """Answer messages until stdin ends."""
    end_with(int(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    segment("词")
    extractors: dict[str, TextExtractor] = {}
    send(sys.stdout.buffer, READY, "", b"")
    for task, recipe, payload in _messages(sys.stdin.buffer):
        answer = b""
        if task == "load":
            extractors[recipe] = TextExtractor(unpack_recipe(payload))
        elif task == "forget":
            del extractors[recipe]
        elif task == "extract":
            answer = pack(extractors[recipe].extract(unpack(payload)))
        else:
            answer = _count(unpack(payload))
        send(sys.stdout.buffer, READY, recipe, answer)


def send(stream: BinaryIO, task: str, recipe: str, payload: bytes) -> None:
    """Write a message whole.

    Args:
        stream: a pipe.
        task: `load`, `forget`, `extract` or `count`; `ready` in an answer.
        recipe: the fingerprint that it is about, or nothing.
        payload: what the task takes or gives.
    """
    stream.write(json.dumps([task, recipe, len(payload)]).encode() + b"\n")
    stream.write(payload)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[str, str, bytes] | None:
    """Read a message as `send` wrote it: task, recipe and payload.

    None where the stream ends before the message.
    """
    try:
        task, recipe, size_bytes = json.loads(stream.readline())
    except ValueError:
        return None
    payload = stream.read(size_bytes)
    return (task, recipe, payload) if len(payload) == size_bytes else None


def pack(rows: pl.DataFrame) -> bytes:
    """Write rows as Arrow IPC."""
    buffer = io.BytesIO()
    rows.write_ipc(buffer)
    return buffer.getvalue()


def unpack(payload: bytes) -> pl.DataFrame:
    """Read rows that `pack` wrote."""
    return pl.read_ipc(io.BytesIO(payload))


def pack_recipe(recipe: TextRecipe) -> bytes:
    """Write a recipe with its files."""
    files = {"spec": recipe.spec.model_dump_json().encode(), "vocabulary": recipe.vocabulary}
    files |= recipe.weights.to_files()
    return pack(pl.DataFrame({"name": list(files), "payload": list(files.values())}))


def unpack_recipe(payload: bytes) -> TextRecipe:
    """Read a recipe that `pack_recipe` wrote."""
    files: Mapping[str, bytes] = dict(unpack(payload).iter_rows())
    spec = TextSpec.model_validate_json(files["spec"])
    return TextRecipe(spec, files["vocabulary"], TermWeights.from_files(files))


def _messages(stream: BinaryIO) -> Iterator[tuple[str, str, bytes]]:
    while (message := receive(stream)) is not None:
        yield message


def _count(videos: pl.DataFrame) -> bytes:
    counts = count_terms(
        read_fields(*row) for row in videos.select("title", "ocr", "asr").iter_rows()
    )
    return json.dumps([counts.num_documents, counts.num_with_term], ensure_ascii=False).encode()


if __name__ == "__main__":
    main()
