from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from warehouse import commits, tables
from warehouse.commits import Address, Draft
from warehouse.errors import Corrupt, Invalid
from warehouse.identifiers import Role
from warehouse.storage.files import sha256_bytes
from warehouse.store import Store
from warehouse.tables import (
    Predictions,
    Videos,
    publish_labels,
    publish_videos,
    to_parquet,
    validated,
)
from warehouse.tables.taxonomy import Taxonomy


@pytest.fixture
def catalog_url() -> None:
    """Tables ask nothing of a catalog but its door, which is tested on both."""


def videos(*video_ids: str, **changes: Any) -> pl.DataFrame:
    digest = sha256_bytes(b"")
    row = {
        "media_path": "a.mp4",
        "media_kind": "video",
        "media_sha256": digest,
        "size_bytes": 3,
        "title": "标题",
        "ocr": [{"time_seconds": 1.0, "text": "字"}, {"time_seconds": None, "text": ""}],
        "asr": "",
        "text_sha256": digest,
        "content_sha256": digest,
        **changes,
    }
    return pl.DataFrame(
        [{"video_id": video_id, **row} for video_id in video_ids],
        schema=Videos.create_empty().schema,
    )


def labels(**by_id: str) -> pl.DataFrame:
    rows = [
        {"video_id": key, "category_id": value, "level1_id": value[:2]}
        for key, value in by_id.items()
    ]
    return pl.DataFrame(rows)


def test_rows_are_kept_by_video_id_with_role_and_media_root(store: Store, now: datetime) -> None:
    publish_videos(store, "day", "score", videos("b", "a"), Path("/media"), now)
    publish_videos(store, "all", "labeled", videos("c"), Path("/media"), now)
    assert [partition.name for partition in tables.video_partitions(store)] == ["all", "day"]
    (partition,) = tables.video_partitions(store, role="score")
    assert (partition.name, partition.role, partition.media_root) == (
        "day",
        "score",
        Path("/media"),
    )
    assert tables.read_videos(partition).equals(videos("a", "b"))
    assert tables.read_videos(partition, ["video_id"]).columns == ["video_id"]
    assert tables.video_partition(store, "day") == partition


def test_order_of_rows_is_no_part_of_the_identity_and_role_is(store: Store, now: datetime) -> None:
    def publish(frame: pl.DataFrame, role: Role = "score", root: str = "/media") -> str:
        return publish_videos(store, "day", role, frame, Path(root), now).id

    first = publish(videos("a", "b"))
    assert publish(videos("b", "a"), root="/moved") == first
    assert tables.video_partition(store, "day").media_root == Path("/moved")
    assert publish(videos("a", "b"), "labeled") != first


def test_parquet_is_the_same_bytes_for_the_same_rows() -> None:
    many = videos(*(f"{number:05d}" for number in range(70_000)))
    assert to_parquet(many) == to_parquet(many.clone())


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (videos("a", "a"), "primary_key"),
        (videos("a", title=None), "title"),
        (videos("a", media_kind="audio"), "media_kind"),
        (videos("a", content_sha256="x"), "content_sha256"),
        (videos("a").drop("asr"), "asr"),
        (videos("a").drop("video_id"), "video_id"),
        (videos("a").cast({"size_bytes": pl.Int32}), "size_bytes"),
    ],
)
def test_rows_that_do_not_fit_are_refused(frame: pl.DataFrame, problem: str) -> None:
    with pytest.raises(Invalid, match=f"do not fit the table Videos.*{problem}"):
        validated(Videos, frame)


def test_predictions_have_a_schema() -> None:
    row: dict[str, Any] = {
        "video_id": "a",
        "category_id": "0000",
        "level1_id": "00",
        "probability": 0.5,
        "top5_category_ids": ["0000", "0001"],
        "top5_probabilities": [0.5, 0.25],
        "probabilities": [0.5, 0.25, 0.25],
        "shares": [1.5, -0.5],
        "missing_views": ["text"],
        "model_id": "m",
        "feature_commits": [{"view": "frames", "commit_id": "f"}],
    }
    frame = pl.DataFrame([row], schema=Predictions.create_empty().schema)
    assert validated(Predictions, frame).equals(frame)
    with pytest.raises(Invalid, match="probability"):
        validated(Predictions, frame.with_columns(pl.lit(1.5, pl.Float32).alias("probability")))


def test_labels_are_kept_with_their_taxonomy(
    store: Store, now: datetime, taxonomy: Taxonomy
) -> None:
    commit = publish_labels(store, "labeled", labels(b="0100", a="0001"), taxonomy, now)
    found = tables.read_labels(store, "labeled")
    assert found is not None
    assert found.drop("annotator", "source").equals(labels(a="0001", b="0100"))
    (block,) = tables.label_batches(commit, found.columns)
    assert block.equals(found)
    assert tables.taxonomy_of(commit) == taxonomy
    assert tables.read_labels(store, "other") is None


def test_a_label_keeps_its_annotator_and_source(
    store: Store, now: datetime, taxonomy: Taxonomy
) -> None:
    rows = labels(a="0001", b="0100").with_columns(
        annotator=pl.Series(["Ada", None]), source=pl.Series(["review", None])
    )
    commit = publish_labels(store, "labeled", rows, taxonomy, now)
    assert tables.scan_labels(commit).collect().equals(rows)
    (block,) = tables.label_batches(commit, ["video_id", "annotator"])
    assert block.rows() == [("a", "Ada"), ("b", None)]
    other = rows.with_columns(annotator=pl.lit("Bea"))
    assert publish_labels(store, "labeled", other, taxonomy, now) != commit


def test_labels_of_version_1_read_and_stay_current(
    store: Store, now: datetime, taxonomy: Taxonomy
) -> None:
    rows = labels(a="0001", b="0100")
    earlier = commits.publish_files(
        store,
        Address(tables.LABELS, "labeled"),
        {"labels.parquet": to_parquet(rows), "taxonomy.csv": taxonomy.to_csv()},
        Draft(facts={"taxonomy": taxonomy.name}, num_rows=2),
        now,
    )
    found = tables.scan_labels(earlier).collect()
    assert found.columns == tables.Labels.column_names()
    assert found["annotator"].null_count() == found["source"].null_count() == 2
    assert publish_labels(store, "labeled", rows, taxonomy, now) == earlier
    named = rows.with_columns(annotator=pl.lit("Ada"))
    assert publish_labels(store, "labeled", named, taxonomy, now) != earlier


def test_label_that_disagrees_with_the_taxonomy_is_refused(
    store: Store, now: datetime, taxonomy: Taxonomy
) -> None:
    with pytest.raises(Invalid, match="'0200' is not in taxonomy letters"):
        publish_labels(store, "labeled", labels(a="0200"), taxonomy, now)
    wrong = labels(a="0100").with_columns(level1_id=pl.lit("00"))
    with pytest.raises(Invalid, match="category 0100 is not in group '00'"):
        publish_labels(store, "labeled", wrong, taxonomy, now)
    assert tables.read_labels(store, "labeled") is None


def test_damaged_table_is_not_parsed(store: Store, now: datetime) -> None:
    commit = publish_videos(store, "day", "score", videos("a"), Path("/media"), now)
    path = commit.folder / "videos.parquet"
    payload = path.read_bytes()
    path.write_bytes(payload[:100] + bytes([payload[100] ^ 1]) + payload[101:])
    with pytest.raises(Corrupt, match=r"videos\.parquet has changed bytes"):
        tables.read_videos(tables.video_partition(store, "day"))


def test_an_unknown_partition_is_refused(store: Store, now: datetime) -> None:
    publish_videos(store, "day", "score", videos("a"), Path("/media"), now)
    with pytest.raises(Invalid, match=r"partition 'night' was never ingested.*\(day\)"):
        tables.video_partition(store, "night")
