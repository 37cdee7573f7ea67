"""How large one medium may be, and how many videos of a partition may fail.

One rule for ingest and extraction.
"""

MAX_MEDIUM_BYTES = 256 * 2**20
"""A larger file is neither hashed nor decoded."""
BUDGET_SHARE = 0.05
BUDGET_VIDEOS = 20


def over_budget(num_failed: int, num_all: int) -> bool:
    """Tell whether more failed than may be left out.

    Args:
        num_failed: How many failed.
        num_all: How many there are.

    Returns:
        True where more than 5% and more than 20 failed.
    """
    return num_failed > BUDGET_VIDEOS and num_failed > BUDGET_SHARE * num_all
