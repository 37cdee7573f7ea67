"""Read a store without Reelstore: its catalog by sqlite3, its files by h5py, polars and DuckDB.

python docs/examples/read_plainly.py STORE
"""

# ruff: noqa: INP001, T201 - a script that prints

import hashlib
import json
import sqlite3
import sys
from pathlib import Path

import duckdb
import h5py
import polars as pl


def heads(root: Path) -> dict[tuple[str, str], Path]:
    """The folder of each head, by dataset and partition."""
    catalog = sqlite3.connect(f"file:{root / 'catalog.db'}?mode=ro", uri=True)
    found = catalog.execute(
        "SELECT dataset, partition, commit_id FROM heads ORDER BY dataset, partition"
    ).fetchall()
    catalog.close()
    return {
        (dataset, partition): (
            root / dataset / (f"partition={partition}" if partition else "") / commit_id[:16]
        )
        for dataset, partition, commit_id in found
    }


def check(folder: Path) -> int:
    """Hold a commit's files against its manifest, and the manifest against the folder's name.

    Returns the bytes.
    """
    manifest = (folder / "manifest.json").read_bytes()
    if hashlib.sha256(manifest).hexdigest()[:16] != folder.name:
        sys.exit(f"{folder / 'manifest.json'} has changed bytes")
    files = json.loads(manifest)["files"]
    for name, entry in files.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != entry["sha256"]:
            sys.exit(f"{folder / name} has changed bytes")
    return sum(entry["size_bytes"] for entry in files.values())


def main(root: Path) -> None:
    """Check every head, then read frames, text and labels, and join them by video id."""
    found = heads(root)
    print(f"{len(found)} heads, {sum(check(folder) for folder in found.values())} bytes, all whole")
    videos = pl.concat(
        pl.read_parquet(path / "videos.parquet")
        for (name, _), path in found.items()
        if name == "tables/videos"
    )
    print(f"{len(videos)} videos, {videos['title'].str.len_chars().sum()} characters of title")
    for (dataset, partition), folder in found.items():
        for shard in sorted(folder.glob("shard-*.h5")):
            with h5py.File(shard, "r") as file:
                ids, embeddings = file["video_id"].asstr()[:], file["embeddings"][:]
                mask, pts_seconds = file["frame_mask"][:], file["pts_seconds"][:]
            print(
                f"{dataset} {partition} {shard.name}: {embeddings.dtype} {embeddings.shape},"
                f" {mask.sum()} frames"
            )
            print(f"  {ids[0]} at {pts_seconds[0]} s, first frame {embeddings[0, 0]}")
    for (dataset, partition), folder in found.items():
        if dataset.startswith("tables/predictions/"):
            rows = pl.read_parquet(sorted(folder.glob("predictions-*.parquet")))
            missing = rows["missing_views"].explode().drop_nulls().value_counts(sort=True).rows()
            model_id = rows["model_id"][0]
            print(f"{len(rows)} predictions of model {model_id[:16]} for {partition}")
            print(f"  views that are missing: {dict(missing)}")
    text = [
        str(path)
        for (name, _), folder in found.items()
        if name.startswith("features/text/")
        for path in sorted(folder.glob("shard-*.parquet"))
    ]
    labels = [
        str(path / "labels.parquet") for (name, _), path in found.items() if name == "tables/labels"
    ]
    rows = duckdb.sql(
        "SELECT category_id, count(*), round(avg(len(token_ids)), 2) FROM"
        " read_parquet($labels, union_by_name=true)"
        " JOIN read_parquet($text) USING (video_id) GROUP BY ALL ORDER BY ALL",
        params={"labels": labels, "text": text},
    ).fetchall()
    for category_id, count, tokens in rows:
        print(f"category {category_id}: {count} videos with text, {tokens} tokens on average")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
