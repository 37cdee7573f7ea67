"""The 2022 WeChat layout.

From annotations and zips of frames to features of the full-size encoder and vocabulary.
"""

import io
import json
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import polars as pl
import pytest
import timm
import torch

from featurestore import wanted
from featurestore.views.frames import embeddings
from featurestore.views.heads import address
from featurestore.views.text import tokens
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.store import open_existing_store

NUM_RECORDS = 50
FRAME_COUNTS = (1, 5, 8, 11, 32)
FIRST_ID = 10_000_000_000_000_000_000

Reelstore = Callable[..., "subprocess.CompletedProcess[str]"]


def frames_of(clip: Path) -> Iterator[bytes]:
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            held = io.BytesIO()
            frame.to_image(width=160, height=120).save(held, "JPEG")
            yield held.getvalue()


def zip_of(pictures: list[bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for number, picture in enumerate(pictures):
            archive.writestr(f"{number:03d}.jpg", picture)
    return held.getvalue()


def num_frames(record: int) -> int:
    return FRAME_COUNTS[record % len(FRAME_COUNTS)]


@pytest.fixture
def wechat(tmp_path: Path, samples: Path) -> Path:
    headlines = (samples / "text" / "thucnews_dev.tsv").read_text(encoding="utf-8").splitlines()
    clips = sorted((samples / "clips").glob("asl_*.mkv"))
    pictures = {clip: list(frames_of(clip)) for clip in clips[: NUM_RECORDS // 10]}
    records = []
    for record in range(NUM_RECORDS):
        video_id = str(FIRST_ID + record)
        words = [line.split("\t")[0] for line in headlines[4 * record : 4 * record + 4]]
        ocr = [
            {"time": 2, "text": words[2]},
            {"time": 0, "text": words[1]},
            {"time": 4, "text": words[1]},
        ]
        records.append(
            {
                "id": video_id,
                "title": words[0],
                "asr": words[3],
                "ocr": ocr,
                "category_id": f"{record % 2:02d}00",
            }
        )
        file = tmp_path / "zip_frames" / "labeled" / video_id[-3:] / f"{video_id}.zip"
        file.parent.mkdir(parents=True)
        chosen = list(pictures.values())[record // len(FRAME_COUNTS) % len(pictures)]
        file.write_bytes(zip_of(chosen[: num_frames(record)]))
    (tmp_path / "labeled.json").write_text(
        json.dumps(records, ensure_ascii=False), encoding="utf-8"
    )
    return tmp_path


@pytest.fixture
def settings(wechat: Path, samples: Path) -> Path:
    torch.manual_seed(0)
    weights = timm.create_model("swin_tiny_patch4_window7_224", num_classes=1000).state_dict()
    torch.save(
        {"model": {original_name(name): tensor for name, tensor in weights.items()}},
        wechat / "swin.pth",
    )
    file = wechat / "reelstore.toml"
    vocabulary = samples / "text" / "bert_base_chinese_vocab.txt"
    file.write_text(f'encoder_weights = "swin.pth"\nvocabulary = "{vocabulary}"\n')
    return file


def original_name(name: str) -> str:
    for stage in (1, 2, 3):
        name = name.replace(f"layers.{stage}.downsample", f"layers.{stage - 1}.downsample")
    return name.replace("head.fc", "head")


def test_fifty_records_become_features_of_the_published_encoder(
    wechat: Path, settings: Path, reelstore: Reelstore
) -> None:
    listed = reelstore(
        settings,
        "ingest",
        "wbdc",
        "labeled.json",
        "--media",
        ".",
        "--partition",
        "labeled",
        "--role",
        "labeled",
    )
    assert listed.returncode == 0, listed.stderr
    extracted = reelstore(settings, "run", "extract-features")
    assert extracted.returncode == 0, extracted.stderr
    store = open_existing_store(wechat / "store")
    fingerprints = wanted.require(store)

    frames = commits.head(store, address("frames", fingerprints["frames"], "labeled"))
    text = commits.head(store, address("text", fingerprints["text"], "labeled"))
    assert frames is not None
    assert text is not None
    assert tables.read_labels(store, "labeled") is not None
    check_frames(frames)
    check_text(text)
    assert reelstore(settings, "run", "extract-features").stdout == "nothing to do\n"


def check_frames(commit: Commit) -> None:
    shard = embeddings.open_mapped(commits.verified_path(commit, "shard-00000.h5"))
    assert len(shard.video_ids) == commit.num_rows == NUM_RECORDS
    assert shard.embeddings.shape == (NUM_RECORDS, 8, 768)
    for video_id, mask, pts, embedding in zip(
        shard.video_ids, shard.frame_mask, shard.pts_seconds, shard.embeddings, strict=True
    ):
        count = num_frames(int(video_id) - FIRST_ID)
        wanted_pts = [(2 * i + 1) * count // 16 for i in range(8)] if count >= 8 else range(count)
        assert mask.tolist() == [1] * min(count, 8) + [0] * (8 - min(count, 8))
        assert pts[mask == 1].tolist() == list(wanted_pts)
        assert np.isfinite(embedding).all()
        assert (np.linalg.norm(embedding.astype(np.float32), axis=1) > 0).tolist() == mask.astype(
            bool
        ).tolist()


def check_text(commit: Commit) -> None:
    rows = tokens.read(commits.verified_path(commit, "shard-00000.parquet"))
    assert rows["video_id"].to_list() == [str(FIRST_ID + record) for record in range(NUM_RECORDS)]
    assert rows.select(pl.col("keywords").list.len().min()).item() >= 0
    weighted = rows.filter(pl.col("keywords").list.len() > 0)
    assert len(weighted) >= NUM_RECORDS // 2
    assert all(
        weights == sorted(weights, reverse=True)
        for weights in weighted["keyword_weights"].to_list()
    )
    assert rows.select(pl.col("token_ids").list.max().max()).item() < 21_128
    assert rows.select((pl.col("token_ids").list.first() == 101).all()).item()
    assert rows.select(pl.col("slot_ids").list.max().min()).item() == 2
