import threading
from contextvars import ContextVar

from warehouse.repeating import repeating


def test_an_action_is_repeated_in_the_context_of_its_caller_until_the_block_ends() -> None:
    run = ContextVar("run", default="none")
    run.set("update")
    told, said = threading.Event(), list[str]()

    def tell() -> None:
        said.append(run.get())
        told.set()

    with repeating(tell, 0.01):
        assert told.wait(60)
    num_told = len(said)
    assert set(said) == {"update"}
    told.clear()
    assert not told.wait(0.05)
    assert len(said) == num_told
