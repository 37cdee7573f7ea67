from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
import pytest
import torch

from featurestore.reading import snapshot
from featurestore.views.text.vocabulary import Vocabulary
from modeling.configuration import Recipe, Views
from modeling.experts.decoding import Decoding
from modeling.experts.scorer import Scorer
from modeling.learning.inference import predict_logits
from modeling.models import registry, stored_model
from modeling.models.scoring import score
from modeling.models.stored_config import StoredConfig
from modeling.models.stored_model import LoadedModel
from modeling.network.classifier import VideoClassifier
from modeling.network.probabilities import Calibration, probabilities
from warehouse.errors import Invalid, Retryable
from warehouse.store import open_existing_store
from warehouse.tables import Predictions
from warehouse.tables.taxonomy import Taxonomy

CPU = torch.device("cpu")


@pytest.fixture
def load(recipe: Recipe, taxonomy: Taxonomy, vocabulary: Vocabulary) -> Callable[..., LoadedModel]:
    def load(views: Views = ("frames", "text")) -> LoadedModel:
        torch.manual_seed(0)
        model = VideoClassifier(
            recipe.model, vocab_size=vocabulary.size, embedding_dim=6, num_categories=4
        )
        config = StoredConfig(
            kind="classifier",
            recipe=recipe,
            vocab_size=vocabulary.size,
            embedding_dim=6,
            views=views,
            seed=0,
            snapshot_id="0" * 64,
            encoder_id=None,
            taxonomy_name="toy",
        )
        return LoadedModel(
            "f" * 64,
            Scorer(model, None, views),
            config,
            taxonomy,
            {"frames": "a" * 64, "text": "b" * 64},
        )

    return load


def test_every_example_gets_one_row_in_order(
    make_examples: Callable[..., Any], load: Callable[..., Any]
) -> None:
    examples = make_examples(300, missing_text=(4, 7), missing_frames=(7, 9))
    blocks = list(score(load(), examples, batch_size=2))
    table = pl.concat(blocks)
    assert len(blocks) == 10
    assert table["video_id"].to_list() == examples.video_ids
    missing = {row: list(views) for row, views in enumerate(table["missing_views"]) if len(views)}
    assert missing == {4: ["text"], 7: ["frames", "text"], 9: ["frames"]}


def test_scoring_keeps_nothing_of_a_block_that_is_read(
    make_examples: Callable[..., Any],
    load: Callable[..., LoadedModel],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    examples = make_examples(300)
    released: list[int] = []
    monkeypatch.setattr(examples, "release", lambda: released.append(len(released)))
    assert [len(released) for _ in score(load(), examples, batch_size=2)] == list(range(1, 11))


def test_a_text_longer_than_the_model_reads_is_refused_with_its_video(
    make_examples: Callable[..., Any], load: Callable[..., LoadedModel]
) -> None:
    loaded, examples = load(), make_examples(30)
    sizes = loaded.config.recipe.model.model_copy(update={"max_positions": 10})
    recipe = loaded.config.recipe.model_copy(update={"model": sizes})
    short = replace(loaded, config=loaded.config.model_copy(update={"recipe": recipe}))
    longest = int(examples.num_tokens.argmax())
    named = (
        f"video {examples.video_ids[longest]} has {examples.num_tokens[longest]} tokens, more than"
        " .* 10"
    )
    with pytest.raises(Invalid, match=named):
        next(score(short, examples))
    blind = replace(short, config=short.config.model_copy(update={"views": ("frames",)}))
    assert len(next(score(blind, examples))) == 30


def test_columns_are_those_of_the_predictions_table(
    make_examples: Callable[..., Any], load: Callable[..., Any], taxonomy: Taxonomy
) -> None:
    table = next(score(load(), make_examples(30)))
    pinned = pl.Series([[{"view": "frames", "commit_id": "0" * 64}]])
    origin = {"model_id": pl.lit("0" * 64), "feature_commits": pl.lit(pinned).first()}
    whole: dy.DataFrame[Predictions] = Predictions.validate(
        table.with_columns(**origin), cast=False
    )
    probabilities = np.stack(whole["probabilities"].to_list())
    assert probabilities.shape == (30, 4)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    best = probabilities.argmax(axis=1)
    assert whole["category_id"].to_list() == [taxonomy.category_ids[index] for index in best]
    assert whole["level1_id"].to_list() == [taxonomy.categories[index].level1_id for index in best]
    assert whole["probability"].to_numpy() == pytest.approx(probabilities.max(axis=1))
    for ids, ranked, row in zip(
        whole["top5_category_ids"], whole["top5_probabilities"], probabilities, strict=True
    ):
        assert ranked.to_list() == pytest.approx(np.sort(row)[::-1])
        assert [row[taxonomy.index_of(category_id)] for category_id in ids] == pytest.approx(
            ranked.to_list()
        )


def test_batch_size_changes_no_prediction(
    make_examples: Callable[..., Any], load: Callable[..., Any]
) -> None:
    examples = make_examples(50, missing_text=(4,), missing_frames=(9,))
    tables = [pl.concat(score(load(), examples, batch_size=size)) for size in (1, 7, 64)]
    for table in tables[1:]:
        assert table["category_id"].to_list() == tables[0]["category_id"].to_list()
        first, other = (np.stack(each["probabilities"].to_list()) for each in (tables[0], table))
        assert first == pytest.approx(other, abs=1e-5)


def test_a_model_of_one_view_sees_only_that(
    make_examples: Callable[..., Any], load: Callable[..., Any]
) -> None:
    examples, blanked = make_examples(30), make_examples(30, missing_text=tuple(range(30)))
    seen = pl.concat(score(load(("frames",)), examples))
    blind = pl.concat(score(load(("frames",)), blanked))
    assert seen["probabilities"].to_list() == blind["probabilities"].to_list()
    assert seen["missing_views"].list.len().max() == 0


def test_embeddings_of_another_width_are_refused(
    make_examples: Callable[..., Any], load: Callable[..., Any]
) -> None:
    with pytest.raises(
        Invalid,
        match="model ffffffffffffffff reads frame embeddings of width 6, but these are 8 wide",
    ):
        next(score(load(), make_examples(3, embedding_dim=8)))


def test_no_examples_no_blocks(make_examples: Callable[..., Any], load: Callable[..., Any]) -> None:
    assert list(score(load(), make_examples(0))) == []


def test_rows_are_predicted_in_the_order_asked(
    make_examples: Callable[..., Any], load: Callable[..., Any]
) -> None:
    examples, model = make_examples(20), load().scorer.network
    rows = np.array([7, 3, 19, 0])
    found = predict_logits(model, examples, rows, batch_size=3, device=CPU)
    everything = predict_logits(model, examples, np.arange(20), batch_size=20, device=CPU)
    assert found == pytest.approx(everything[rows], abs=1e-5)


class TooLarge(torch.nn.Module):
    """A model that has no memory for more than some examples."""

    def __init__(self, model: Any, most: int, error: Exception) -> None:
        super().__init__()
        self.model, self.most, self.error, self.sizes = model, most, error, list[int]()

    def forward(self, batch: Any) -> torch.Tensor:
        self.sizes.append(len(batch.labels))
        if len(batch.labels) > self.most:
            raise self.error
        logits: torch.Tensor = self.model(batch)
        return logits


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_out_of_memory_halves_a_batch_and_every_example_is_scored(
    error: Exception, make_examples: Callable[..., Any], load: Callable[..., LoadedModel]
) -> None:
    examples, rows = make_examples(20), np.arange(20)
    model: Any = load().scorer.network
    expected = predict_logits(model, examples, rows, batch_size=20, device=CPU)
    narrow: Any = TooLarge(model, 5, error)
    found = predict_logits(narrow, examples, rows, batch_size=20, device=CPU)
    assert found == pytest.approx(expected, abs=1e-5)
    assert narrow.sizes == [20, 10, 5, 5, 10, 5, 5]


@pytest.mark.parametrize(
    ("most", "error", "raised"),
    [
        (0, MemoryError(), Retryable("no memory to score even one example")),
        (9, RuntimeError("no such operator"), RuntimeError("no such operator")),
    ],
)
def test_no_memory_for_one_example_and_other_errors_end_the_scoring(
    most: int,
    error: Exception,
    raised: Exception,
    make_examples: Callable[..., Any],
    load: Callable[..., LoadedModel],
) -> None:
    narrow: Any = TooLarge(load().scorer.network, most, error)
    with pytest.raises(type(raised), match=str(raised)):
        predict_logits(narrow, make_examples(20), np.arange(20), batch_size=20, device=CPU)


def test_the_stored_calibration_is_applied(
    make_examples: Callable[..., Any], load: Callable[..., Any]
) -> None:
    examples, loaded = make_examples(20), load()
    fitted = Calibration(tail_exponent=1, temperature=0.2, prior=(0.01, 0.01, 0.01, 0.97))
    changed = replace(loaded, config=loaded.config.model_copy(update={"calibration": fitted}))
    plain, table = (pl.concat(score(each, examples)) for each in (loaded, changed))
    logits = predict_logits(
        loaded.scorer.network, examples, np.arange(20), batch_size=20, device=CPU
    )
    found = np.stack(table["probabilities"].to_list())
    assert found == pytest.approx(probabilities(logits, fitted), abs=1e-5)
    assert table["category_id"].to_list() != plain["category_id"].to_list()
    assert table["probability"].to_numpy() == pytest.approx(found.max(axis=1))


def test_the_category_is_chosen_by_the_stored_decoding_and_the_rest_by_probability(
    make_examples: Callable[..., Any], load: Callable[..., LoadedModel], taxonomy: Taxonomy
) -> None:
    examples, loaded = make_examples(20), load()
    decoding = Decoding(category_weight=(1, 1, 1, 1), group_weight=(0,) * 2, offset=(0, 9, 0, 99))
    changes = {"calibration": Calibration(never_predicted=(3,)), "decoding": decoding}
    changed = replace(loaded, config=loaded.config.model_copy(update=changes))
    table = pl.concat(score(changed, examples))
    found = np.stack(table["probabilities"].to_list())
    assert set(table["category_id"]) == {taxonomy.category_ids[1]}
    assert set(table["level1_id"]) == {taxonomy.categories[1].level1_id}
    assert table["probability"].to_list() == found[:, 1].tolist()
    best = [ids[0] for ids in table["top5_category_ids"]]
    assert best == taxonomy.ids_of(found.argmax(axis=1))
    assert set(best) != {taxonomy.category_ids[1]}


def test_a_partition_without_features_of_the_models_own_specs_is_refused(
    golden: Callable[[str], Path],
) -> None:
    store = open_existing_store(golden("1"))
    given = stored_model.load_model(registry.require(store, None)).fingerprints
    assert snapshot.pin(store, ["2026-11-20"], given).pins
    for view in ("frames", "text"):
        with pytest.raises(
            Invalid, match=rf"2026-11-20 has no up-to-date features at features/{view}/0{{12}}; run"
        ):
            snapshot.pin(store, ["2026-11-20"], given | {view: "0" * 64})
