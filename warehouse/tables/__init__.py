"""The Parquet tables of videos, labels and predictions, found by the names of this package."""

from warehouse.tables.labels import (
    LABELS,
    Labels,
    label_batches,
    labels_commit,
    publish_labels,
    read_labels,
    scan_labels,
    shared_taxonomy,
    taxonomy_of,
)
from warehouse.tables.parquet import encode as to_parquet
from warehouse.tables.predictions import (
    PREDICTIONS,
    Predictions,
    encode_predictions,
    predictions_without,
    scan_predictions,
)
from warehouse.tables.stored_tables import batches, read_table, scan_table, validated, without
from warehouse.tables.videos import (
    VIDEOS,
    VideoPartition,
    Videos,
    publish_videos,
    read_videos,
    video_batches,
    video_partition,
    video_partitions,
    videos_commit,
)

__all__ = [
    "LABELS",
    "PREDICTIONS",
    "VIDEOS",
    "Labels",
    "Predictions",
    "VideoPartition",
    "Videos",
    "batches",
    "encode_predictions",
    "label_batches",
    "labels_commit",
    "predictions_without",
    "publish_labels",
    "publish_videos",
    "read_labels",
    "read_table",
    "read_videos",
    "scan_labels",
    "scan_predictions",
    "scan_table",
    "shared_taxonomy",
    "taxonomy_of",
    "to_parquet",
    "validated",
    "video_batches",
    "video_partition",
    "video_partitions",
    "videos_commit",
    "without",
]
