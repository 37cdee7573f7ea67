"""Every step of a commit that may fail.

Calls that change the file system, and the catalog's transactions.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine.default import DefaultDialect

FILE_STEPS = ("open", "write", "fsync", "rename", "link", "mkdir", "unlink", "rmdir")


class Watch:
    """Is told of each step before and after it; by default it lets all pass."""

    def before(self, step: str, *arguments: Any, **named: Any) -> None:
        """May raise or kill instead of the step."""

    def after(self, step: str, result: Any, *arguments: Any, **named: Any) -> None:
        """May raise or kill although the step is done."""


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Tell of each step.

    The calls of `os`, and `begin`, `statement` and `commit` of the catalog's writers.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in FILE_STEPS:
            patch.setattr(os, name, _told(watch, name, getattr(os, name)))
        patch.setattr(DefaultDialect, "do_execute", _statements(watch, DefaultDialect.do_execute))
        patch.setattr(DefaultDialect, "do_commit", _commits(watch, DefaultDialect.do_commit))
        yield


def changes(step: str, arguments: tuple[Any, ...]) -> bool:
    """Whether a step leaves anything behind: opening a folder or an existing file does not."""
    return step != "open" or bool(arguments[1] & os.O_CREAT)


def place(path: Any, dir_fd: int | None = None) -> Path:
    """The absolute path that a call of `os` means."""
    folder = Path.cwd() if dir_fd is None else Path(f"/proc/self/fd/{dir_fd}").readlink()
    return folder / os.fsdecode(path)


def _told(watch: Watch, step: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        watch.before(step, *arguments, **named)
        result = real(*arguments, **named)
        watch.after(step, result, *arguments, **named)
        return result

    return call


_writing: set[int] = set()


def _statements(watch: Watch, real: Callable[..., None]) -> Callable[..., None]:
    def call(
        dialect: Any, cursor: Any, statement: str, parameters: Any, context: Any = None
    ) -> None:
        connection = id(cursor.connection)
        if statement == "BEGIN":
            _writing.discard(connection)  # another connection had this place, and was rolled back
        if statement == "BEGIN IMMEDIATE":
            step = "begin"
            _writing.add(connection)
        elif connection in _writing and not statement.startswith("SELECT"):
            step = "statement"
        else:
            real(dialect, cursor, statement, parameters, context)
            return
        watch.before(step, statement)
        real(dialect, cursor, statement, parameters, context)
        watch.after(step, None, statement)

    return call


def _commits(watch: Watch, real: Callable[..., None]) -> Callable[..., None]:
    def call(dialect: Any, connection: Any) -> None:
        driver = id(
            connection.driver_connection if hasattr(connection, "driver_connection") else connection
        )
        if driver not in _writing:
            real(dialect, connection)
            return
        watch.before("commit")
        real(dialect, connection)
        _writing.discard(driver)
        watch.after("commit", None)

    return call
