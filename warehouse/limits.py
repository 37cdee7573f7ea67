"""How large one medium may be, and how many videos of a partition may fail.

One rule for ingest and extraction.
"""

MAX_MEDIUM_BYTES = 256 * 2**20
"""A larger file is neither hashed nor decoded."""
BUDGET_SHARE = 0.05
BUDGET_VIDEOS = 20
OVER_BUDGET = f"more than {BUDGET_SHARE:.0%} and more than {BUDGET_VIDEOS}"
"""The rule in words, for a sentence."""


def over_budget(num_failed: int, num_all: int) -> bool:
    """Tell whether more failed than may be left out: `OVER_BUDGET`."""
    return num_failed > BUDGET_VIDEOS and num_failed > BUDGET_SHARE * num_all
