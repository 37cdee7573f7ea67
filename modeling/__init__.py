"""Learns from stored features only.

`load_model` and `predict` are its face; what they need is imported when they are called.

Tensor shapes are written with these letters, everywhere in this package:

- B: examples of a batch
- F: frames of an example (8, masked where a clip has fewer)
- T: tokens of the batch's longest text
- E: width of a stored frame embedding
- D: width of the cross encoder
- H: attention heads
- C: categories
- V: tokens of the vocabulary
"""

# ruff: noqa: PLC0415 - `import modeling` stays cheap: no torch, no polars

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from featurestore.reading.feature_store import FeatureStore
    from modeling.models.stored_model import LoadedModel
    from warehouse.store import Store

__all__ = ["load_model", "predict"]


def load_model(store: "FeatureStore | Path | str", model: str = "champion") -> "LoadedModel":
    """Load a classifier of a store.

    Args:
        store: What `featurestore.open` gives, or the root of a store whose catalog lies in it.
        model: A model's id or the start of it, or an alias.

    Returns:
        The classifier, on the CPU.

    Raises:
        Invalid: There is no such store or model, or it is no classifier.
        Corrupt: A file differs from its digest.

    Example:
        >>> import modeling
        >>> model = modeling.load_model("store")
        >>> model.config.views
        ('frames', 'text')
        >>> model.taxonomy.category_ids
        ['0000', '0100']
    """
    from modeling.models import registry, stored_model

    return stored_model.load_model(registry.require(_opened(store), model))


def predict(
    model: "LoadedModel", store: "FeatureStore | Path | str", partition: str
) -> "pl.DataFrame":
    """Predict every listed video of a partition from its stored features; nothing is published.

    Args:
        model: From `load_model`.
        store: As for `load_model`; it holds features of the model's own recipes.
        partition: Of any role.

    Returns:
        One row for each listed video, sorted by id, with the columns of the predictions table that
        the model alone decides; all of them in memory, 4 bytes for each category of a row.

    Raises:
        Invalid: There is no such partition, or it lacks up-to-date features of these recipes.
        Corrupt: A file differs from its digest.

    Example:
        >>> import modeling
        >>> rows = modeling.predict(modeling.load_model("store"), "store", "2026-11-20")
        >>> rows.columns[:4]
        ['video_id', 'category_id', 'level1_id', 'probability']
        >>> len(rows)
        3
    """
    import polars as pl

    from featurestore.reading import snapshot
    from featurestore.reading.examples import Examples
    from modeling.models.scoring import score

    opened = _opened(store)
    pinned = snapshot.pin(opened, [partition], model.fingerprints)
    return pl.concat(score(model, Examples(opened, pinned)))


def _opened(store: "FeatureStore | Path | str") -> "Store":
    from featurestore.reading.feature_store import FeatureStore

    return FeatureStore(store).store if isinstance(store, str | Path) else store.store
