"""Writes the tree of the repository: `make pages` after a file was added or moved.

A Python file is told by the first line of its docstring, a folder of code by that of its
`__init__.py`; what any other file is stands in the page itself and is kept.
"""

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
HEADING = "## The tree\n"
_PACKAGES = ["warehouse", "featurestore", "modeling", "flows"]
_CAPTION_CHARS = 90
_COLUMN = 37


def tracked() -> list[str]:
    """Files that git knows, and those that it would add."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for path in listed.stdout.splitlines() if (ROOT / path).is_file()]


def shown(page: str) -> dict[str, str]:
    """Read a page's tree: the caption of each path; folders end with a slash."""
    captions = {}
    above: list[str] = []
    for line in page.split(HEADING, 1)[1].split("```")[1].strip("\n").splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name, _, caption = line.strip().partition(" ")
        above = [*above[:depth], name]
        captions["".join(above)] = caption.strip()
    return captions


def drawn(paths: list[str], known: dict[str, str]) -> str:
    """Draw the tree; of the tests only their rooms."""
    lines = []
    for path in _rows(paths):
        depth = path.rstrip("/").count("/")
        name = (
            "  " * depth + path.rstrip("/").rsplit("/", 1)[-1] + ("/" if path.endswith("/") else "")
        )
        caption = _caption(path) or known.get(path, "")
        lines.append(f"{name:<{_COLUMN}}{caption}".rstrip())
    return "\n".join(lines)


def _rows(paths: list[str]) -> list[str]:
    rows = set()
    for path in paths:
        words = path.split("/")
        folders = ["/".join(words[:depth]) + "/" for depth in range(1, len(words))]
        if words[0] == "tests":
            rows |= set(folders[:2])
            rows |= {path} if len(words) == 2 else set()
        elif not path.endswith("__init__.py"):
            rows |= {path, *folders}
    return sorted(rows, key=_place)


def _place(path: str) -> list[tuple[int, str]]:
    """Tell where a path stands: the packages first, from below, and files before folders."""
    *folders, name = path.split("/")
    if not folders:
        return [(len(_PACKAGES) + 1, name)]
    package = folders[0]
    rank = _PACKAGES.index(package) if package in _PACKAGES else len(_PACKAGES)
    below = [(1, folder) for folder in folders[1:]]
    return [(rank, package), *below, *([(0, name)] if name else [])]


def _caption(path: str) -> str | None:
    source = ROOT / path / "__init__.py" if path.endswith("/") else ROOT / path
    if source.suffix == ".md":
        heading = re.match(r"# (.*)\n", source.read_text(encoding="utf-8"))
        return heading and heading[1]
    if source.suffix != ".py" or not source.is_file() or path.startswith("tests/golden"):
        return None
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8")))
    if docstring is None:
        return None
    caption = docstring.splitlines()[0].rstrip(".")
    while len(caption) > _CAPTION_CHARS and (shorter := re.match(r"(.+)[:;,] ", caption)):
        caption = shorter[1]
    return caption


def main() -> None:
    """Write the tree into its page."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(HEADING, 1)
    lead, _, after = rest.split("```", 2)
    block = drawn(tracked(), shown(page))
    PAGE.write_text(f"{before}{HEADING}{lead}```\n{block}\n```{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
