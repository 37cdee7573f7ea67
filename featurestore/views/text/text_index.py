"""The text view's columns of an index: the tokens of all texts, and where each example's lie."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from featurestore.progress import ledger
from featurestore.views.text import tokens
from featurestore.views.view import Columns, Rows, ViewIndex, shard_names
from warehouse import commits
from warehouse.commits import Commit

TOKEN_COLUMNS = {"token_ids": np.int32, "slot_ids": np.uint8, "word_start": np.bool_}
"""Of every token, one text after another; `token_ends` says where each begins and the last
one ends."""


class TextIndex(ViewIndex):
    """Where the tokens of each example lie, and their reader."""

    dtypes: Mapping[str, Any] = {
        "num_tokens": np.int32,
        "text_row": np.int64,
        "token_ends": np.int64,
        **TOKEN_COLUMNS,
    }
    absent: Mapping[str, Any] = {"num_tokens": 0, "text_row": -1}

    def __init__(self) -> None:
        self._num_rows, self._last_end = 0, -1

    def add(self, commit: Commit, columns: Columns) -> Iterator[pl.DataFrame]:
        """Append all token rows of a commit, and say which is each video's."""
        if self._last_end < 0:
            self._last_end = 0
            columns.append("token_ends", [0])
        first_rows = pl.Series(self._append(commit, columns), dtype=pl.Int64)
        ends = columns["token_ends"]
        for rows in ledger.places(commit):
            text_row = first_rows.gather(rows["shard"]) + rows["row"]
            num_tokens = ends[text_row.to_numpy() + 1] - ends[text_row.to_numpy()]
            yield rows.select(
                "video_id", num_tokens=pl.Series(num_tokens.astype(np.int32)), text_row=text_row
            )

    def read(self, columns: Columns, rows: Rows) -> dict[str, Any]:
        """Read `token_ids`, `slot_ids` and `word_start`, each B arrays `[T_i]`.

        Empty where there is no text.
        """
        text_rows, ends = columns["text_row"][rows], columns["token_ends"]
        spans = [slice(ends[row], ends[row + 1]) if row >= 0 else slice(0) for row in text_rows]
        return {name: [columns[name][span] for span in spans] for name in TOKEN_COLUMNS}

    def release(self) -> None:
        """Nothing is kept: tokens are mapped with the index."""

    def _append(self, commit: Commit, columns: Columns) -> Sequence[int]:
        """Append the tokens of a commit; returns the first row of each shard."""
        first_rows = []
        for name in shard_names(commit):
            first_rows.append(self._num_rows)
            for rows in tokens.batches(commits.verified_path(commit, name)):
                self._append_rows(rows, columns)
        return first_rows

    def _append_rows(self, rows: pl.DataFrame, columns: Columns) -> None:
        self._num_rows += len(rows)
        lengths = rows["token_ids"].list.len().to_numpy()
        ends = self._last_end + np.cumsum(lengths, dtype=np.int64)
        columns.append("token_ends", ends)
        self._last_end = int(ends[-1]) if len(ends) else self._last_end
        for column in TOKEN_COLUMNS:
            columns.append(column, rows[column].explode().to_numpy())
