"""Wrong rows of a listing: counted, named and left out, up to the failure budget."""

from dataclasses import dataclass, field

from warehouse.errors import Invalid
from warehouse.limits import OVER_BUDGET, over_budget

MAX_NAMED = 20
"""More rows are counted, and not named."""
_NAMED_IN_A_SENTENCE = 3


@dataclass
class SetAside:
    """The wrong rows of one listing."""

    num_rows: int = 0
    """How many there are."""
    first: list[str] = field(default_factory=list)
    """What is wrong with the first of them, a sentence each."""

    def add(self, error: Invalid) -> None:
        """Leave a row out.

        Args:
            error: What is wrong with it.
        """
        self.num_rows += 1
        if len(self.first) < MAX_NAMED:
            self.first.append(str(error))

    def check(self, num_good: int, source: str) -> None:
        """Refuse a listing of which too much is wrong.

        Args:
            num_good: How many rows are right.
            source: The listing's name in messages.

        Raises:
            Invalid: No row is right, or too many are wrong.
        """
        num_all = num_good + self.num_rows
        if num_good and not over_budget(self.num_rows, num_all):
            return
        named = "; ".join(self.first[:_NAMED_IN_A_SENTENCE])
        limit = f", {OVER_BUDGET}" if num_good else ""
        raise Invalid(
            f"{self.num_rows:,} of {num_all:,} rows of {source} are wrong{limit}, and nothing is"
            f" published: {named}"
        )
