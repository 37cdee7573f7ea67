"""How a function becomes a flow.

One name for flow and deployment, and a sentence for what its user got wrong.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Flow, State, flow
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows.deployments import artifacts
from flows.settings import unknown_variables
from warehouse.errors import ReelstoreError

P = ParamSpec("P")
R = TypeVar("R")


def deployment(name: str) -> Callable[[Callable[P, R]], Flow[P, R | State[R]]]:
    """Make a flow of a function.

    An error of ours ends it as failed with its code and sentence, without a traceback.

    Args:
        name: of the flow and of its deployment.
    """

    def decorate(body: Callable[P, R]) -> Flow[P, R | State[R]]:
        @functools.wraps(body)
        def run(*args: P.args, **kwargs: P.kwargs) -> R | State[R]:
            try:
                for sentence in unknown_variables():
                    artifacts.say(sentence)
                return body(*args, **kwargs)
            except ReelstoreError as error:
                return Failed(message=f"{error.code}: {error}", data=error)

        # A chunk's own work is parallel already; of two chunks, the next is decoded while one is
        # encoded and written.
        runner: Any = ThreadPoolTaskRunner(max_workers=2)
        return flow(name=name, persist_result=False, task_runner=runner)(run)

    return decorate
