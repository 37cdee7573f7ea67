"""What a store asks of the place that keeps its files."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from warehouse.storage.files import FileEntry


class Storage(Protocol):
    """Immutable files by key: `journal/00000001-….json`, parts joined by `/`.

    What a call has put is kept through a power cut once the call returns. A file is there whole or
    not at all. Every call may raise Retryable, where the place is full, failing or out of reach;
    those that write raise Invalid where the place cannot be written.
    """

    compares_puts: ClassVar[bool]
    """Whether what is put is compared with its digest on arrival, and need not be read again."""

    @property
    def place(self) -> Path:
        """What people call it; with a key, what they call a file.

        Only of a local folder are these paths of this machine.
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

    def exists(self, key: str) -> bool:
        """Tell whether there is a file of that key, or any below it."""

    def list(self, prefix: str, after: str = "") -> Iterator[str]:
        """List the keys below a folder, in no order; none where there is no such folder.

        Args:
            prefix: The folder's key.
            after: Only keys that sort after it are listed.
        """

    def children(self, prefix: str) -> Sequence[str]:
        """List what is in a folder itself, files and folders, by name."""

    def written_at(self, key: str) -> float:
        """When a file, or anything of a folder, was last written, in seconds since 1970.

        Never, which is infinity, where it is gone.
        """

    def size_bytes(self, key: str) -> int:
        """Add up a folder's files."""

    def put_if_absent(self, key: str, payload: bytes) -> bool:
        """Write a file unless one of that key is there, which is left alone.

        Of several writers of one key, one succeeds.

        Returns:
            True where it was written.
        """

    def put_numbered(self, key: str, payload: bytes) -> bool:
        """Write a file whose name begins with a number and `-`, unless that number is taken.

        Where one writer at a time is let in by other means, a place may leave it at the name.

        Returns:
            True where it was written.
        """

    def finish_numbered(self, prefix: str) -> None:
        """Write what killed writers of a folder have left of numbers that they had taken."""

    def delete(self, key: str) -> None:
        """Remove a file or a folder; nothing happens where it is gone already.

        A power cut may bring it back, as something that nobody asks for.
        """

    def put_away(self, key: str) -> str:
        """Take a file or folder out of all readers' sight, at once.

        Returns:
            The key under which it waits to be deleted.
        """

    def tidy(self, prefix: str) -> None:
        """Remove what killed writers have left half written in a folder that nobody writes now."""

    def sync(self, key: str) -> None:
        """Have a folder's entries survive a power cut, whoever has put or removed them."""

    def stage(self, staging_id: str, name: str, payload: bytes) -> None:
        """Keep a file that is to be published; an earlier one of that name is replaced.

        Raises:
            FileNotFoundError: What was staged under that id has been removed.
        """

    def begin_staging(self, staging_id: str) -> None:
        """Make the place for files that are to be published together."""

    def staged_path(self, staging_id: str, name: str, entry: FileEntry) -> Path:
        """Find a staged file on this machine.

        Args:
            staging_id: Under which it was staged.
            name: The file.
            entry: What was recorded of it.

        Returns:
            A path, at which there may be nothing, or other bytes.
        """

    def stage_published(self, staging_id: str, folder: str, names: Iterable[str]) -> None:
        """Stage files of a published folder, which keeps them.

        Args:
            staging_id: Under which they are staged.
            folder: The folder's key.
            names: Of its files; one that is staged already is left alone.

        Raises:
            FileNotFoundError: One of them is gone.
        """

    def end_staging(self, staging_id: str) -> None:
        """Remove what was staged under an id; what was published of it stays."""

    def put_folder_if_absent(
        self,
        key: str,
        staging_id: str,
        entries: Mapping[str, FileEntry],
        written: Mapping[str, bytes],
        gives_way: Callable[[], bool],
    ) -> bool:
        """Publish staged files together, unless there are files under that key.

        Args:
            key: What the files' own keys begin with.
            staging_id: Under which they were staged.
            entries: The staged files by name.
            written: Small files that are put beside them, the last of them last.
            gives_way: Asked where the key is taken: True to put away what is there.

        Returns:
            True where they were published.

        Raises:
            FileNotFoundError: A staged file is gone.
        """

    def published_path(self, folder: str, name: str, entry: FileEntry) -> Path:
        """Find a file of a published folder on this machine, for a reader that maps it.

        Args:
            folder: The folder's key.
            name: The file.
            entry: What was recorded of it.

        Returns:
            A path; whether it holds the bytes that were published is for the caller to check.

        Raises:
            FileNotFoundError: There is none.
        """

    def fault(self, folder: str, name: str, entry: FileEntry) -> str | None:
        """Read every byte of a file of a published folder where it is kept.

        Args:
            folder: The folder's key.
            name: The file.
            entry: What was recorded of it.

        Returns:
            None where every byte is right, else what is wrong in a few words.
        """

    def sweep(self, needed: Callable[[], Collection[str]], before: float, *, dry_run: bool) -> int:
        """Remove the bytes of published or staged files that no folder and no staging needs.

        Nobody publishes, nor records what was staged, meanwhile.

        Args:
            needed: Tells the sha256 of each file that is needed.
            before: What was written since then is left alone, in seconds since 1970.
            dry_run: True to remove nothing.

        Returns:
            How many bytes.
        """
