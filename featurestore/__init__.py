"""What a feature is, how it is kept and how it is read."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `import featurestore` costs nothing; what opens a store pays for its reader
    from featurestore.reading.feature_store import FeatureStore


def open(  # noqa: A001 - called as featurestore.open
    root: str | Path, catalog_url: str | None = None, cache: str | Path = "~/.cache/reelstore"
) -> "FeatureStore":
    """Open the features of a store, to read them.

    Args:
        root: The store's folder, or `s3://bucket/prefix`.
        catalog_url: SQLAlchemy's URL of the catalog; None where it lies in the root.
        cache: This machine's folder of what was read of a store in a bucket.

    Raises:
        Invalid: There is no store.

    >>> import featurestore
    >>> with featurestore.open("store") as features:
    ...     features.frames(["labeled"]).select("video_id").head(1).collect().item()
    '00000000000000000000'
    """
    from featurestore.reading.feature_store import FeatureStore  # noqa: PLC0415 - as above

    return FeatureStore(root, catalog_url, cache)
