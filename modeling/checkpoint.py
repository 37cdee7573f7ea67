"""Checkpoints of a training: named groups of tensors in safetensors beside JSON, whole or not there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from warehouse.files import canonical_json, make_folder, remove_tree, sha256_bytes, sha256_file, write_file

TensorGroups = dict[str, dict[str, Tensor]]

_STATE, _SEAL = "state.json", "state.sha256"


@dataclass(frozen=True)
class Checkpoints:
    """Where a training keeps its checkpoints, and how often."""

    folder: Path
    every_steps: int = 500
    keep: int = 2
    """The newest so many are kept."""

    def save(self, step: int, groups: TensorGroups, state: Mapping[str, Any]) -> None:
        """Write a checkpoint, then drop the oldest.

        The seal, a digest of the JSON that holds the digests of the tensors, is written last: without it a checkpoint
        counts as unfinished.

        Args:
            step: steps done.
            groups: tensors by group and name, one file for each group.
            state: all else, as JSON.
        """
        folder = self.folder / f"step-{step:08d}"
        remove_tree(folder)
        make_folder(folder)
        digests = {}
        for group, tensors in sorted(groups.items()):
            payload = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
            write_file(folder / f"{group}.safetensors", payload)
            digests[group] = sha256_bytes(payload)
        text = canonical_json({"digests": digests, "state": state})
        write_file(folder / _STATE, text)
        write_file(folder / _SEAL, sha256_bytes(text).encode())
        for old in self._folders()[self.keep :]:
            remove_tree(old)

    def latest(self, identity: str) -> tuple[TensorGroups, dict[str, Any]] | None:
        """Read the newest whole checkpoint of a training; a damaged one gives way to the one before it.

        Args:
            identity: `state["identity"]` of the training; another one's checkpoints are left alone.
        """
        for folder in self._folders():
            content = _verified_state(folder)
            if content is not None and content["state"]["identity"] == identity:
                groups = {group: load((folder / f"{group}.safetensors").read_bytes()) for group in content["digests"]}
                return groups, content["state"]
        return None

    def clear(self) -> None:
        """Remove all checkpoints, once the model they led to is published."""
        remove_tree(self.folder)

    def _folders(self) -> list[Path]:
        return sorted(self.folder.glob("step-*"), reverse=True)


def _verified_state(folder: Path) -> dict[str, Any] | None:
    try:
        text = (folder / _STATE).read_bytes()
        if (folder / _SEAL).read_text() != sha256_bytes(text):
            return None
        content: dict[str, Any] = json.loads(text)
        whole = all(
            sha256_file(folder / f"{group}.safetensors") == digest for group, digest in content["digests"].items()
        )
    except FileNotFoundError:
        return None
    return content if whole else None
