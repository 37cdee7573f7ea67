"""Which revision of the code made a commit."""

import functools
import os
import subprocess
from pathlib import Path

VARIABLE = "REELSTORE_GIT_REVISION"
"""Names the revision where the code is installed without its history, as in a container."""


@functools.cache
def git_revision() -> str | None:
    """Find the git revision of the code that runs.

    Returns:
        40 hexadecimal digits, with `-dirty` where tracked files are changed; None where it is not
        known.
    """
    if named := os.environ.get(VARIABLE):
        return named
    checkout = Path(__file__).parents[1]
    if not (checkout / ".git").exists():
        return None
    words = [
        "git",
        "-C",
        str(checkout),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
        "--exclude=*",
    ]
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
