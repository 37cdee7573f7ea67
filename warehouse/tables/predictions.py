"""The table of predictions: one row for each listed video of a scored partition."""

from collections.abc import Collection, Mapping

import dataframely as dy
import polars as pl

from warehouse import commits
from warehouse.commits import Commit
from warehouse.tables import parquet
from warehouse.tables.stored_tables import validated

PREDICTIONS = "tables/predictions"
FORMAT_VERSION = 3
"""Version 2 had no shares. Version 1 also had, for each view, a column that ends as `_MISSING` and
one that ends as `_COMMIT`, in place of `missing_views` and `feature_commits`."""

_MISSING, _COMMIT = "_missing", "_commit"


class Predictions(dy.Schema):
    """One row for each listed video of a scored partition."""

    video_id = dy.String(primary_key=True)
    category_id = dy.String()
    level1_id = dy.String()
    probability = dy.Float32(min=0, max=1)
    """Of the category, which need not be the most probable one."""
    top5_category_ids = dy.List(dy.String())
    """Best first."""
    top5_probabilities = dy.List(dy.Float32())
    probabilities = dy.List(dy.Float32())
    """Of all categories, in the order of the model's taxonomy."""
    shares = dy.List(dy.Float32())
    """What each part of the model, and the prior last, does for the category against the most
    probable other: they add up to the logarithm of the odds before calibration. Empty where one
    part is all."""
    missing_views = dy.List(dy.String())
    """The views of which nothing is stored for the video."""
    model_id = dy.String()
    feature_commits = dy.List(dy.Struct({"view": dy.String(), "commit_id": dy.String()}))
    """The features that were read, one commit for each view."""


def encode_predictions(rows: pl.DataFrame) -> bytes:
    """Write rows of predictions as a Parquet file.

    Raises:
        Invalid: They do not fit the table; the sentence says why.
    """
    return parquet.encode(validated(Predictions, rows), FORMAT_VERSION)


def scan_predictions(commit: Commit) -> list[pl.LazyFrame]:
    """Read the predictions of a commit lazily, in the columns of the newest version.

    Args:
        commit: Of any version of the table.

    Returns:
        One table for each file, in the order of the files' names; at least one.

    Raises:
        Corrupt: A file is not as it was published.
        Invalid: One has a format version that this code does not read.
    """
    names = sorted(name for name in commit.files if name.startswith("predictions"))
    paths = [commits.verified_path(commit, name) for name in names or ["predictions.parquet"]]
    return [_brought_up(pl.scan_parquet(parquet.checked(path, FORMAT_VERSION))) for path in paths]


def predictions_without(
    commit: Commit, video_ids: Collection[str], renamed: Mapping[str, str]
) -> dict[str, bytes | None]:
    """Write the predictions of a commit again without some videos.

    Args:
        commit: Of any version of the table.
        video_ids: The videos.
        renamed: What took the place of the features that were read, by commit id.

    Returns:
        All files, by name, in their version.

    Raises:
        Corrupt: A file is not as it was published.
    """
    written = dict[str, bytes | None]()
    for name in sorted(name for name in commit.files if name.startswith("predictions")):
        path = commits.verified_path(commit, name)
        rows = pl.read_parquet(path).filter(~pl.col("video_id").is_in(sorted(video_ids)))
        names = [each for each in rows.columns if each.endswith(_COMMIT)]
        rows = rows.with_columns(pl.col(each).replace(dict(renamed)) for each in names)
        if "feature_commits" in rows.columns:
            each = pl.element().struct
            read = pl.struct(each.field("view"), each.field("commit_id").replace(dict(renamed)))
            rows = rows.with_columns(pl.col("feature_commits").list.eval(read))
        written[name] = parquet.encode(rows, parquet.version_of(path))
    return written


def _brought_up(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Bring versions 1 and 2 to the columns of version 3, which stays as it is."""
    names = rows.collect_schema().names()
    views = [name.removesuffix(_MISSING) for name in names if name.endswith(_MISSING)]
    if "shares" not in names:
        rows = rows.with_columns(shares=pl.lit([], dtype=pl.List(pl.Float32)))
    if not views:
        return rows.select(Predictions.column_names())
    missing = [pl.when(pl.col(f"{view}{_MISSING}")).then(pl.lit(view)) for view in views]
    pinned = [
        pl.when(pl.col(f"{view}{_COMMIT}").is_not_null()).then(
            pl.struct(view=pl.lit(view), commit_id=pl.col(f"{view}{_COMMIT}"))
        )
        for view in views
    ]
    return rows.with_columns(
        missing_views=pl.concat_list(missing).list.drop_nulls(),
        feature_commits=pl.concat_list(pinned).list.drop_nulls(),
    ).select(Predictions.column_names())
