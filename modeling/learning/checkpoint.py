"""Checkpoints of a training: groups of tensors in safetensors and a JSON, whole or not there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from warehouse.storage.disk import make_folder, remove_tree, write_file
from warehouse.storage.files import canonical_json, sha256_bytes

TensorGroups = dict[str, dict[str, Tensor]]

_STATE, _SEAL = "state.json", "state.sha256"


@dataclass(frozen=True)
class Checkpoints:
    """Where a training keeps its checkpoints, and how often."""

    folder: Path
    every_steps: int = 500
    keep: int = 2
    """How many are kept: the last one written and those of the steps before it."""

    def save(self, step: int, groups: TensorGroups, state: Mapping[str, Any]) -> None:
        """Write a checkpoint, then drop the oldest.

        The seal, a digest of the JSON that holds the digests of the tensors, is written last:
        without it a checkpoint counts as unfinished.

        Args:
            step: Steps done.
            groups: Tensors by group and name, one file for each group.
            state: All else, as JSON.
        """
        folder = self.folder / f"step-{step:08d}"
        remove_tree(folder)
        make_folder(folder)
        digests = {group: _write(folder, group, groups[group]) for group in sorted(groups)}
        text = canonical_json({"digests": digests, "state": state})
        write_file(folder / _STATE, text)
        write_file(folder / _SEAL, sha256_bytes(text).encode())
        self._drop_oldest(folder)

    def latest(self, identity: str) -> tuple[TensorGroups, dict[str, Any]] | None:
        """Read the newest whole checkpoint of a training.

        A damaged one gives way to the one before it.

        Args:
            identity: `state["identity"]` of the training; another one's checkpoints are left alone.
        """
        for folder in self._folders():
            try:
                return _read(folder, identity)
            except (OSError, ValueError, SafetensorError):
                continue
        return None

    def clear(self) -> None:
        """Remove all checkpoints, once the model they led to is published."""
        remove_tree(self.folder)
        for folder in self.folder.parent.glob(f"{self.folder.name}-removed-*"):
            remove_tree(folder)  # a killed run was at it

    def _drop_oldest(self, newest: Path) -> None:
        folders = self._folders()
        # What is of a later step is another training's, or damaged.
        num_later = sum(folder.name > newest.name for folder in folders)
        kept = folders[: num_later + self.keep]
        # Those that a killed run was removing bear other names, and go too.
        for folder in self.folder.glob("step-*"):
            if folder not in kept:
                remove_tree(folder)

    def _folders(self) -> list[Path]:
        return sorted(self.folder.glob(f"step-{'[0-9]' * 8}"), reverse=True)


def _write(folder: Path, group: str, tensors: Mapping[str, Tensor]) -> str:
    """Write one group of tensors; returns the digest of its file."""
    payload = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    write_file(folder / f"{group}.safetensors", payload)
    return sha256_bytes(payload)


class _Content(BaseModel):
    """What `state.json` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digests: dict[Annotated[str, Field(pattern="^[a-z_]+$")], str]
    """Of each file of tensors, by its group."""
    state: dict[str, Any]


def _read(folder: Path, identity: str) -> tuple[TensorGroups, dict[str, Any]]:
    """Read one checkpoint, every byte of it checked before it is parsed.

    Raises:
        OSError: A file is missing.
        ValueError: It is damaged, or another training's.
        SafetensorError: A file was no safetensors when it was sealed.
    """
    content = _Content.model_validate(
        json.loads(_sealed(folder / _STATE, (folder / _SEAL).read_text("ascii")))
    )
    if content.state.get("identity") != identity:
        raise ValueError(folder)
    groups = {
        group: load(_sealed(folder / f"{group}.safetensors", digest))
        for group, digest in content.digests.items()
    }
    return groups, content.state


def _sealed(path: Path, digest: str) -> bytes:
    payload = path.read_bytes()
    if sha256_bytes(payload) != digest:
        raise ValueError(path)
    return payload
