"""Writing to a local disk: whole files and folders, synced, with errors that say what to do."""

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from warehouse.errors import Invalid, ReelstoreError, Retryable, cause_of

_CALLERS_MISTAKE = {
    errno.EACCES,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}
_STAGING_SUFFIX = ".part"
_NO_HARD_LINKS = {errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EXDEV}


def write_file(path: Path, payload: bytes) -> None:
    """Write a whole file under a staging name, then give it its name.

    Both survive a power cut on return.

    Args:
        path: The file; an older one of that name is replaced at once.
        payload: All its bytes.

    Raises:
        FileNotFoundError: The folder is gone.
        Retryable: The disk is full or failing; nothing of that name was changed.
        Invalid: The place cannot be written.
    """
    staging = _staging_name(path)
    try:
        with _reported(path):
            _write(staging, payload)
            staging.rename(path)
    except BaseException:
        with contextlib.suppress(OSError):
            staging.unlink()
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Let a block write a file that is too large for memory under a staging name.

    The file gets its own name at the end, or is gone where the block failed.

    Args:
        path: The file; an older one of that name is replaced at once.

    Yields:
        The staging name, of which there is no file yet.

    Raises:
        FileNotFoundError: The folder is gone.
        Retryable: The disk is full or failing.
        Invalid: The place cannot be written.
    """
    staging = _staging_name(path)
    try:
        with _reported(path):
            yield staging
            with staging.open("rb") as written:
                os.fsync(written.fileno())
            staging.rename(path)
    finally:
        with contextlib.suppress(OSError):
            staging.unlink()
    sync_folder(path.parent)


def write_if_absent(path: Path, payload: bytes) -> bool:
    """Write a whole file under a staging name, then give it its name unless that is taken.

    Both survive a power cut on return.

    Args:
        path: The file; one of that name is left alone.
        payload: All its bytes.

    Returns:
        True where it was written, False where a file of that name is there.

    Raises:
        FileNotFoundError: The folder is gone.
        Retryable: The disk is full or failing.
        Invalid: The place cannot be written.
    """
    staging = _staging_name(path)
    try:
        with _reported(path):
            _write(staging, payload)
            is_new = _link_new(staging, path)
            staging.unlink(missing_ok=True)
    except BaseException:
        with contextlib.suppress(OSError):
            staging.unlink()
        raise
    sync_folder(path.parent)
    return is_new


def _link_new(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        # Such a file system has no way to name a file only where its name is free.
        if target.exists():
            return False
        source.rename(target)
    return True


def is_staging(name: str) -> bool:
    """Tell whether a file's name is one under which a file is written before it gets its own."""
    return name.startswith(".") and name.endswith(_STAGING_SUFFIX)


def _staging_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{_STAGING_SUFFIX}")


def write_new(path: Path, payload: bytes) -> None:
    """Write a whole file straight under its name.

    Its bytes are on disk on return, its name once its folder is synced.

    Args:
        path: The file, in a folder that nobody else looks into; there is none of that name.
        payload: All its bytes.

    Raises:
        FileNotFoundError: The folder is gone.
        Retryable: The disk is full or failing.
        Invalid: The place cannot be written.
    """
    with _reported(path):
        _write(path, payload)


def _write(path: Path, payload: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        view = memoryview(payload)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_unsynced_folder(path: Path) -> None:
    """Make a folder that may be lost in a power cut, as nobody would look for it.

    Args:
        path: The folder; its parent is there.

    Raises:
        FileNotFoundError: The parent is gone.
        Retryable: The disk is full or failing.
        Invalid: The place cannot be written.
    """
    with _reported(path):
        path.mkdir()


def make_folder(path: Path, within: Path | None = None) -> None:
    """Make a folder and its missing parents, each of them on disk on return.

    A parent that exists may have been made by a run that was killed before its fsync, so every
    level below `within` is synced again.

    Args:
        path: The folder; it may exist.
        within: A parent that is known to be on disk; without it, the lowest level that exists is
            synced too.

    Raises:
        Retryable: The disk is full or failing.
        Invalid: The place cannot be written, or a file is in the way.
    """
    for level in reversed(_levels(path, within)):
        with _reported(level):
            try:
                level.mkdir()
            except FileExistsError:
                if _is_in_the_way(level):
                    raise NotADirectoryError(
                        errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(level)
                    ) from None
                if not os.access(level.parent, os.R_OK):
                    continue  # a home below a closed folder: no run of ours has made it
        sync_folder(level.parent)


def _is_in_the_way(path: Path) -> bool:
    # One look at it: another run may be removing the folder.
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _levels(path: Path, within: Path | None) -> list[Path]:
    levels = [path, *path.parents]
    if within is not None:
        return levels[: levels.index(within)]
    # Each level is synced before the next is made: above the lowest that exists, all is on disk.
    there = next(place for place, level in enumerate(levels) if level.exists())
    return levels[: there + 1]


def rename_folder(source: Path, target: Path) -> bool:
    """Give a finished folder another name, unless a folder of that name is there already.

    The new name is on disk once its parent is synced.

    Args:
        source: The finished folder.
        target: Its name; its parent exists.

    Returns:
        True where it was renamed, False where a folder of that name stood there, which is left
        alone.

    Raises:
        FileNotFoundError: The source is gone.
        Retryable: The disk is full or failing.
        Invalid: The place cannot be written.
    """
    with _reported(target):
        try:
            source.rename(target)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return False
            raise
    return True


def link_files(source: Path, target: Path, names: Iterable[str]) -> None:
    """Give finished files a second name in another folder.

    Where a file system has no hard links, copy them.

    Files are replaced whole and never changed in place, so both names keep their bytes. The new
    names are on disk once the target is synced.

    Args:
        source: The folder of finished files.
        target: The other folder; a file that is there already is kept.
        names: The files' names.

    Raises:
        FileNotFoundError: One of them, or a folder, is gone.
        Retryable: The disk is full or failing.
        Invalid: The place cannot be written.
    """
    for name in names:
        with _reported(target / name):
            try:
                os.link(source / name, target / name)
            except FileExistsError:
                continue
            except OSError as error:
                if error.errno not in _NO_HARD_LINKS:
                    raise
                _copy_new(source / name, target / name)


def _copy_new(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("xb") as writer:
        shutil.copyfileobj(reader, writer)
        writer.flush()
        os.fsync(writer.fileno())


def remove_tree(path: Path) -> None:
    """Remove a folder and all that is in it; nothing happens where it is gone already.

    It loses its name first, so that nobody can write into a folder that is half gone. A power cut
    may bring it back, as something that nobody asks for.

    Args:
        path: The folder.

    Raises:
        Retryable: The disk is failing.
        Invalid: The place cannot be written.
    """
    doomed = path.with_name(f"{path.name}-removed-{secrets.token_hex(4)}")
    with _reported(path):
        try:
            path.rename(doomed)
        except FileNotFoundError:
            return
        # Two runs may be removing the same things: either sees files vanish. And one that had found
        # the folder just before it lost its name may still put a file into it.
        while doomed.exists():
            try:
                shutil.rmtree(doomed)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
                    raise


def remove_file(path: Path) -> None:
    """Remove one file; nothing happens where it is gone already, and a power cut may bring it back.

    Args:
        path: The file.

    Raises:
        Retryable: The disk is failing.
        Invalid: The place cannot be written.
    """
    with _reported(path):
        path.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Put a folder's own entries on disk.

    Args:
        path: The folder.

    Raises:
        FileNotFoundError: It is gone.
        Retryable: The disk is failing.
    """
    with _reported(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock among the processes of this machine; it ends with its holder, however that ends.

    Args:
        path: The lock's file, made where it is missing.

    Yields:
        Nothing, while the lock is held.
    """
    with _reported(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _sentence(path, error) from error


def _sentence(path: Path, error: OSError) -> ReelstoreError:
    problem = f"{path} cannot be written ({cause_of(error)})"
    if error.errno in _CALLERS_MISTAKE:
        return Invalid(f"{problem}: name another place or mend its permissions")
    return Retryable(f"{problem}: make room or mend the disk, then run again")
