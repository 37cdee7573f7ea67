import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest

import featurestore
from featurestore.reading.feature_store import FeatureStore
from warehouse.store import Store

Run = Callable[..., tuple[int, str, str]]
DAY = "2026-11-20"


@pytest.fixture
def opened(scored: Store) -> FeatureStore:
    return featurestore.open(scored.root)


@pytest.mark.usefixtures("opened")
def test_predictions_are_exported_with_names_and_probabilities(run: Run, home: Path) -> None:
    status, out, err = run(
        "export", "predictions", DAY, "--csv", "day.csv", "--parquet", "day.parquet"
    )
    assert (status, err) == (0, "")
    assert out.splitlines() == [f"{DAY}: day.csv", f"{DAY}: day.parquet"]
    answers = json.loads((home / "golden" / "answers.json").read_text())["predictions"]
    rows = list(csv.DictReader(io.StringIO((home / "day.csv").read_text(encoding="utf-8"))))
    assert [row["video_id"] for row in rows] == [row["video_id"] for row in answers]
    assert [row["category_id"] for row in rows] == [row["category_id"] for row in answers]
    assert {"title", "category", "level1", "top5_probability", "missing_views"} <= set(rows[0])
    whole = pl.read_parquet(home / "day.parquet")
    assert whole["video_id"].to_list() == [row["video_id"] for row in rows]
    total = whole["p_0000"] + whole["p_0100"]
    np.testing.assert_allclose(total.to_numpy(), 1, atol=1e-5)
    best = whole["top1_probability"].to_numpy()
    np.testing.assert_allclose(best, whole.select(pl.max_horizontal("p_0000", "p_0100"))[:, 0])
    assert whole["top3_category_id"].null_count() == len(whole)


@pytest.mark.parametrize("form", ["hdf5", "parquet"])
def test_exported_features_are_those_of_the_store(
    run: Run, home: Path, opened: FeatureStore, form: str
) -> None:
    status, out, err = run("export", "features", "labeled", "out", "--format", form)
    assert (status, err) == (0, "")
    frames, text = opened.frames(["labeled"]).collect(), opened.text(["labeled"]).collect()
    assert [line.rpartition(", ")[2] for line in out.splitlines()] == [
        f"{len(frames)} rows",
        f"{len(text)} rows",
    ]
    recipe = json.loads((home / "out" / "frames_spec.json").read_text())
    assert recipe["embedding_dim"] == 4
    if form == "parquet":
        for view, rows in (("frames", frames), ("text", text)):
            read = pl.read_parquet(home / "out" / f"{view}.parquet")
            assert read.equals(rows.drop("partition"))
        return
    with h5py.File(home / "out" / "frames.h5") as file:
        assert file["video_id"].asstr()[:].tolist() == frames["video_id"].to_list()
        np.testing.assert_array_equal(file["embeddings"][:], frames["embeddings"].to_numpy())
        np.testing.assert_array_equal(file["pts_seconds"][:], frames["pts_seconds"].to_numpy())
        assert file.attrs["partition"] == "labeled"
    with h5py.File(home / "out" / "text.h5") as file:
        ends = file["token_ids_ends"][:]
        tokens = np.split(file["token_ids"][:], ends[:-1])
        assert [row.tolist() for row in tokens] == text["token_ids"].to_list()
        keywords = np.split(file["keywords"].asstr()[:], file["keywords_ends"][:-1])
        assert [row.tolist() for row in keywords] == text["keywords"].to_list()


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("predictions", DAY), "name a file to write"),
        (("predictions", DAY, "--csv", "nowhere/day.csv"), "a folder that exists"),
        (("predictions", "labeled", "--csv", "day.csv"), "no predictions"),
        (("features", "night", "out"), "'night' was never ingested"),
        (("features", DAY, "reelstore.toml"), "cannot be written"),
    ],
)
def test_an_export_that_cannot_be_gets_a_sentence_and_writes_nothing(
    run: Run, home: Path, words: tuple[str, ...], named: str
) -> None:
    before = sorted(home.iterdir())
    status, _, err = run("export", *words)
    assert (status, err.count("\n")) == (2, 1)
    assert named in err
    assert sorted(home.iterdir()) == before
