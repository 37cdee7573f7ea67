"""A store of one's own with the demo's encoder, and its views made without Prefect."""

import json
from datetime import datetime
from pathlib import Path

from featurestore.extraction.jobs import Extraction, Request
from flows.demo.encoder import shipped_encoder
from flows.settings import load_settings
from warehouse.commits import Commit
from warehouse.store import Store


def write_settings(folder: Path, words: str) -> Path:
    """Write the settings of a store in a folder, and a vocabulary of single characters.

    Returns their file.
    """
    weights, card = shipped_encoder()
    kwargs = ", ".join(
        f"{name} = {json.dumps(value)}" for name, value in card.encoder_kwargs.items()
    )
    (folder / "vocab.txt").write_text(
        "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(words))])
    )
    path = folder / "reelstore.toml"
    path.write_text(
        f'root = "store"\nencoder = "{card.encoder}"\nencoder_kwargs = {{{kwargs}}}\nvocabulary ='
        f' "vocab.txt"\nencoder_weights = {json.dumps(str(weights))}\ndecode_workers = 2\n'
    )
    return path


def publish(store: Store, partition: str, view: str, fingerprint: str, now: datetime) -> Commit:
    """Make and publish one view of one partition."""
    with Extraction(store, load_settings().runtime) as extraction:
        return extraction.run(Request(view, fingerprint, partition), now)
