"""A warm parent of flow runs.

It has Prefect, torch and the flow in memory, and forks a child for each run.
"""

import os
from typing import Any

from flows.deployments.extract_features import extract_features
from tests.fault.warm import Begin, serve


def _run(request: dict[str, Any], begin: Begin) -> None:
    os.environ["REELSTORE_ROOT"] = request["root"]
    hooks: list[Any] = [lambda *_: begin()]
    extract_features.with_options(on_running=hooks)()


if __name__ == "__main__":
    serve(_run)
