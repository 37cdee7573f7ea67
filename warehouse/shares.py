"""Work that several processes share: how it is divided, and who has it done."""

import itertools
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import Field

from warehouse.errors import Invalid

Workers = Annotated[
    int,
    Field(
        ge=1,
        description=(
            "How many processes share the work: this run, and child runs on any worker of the pool;"
            " more than 1 needs a Prefect server."
        ),
    ),
]
"""A parameter of the operations whose work can be shared."""

RunShares = Callable[[str, Sequence[Any], Callable[[Any], None]], list[bool]]
"""Has shares of a work done in several processes: by the name of a flow, the flow's parameters for
each share, and what does a share in this process; tells of each share whether it was done."""


def refuse_shares(_flow: str, shares: Sequence[Any], _do_here: Callable[[Any], None]) -> list[bool]:
    """Refuse to share work where there are no other processes.

    Raises:
        Invalid: Always.
    """
    raise Invalid(
        f"there are no {len(shares)} workers here to share the work: leave workers out, or start"
        " this flow by prefect deployment run"
    )


def cut(sizes: Sequence[int], num_shares: int) -> list[list[tuple[int, range]]]:
    """Divide items of several parts into shares of equal size.

    Args:
        sizes: How many items each part has.
        num_shares: Of which some are empty where there are fewer items.

    Returns:
        For each share the parts that it has some of, by their place, and which of their items.
    """
    total = sum(sizes)
    bounds = [total * share // num_shares for share in range(num_shares + 1)]
    starts = list(itertools.accumulate(sizes, initial=0))[:-1]
    shares = list[list[tuple[int, range]]]()
    for begin, end in itertools.pairwise(bounds):
        items = [
            (place, range(max(begin - start, 0), min(end - start, size)))
            for place, (start, size) in enumerate(zip(starts, sizes, strict=True))
        ]
        shares.append([(place, part) for place, part in items if part])
    return shares
