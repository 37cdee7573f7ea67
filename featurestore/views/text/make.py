"""Makes the text view: every video's words, tokens and keywords."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from featurestore import wanted
from featurestore.extraction import chunking
from featurestore.extraction.making import NOTES, ChunkMaker, Kept, Made, PartitionMaker
from featurestore.extraction.runtime import Runtime
from featurestore.extraction.words.text import TextRecipe
from featurestore.extraction.words.tfidf import TermWeights
from featurestore.extraction.words.word_pool import WordPool
from featurestore.progress.reasons import Reason
from featurestore.views.text import text_checks, text_chunks, tokens
from featurestore.views.text.text_spec import TextSpec
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.store import Store
from warehouse.tables import VideoPartition

_COLUMNS = ("video_id", "title", "ocr", "asr", "text_sha256")


@contextmanager
def opened(store: Store, fingerprint: str, runtime: Runtime) -> Iterator[PartitionMaker]:
    """Read a recipe's vocabulary and terms and hold its processes; as for `open_maker`.

    Raises:
        Invalid: The recipe is of another transform version, or the vocabulary, the terms or
            jieba's dictionary are not those that it names.
    """
    commit = wanted.spec_commit(store, "text", fingerprint)
    recipe = TextRecipe(
        wanted.load_spec(store, fingerprint, TextSpec),
        commits.read_bytes(commit, wanted.VOCABULARY_FILE),
        TermWeights.from_files({name: commits.read_bytes(commit, name) for name in commit.files}),
    )
    with WordPool(runtime.num_workers, recipe) as words:

        def begin(
            partition: VideoPartition,
            head: Commit | None,  # noqa: ARG001 - the protocol's: all is made again
            again: Sequence[Reason] | None,  # noqa: ARG001 - as above
        ) -> ChunkMaker:
            return TextMaker(partition, recipe, words)

        yield begin


class TextMaker:
    """Makes the chunks of the text view of one partition.

    Args:
        partition: What is listed.
        recipe: What token rows are made with.
        words: The processes that make them.
    """

    def __init__(self, partition: VideoPartition, recipe: TextRecipe, words: WordPool) -> None:
        self._recipe, self._words = recipe, words
        self.chunks = chunking.chunks(tables.read_videos(partition, _COLUMNS), "video_id")

    def make(self, index: int, kept: Kept | None) -> Made:  # noqa: ARG002 - the protocol's
        """Tokenise every video of the chunk: it costs less than looking for an earlier result."""
        chunk = self.chunks[index]
        files, ledger = text_chunks.build(index, chunk, self._words.extract(chunk))
        none = {"kind": None, "tried": True, "attempts": 0, "limit": None}
        noted = ledger.with_columns(
            pl.lit(value, NOTES[name]).alias(name) for name, value in none.items()
        )
        return Made(files, noted, len(chunk))

    def check(self, index: int, paths: dict[str, Path], ledger: pl.DataFrame) -> pl.DataFrame:
        """Check ids and token ids."""
        name = text_chunks.shard_name(index)
        return text_checks.check_tokens(
            name, tokens.read(paths[name]), ledger, self._recipe.vocabulary_size
        )
