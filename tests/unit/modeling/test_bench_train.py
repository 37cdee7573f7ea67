from collections.abc import Callable
from typing import Any

from modeling.configuration import ModelConfig
from tests.benchmarks.bench_train import EMBEDDING_DIM, Size, speed_rows


def test_each_row_of_a_size_is_made(make_examples: Callable[..., Any], sizes: ModelConfig) -> None:
    plain = sizes.model_copy(update={"reads": "pooled", "max_positions": 512})
    tiny = Size(
        "tiny", plain, 4, 4, num_batches=1, num_rounds=1, training_target=0, scoring_target=0
    )
    rows = list(speed_rows(tiny, make_examples(40, embedding_dim=EMBEDDING_DIM)))
    assert len({row["name"] for row in rows}) == len(rows)
    by_default = [row for row in rows if "default network" in row["name"]]
    assert [row["holds"] for row in by_default] == [True, True]
    (experts,) = [row for row in rows if "with experts" in row["name"]]
    assert experts["ratio"] > 0
