"""A partition's predictions as people read them: by the names of categories, five at most."""

import polars as pl
import polars.selectors as cs

from modeling.models import scored_partitions, stored_model
from warehouse import tables
from warehouse.commits import Commit
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy

NUM_BEST = 5
PROBABILITIES = cs.starts_with("p_")
"""The columns of all probabilities."""


def scan(store: Store, model: Commit, partition: str, *, of_all: bool = False) -> pl.LazyFrame:
    """Read a model's predictions for a partition, with titles and the names of categories.

    Args:
        store: Where they are.
        model: A classifier.
        partition: One that it has scored.
        of_all: Whether each category has a column `p_` and its id, with its probability.

    Returns:
        A row for each listed video, by video id: `video_id`, `title`, `category_id`, `category`,
            `level1_id`, `level1`, `probability`, `missing_views`, and the most probable categories
            as `top1_category_id`, `top1_category`, `top1_probability` and so on.

    Raises:
        Invalid: The model has not scored this partition as it is now.
    """
    taxonomy = stored_model.read_taxonomy(model)
    videos = tables.scan_table(tables.video_partition(store, partition).commit, "videos")
    predicted = scored_partitions.scan(store, model.id, partition)
    named = predicted.join(
        videos.select("video_id", "title"), on="video_id", how="left", maintain_order="left"
    )
    columns = [
        pl.col("video_id"),
        pl.col("title"),
        pl.col("category_id"),
        _name(pl.col("category_id"), taxonomy).alias("category"),
        pl.col("level1_id"),
        pl.col("level1_id").replace_strict(_group_names(taxonomy)).alias("level1"),
        pl.col("probability"),
        pl.col("missing_views").list.join(" "),
    ]
    for place in range(NUM_BEST):
        category_id = pl.col("top5_category_ids").list.get(place, null_on_oob=True)
        probability = pl.col("top5_probabilities").list.get(place, null_on_oob=True)
        columns += [
            category_id.alias(f"top{place + 1}_category_id"),
            _name(category_id, taxonomy).alias(f"top{place + 1}_category"),
            probability.alias(f"top{place + 1}_probability"),
        ]
    if of_all:
        columns += [
            pl.col("probabilities").list.get(place).alias(f"p_{category_id}")
            for place, category_id in enumerate(taxonomy.category_ids)
        ]
    return named.select(columns)


def _name(category_id: pl.Expr, taxonomy: Taxonomy) -> pl.Expr:
    names = {category.category_id: category.name for category in taxonomy.categories}
    return category_id.replace_strict(names, return_dtype=pl.String)


def _group_names(taxonomy: Taxonomy) -> dict[str, str]:
    return {category.level1_id: category.level1_name for category in taxonomy.categories}
