"""What a store asks of the place that keeps its files."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol


class Storage(Protocol):
    """Immutable files by key: `journal/00000001-….json`, parts joined by `/`.

    What a call has put is kept through a power cut once the call returns. A file is there whole or
    not at all.
    """

    def read(self, key: str) -> bytes:
        """Read a whole file.

        Raises:
            FileNotFoundError: There is none.
        """

    def read_range(self, key: str, start: int, num_bytes: int) -> bytes:
        """Read a part of a file; fewer bytes where it ends before.

        Raises:
            FileNotFoundError: There is none.
        """

    def put_if_absent(self, key: str, payload: bytes) -> bool:
        """Write a file unless one of that key is there, which is left alone.

        Of several writers of one key, one succeeds.

        Returns:
            True where it was written.

        Raises:
            Retryable: The place is full or failing; nothing of that key was changed.
            Invalid: The place cannot be written.
        """

    def put_folder_if_absent(
        self,
        key: str,
        staged: Path,
        names: Iterable[str],
        written: Mapping[str, bytes],
        gives_way: Callable[[], bool],
    ) -> bool:
        """Publish staged files together, unless there are files under that key.

        Args:
            key: What the files' own keys begin with.
            staged: The local folder in which they were staged.
            names: The staged files.
            written: Small files that are put beside them, the last of them last.
            gives_way: Asked where the key is taken: True to put away what is there.

        Returns:
            True where they were published.

        Raises:
            FileNotFoundError: A staged file is gone.
            Retryable: The place is full or failing.
            Invalid: The place cannot be written.
        """

    def list(self, prefix: str) -> Iterator[str]:
        """List the keys below a folder, in no order; none where there is no such folder."""

    def put_away(self, key: str) -> str:
        """Take a file or folder out of all readers' sight, at once.

        Returns:
            The key under which it waits to be deleted.

        Raises:
            Retryable: The place is failing.
            Invalid: The place cannot be written.
        """

    def delete(self, key: str) -> None:
        """Remove a file or a folder; nothing happens where it is gone already.

        A power cut may bring it back, as something that nobody asks for.

        Raises:
            Retryable: The place is failing.
            Invalid: The place cannot be written.
        """

    def tidy(self, prefix: str) -> None:
        """Remove what killed writers have left half written in a folder that nobody writes now."""
