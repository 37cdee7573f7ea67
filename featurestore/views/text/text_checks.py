"""What token rows must be before they are published."""

import polars as pl

from featurestore.progress.reasons import OK
from featurestore.views.health import blocked, check_ids

_ADVICE = "see that the vocabulary is the recipe's and run extract-features again"


def check_tokens(
    file: str, rows: pl.DataFrame, ledger: pl.DataFrame, vocabulary_size: int
) -> pl.DataFrame:
    """Check one shard of the text view.

    Args:
        file: its name, for the sentence.
        rows: rows of `Tokens`.
        ledger: the chunk's ledger rows, sorted by video id.
        vocabulary_size: token ids are from 0 to one less.

    Returns:
        The ids of its videos.

    Raises:
        Corrupt: something is wrong with a video; the sentence names it.
    """
    check_ids(file, rows["video_id"].to_list(), ledger.filter(outcome=OK)["video_id"].to_list())
    ids = pl.col("token_ids")
    outside = (ids.list.min() < 0) | (ids.list.max() >= vocabulary_size)
    broken = {
        "no token": ids.list.len() == 0,
        f"a token id outside the vocabulary of {vocabulary_size}": outside,
        "keyword weights that are NaN or infinite": (
            ~pl.col("keyword_weights").list.eval(pl.element().is_finite()).list.all()
        ),
    }
    for problem, flag in broken.items():
        wrong = rows.filter(flag)
        if len(wrong):
            raise blocked(file, wrong["video_id"][0], problem, _ADVICE)
    return rows.select("video_id")
