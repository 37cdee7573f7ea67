"""The loudness view: how loud the sound of each clip is. All that there is of it is in this folder.

It is made known by `registry.register`, in each process that is to know it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import polars as pl

from featurestore.views.spec import Spec
from featurestore.views.view import Columns, Rows, View, ViewIndex, shard_names
from warehouse import tables
from warehouse.commits import Commit

ROWS = {"video_id": pl.String, "loudness": pl.Float32}


class LoudnessSpec(Spec):
    """How sound becomes one number."""

    view: str = "loudness"
    measure: Literal["root_mean_square"] = "root_mean_square"


class LoudnessView(View):
    """One number for each clip."""

    name = "loudness"
    package = __name__
    spec_class = LoudnessSpec
    input_column = "media_sha256"
    content_column = "content_sha256"
    reads_media = True

    def index(self, spec: Spec) -> ViewIndex:  # noqa: ARG002 - all recipes give one number
        """Keep the number itself in the index."""
        return LoudnessIndex()


class LoudnessIndex(ViewIndex):
    """The loudness of each example, NaN where it has none."""

    dtypes: Mapping[str, Any] = {"loudness": np.float32}
    absent: Mapping[str, Any] = {"loudness": float("nan")}

    def add(self, commit: Commit, columns: Columns) -> Iterator[pl.DataFrame]:  # noqa: ARG002
        """Give the numbers of all its shards."""
        shards = [tables.read_table(commit, name) for name in shard_names(commit)]
        yield pl.concat([pl.DataFrame(schema=ROWS), *shards]).sort("video_id")

    def read(self, columns: Columns, rows: Rows) -> dict[str, Any]:
        """Read `loudness`, `[B]`."""
        return {"loudness": columns["loudness"][rows]}

    def release(self) -> None:
        """Nothing is kept."""


VIEW = LoudnessView()
