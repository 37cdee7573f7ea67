"""A warm parent whose children do the job in a bucket, and are killed at one of its requests."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.fault import job
from tests.fault.warm import Begin, serve, warm_up
from warehouse.storage.s3.requests import Requests
from warehouse.storage.s3.s3_root import S3Root, parse_root

_METHODS = (
    "get",
    "get_range",
    "stream",
    "size_bytes",
    "put",
    "create",
    "list",
    "children",
    "delete",
)


def root_of(folder: Path) -> S3Root:
    """The root of a store whose cache and catalog are in a folder."""
    return parse_root(f"s3://videos/{folder.parent.name}/{folder.name}", folder / "cache", 10**9)


def catalog_of(folder: Path) -> str:
    """The catalog of such a store."""
    return f"sqlite:///{folder}/catalog.db"


def run(folder: Path) -> None:
    """Do the job in the store whose cache and catalog are in a folder."""
    job.run(root_of(folder), catalog_url=catalog_of(folder))


@contextmanager
def killing(fatal: float | None) -> Iterator[list[str]]:
    """Kill this process at a request.

    Args:
        fatal: Before the request of this number; half a number more, once it is answered.

    Yields:
        The requests.
    """
    made = list[str]()

    def watched(name: str) -> Any:
        request = getattr(Requests, name)

        def make(self: Requests, *words: Any) -> Any:
            number = len(made)
            made.append(name)
            if fatal == number:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = request(self, *words)
            if name in ("stream", "list"):
                answer = iter(list(answer))
            if fatal == number + 0.5:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return make

    with ExitStack() as patches:
        for name in _METHODS:  # patch.multiple would take `create` for an argument of its own
            patches.enter_context(patch.object(Requests, name, watched(name)))
        yield made


def _answer(request: dict[str, Any], begin: Begin) -> Any:
    begin()
    with killing(request.get("fatal")) as made:
        run(Path(request["folder"]))
    return made


if __name__ == "__main__":
    warm_up(job.averages)
    serve(_answer)
