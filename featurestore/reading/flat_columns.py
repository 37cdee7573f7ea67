"""Columns that grow in unnamed files and are read by maps of them.

Rows take room on disk, none in the heap.
"""

import tempfile
from collections.abc import Mapping
from multiprocessing.reduction import DupFd
from typing import IO, Any

import numpy as np
import numpy.typing as npt


class FlatColumns:
    """One-dimensional arrays by name, read-only but for what is added at their end.

    Nothing of them has a name on disk, so a run that is killed leaves nothing behind. Handed to a
    worker process, an object takes only its open files along: all workers map the same bytes.

    Args:
        dtypes: the type of each column.
    """

    def __init__(self, dtypes: Mapping[str, Any]) -> None:
        self._dtypes = {name: np.dtype(dtype) for name, dtype in dtypes.items()}
        self._files: dict[str, IO[bytes]] = {
            name: tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the columns are
            for name in self._dtypes
        }
        self._lengths = dict.fromkeys(self._dtypes, 0)
        self._maps: dict[str, npt.NDArray[Any]] = {}

    def append(self, name: str, values: npt.ArrayLike) -> None:
        """Add values to the end of a column.

        Flushed at once, so that a forked process has nothing left to write.
        """
        array = np.ascontiguousarray(values, self._dtypes[name])
        self._files[name].write(array.data)
        self._files[name].flush()
        self._lengths[name] += array.size
        self._maps.pop(name, None)

    def names(self) -> set[str]:
        """The names of the columns."""
        return set(self._dtypes)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A column as far as it has grown, `[N]`."""
        if name not in self._maps:
            self._maps[name] = self._map(name)
        return self._maps[name]

    def __getstate__(self) -> dict[str, Any]:
        """The open files, without what they hold."""
        files = {name: DupFd(file.fileno()) for name, file in self._files.items()}
        return {"dtypes": self._dtypes, "lengths": self._lengths, "files": files}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Map the same files here."""
        self._dtypes, self._lengths = state["dtypes"], state["lengths"]
        self._files = {name: open(shared.detach(), "rb") for name, shared in state["files"].items()}  # noqa: SIM115, PTH123 - open for as long as the map may be handed on
        self._maps = {}

    def _map(self, name: str) -> npt.NDArray[Any]:
        dtype, length = self._dtypes[name], self._lengths[name]
        if not length:
            return np.zeros(0, dtype)
        return np.asarray(np.memmap(self._files[name], dtype, "r", shape=(length,)))
