import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import timm
import torch

from flows.demo.corpus import Corpus
from tests.operations import ingest
from tests.unit.flows.conftest import everything
from warehouse.store import Store

Run = Callable[..., tuple[int, str, str]]

OWN, OTHER = "swin_tiny_patch4_window7_224", "test_efficientnet"


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Timm's smallest model, with random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("encoders") / "other.safetensors"
    path.write_bytes(safetensors.torch.save(timm.create_model(OTHER).state_dict()))
    return f"{OTHER}={path}"


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    for encoder in document["encoders"]:
        for cost in ("decode_seconds", "encode_seconds"):
            assert encoder.pop(cost) > 0
    return document


def test_encoders_are_compared_alike_each_time_and_the_store_is_left_as_it_was(
    house: Store, command: Run, other: str
) -> None:
    before = everything(house)
    first, second = (
        without_times(json.loads(command("compare-encoders", OWN, other, "--json")[1]))
        for _ in range(2)
    )
    assert first == second
    assert everything(house) == before
    assert (first["videos"], first["device"]) == (41, "cpu")
    assert first["compared"] == 41 - sum(first["failed"].values()) - 1
    assert first["failed"] == {"empty_file": 1, "no_video_stream": 1}
    own, random = first["encoders"]
    assert own["mean_f1"] - random["mean_f1"] == -random["gain"] > 0.1
    assert random["gain_interval"][1] < 0
    assert own["gain_interval"] == [0, 0]
    for encoder in (own, random):
        low, high = encoder["mean_f1_interval"]
        assert low < encoder["mean_f1"] < high
        assert encoder["bytes_per_video"] == 8 * encoder["embedding_dim"] * 2
    assert [encoder["crop"] for encoder in (own, random)] == [64, 160]
    assert [encoder["embedding_dim"] for encoder in (own, random)] == [192, 256]
    assert random["num_parameters"] == 99_196


@pytest.mark.usefixtures("house")
def test_the_table_fits_into_100_columns_and_says_that_nothing_was_published(
    command: Run,
    other: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    status, said, _ = command("compare-encoders", OWN, other, "--videos", "30")
    assert status == 0
    lines = said.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith("linear probes on ")
    assert [line.split()[0] for line in lines if line.startswith((" swin", " test"))] == [
        OWN,
        OTHER,
    ]
    assert lines[-1].endswith("; nothing was published")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["swin_huge_imaginary"], "timm has no model 'swin_huge_imaginary'"),
        (["swin_huge_imaginary=weights.pth"], "timm has no model 'swin_huge_imaginary'"),
        (
            ["test_vit"],
            "no weights are named for test_vit, and none are downloaded; write test_vit",
        ),
        (["test_vit=none.pth"], "weights none.pth cannot be read (No such file or directory)"),
        (["test_vit={weights}"], "other.safetensors does not hold the weights of test_vit"),
        (
            [f"{OTHER}={{weights}}", "--videos", "3"],
            "too few labelled videos are drawn to compare encoders on (2;",
        ),
    ],
)
def test_what_cannot_be_compared_is_told_in_a_sentence(
    words: list[str], sentence: str, house: Store, command: Run, other: str
) -> None:
    before = everything(house)
    weights = other.partition("=")[2]
    status, _, said = command("compare-encoders", *(word.format(weights=weights) for word in words))
    assert (status, said.count("\n")) == (2, 1)
    assert sentence in said
    assert everything(house) == before


def test_a_store_without_labels_is_told_what_it_lacks(
    home: Path, corpus: Corpus, command: Run, other: str
) -> None:
    unlabeled = next(each for each in corpus.partitions if each.role == "unlabeled")
    ingest(unlabeled.manifest, unlabeled.name, unlabeled.role)
    status, _, said = command("compare-encoders", other)
    assert status == 2
    assert f"{home / 'store'} has no labelled videos to compare encoders on" in said
    status, _, said = command("compare-encoders", OWN)
    assert status == 2
    assert "encoder_weights is not set" in said
