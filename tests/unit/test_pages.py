"""The pages of docs/ say what is there."""

import re
from pathlib import Path

from tests import settings_page

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md"))


def test_the_settings_page_is_what_the_models_say() -> None:
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page(), "type make pages"


def test_each_setting_has_a_meaning() -> None:
    rows = [line for line in settings_page.page().splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []


def test_each_page_is_in_the_sites_navigation() -> None:
    configuration = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert sorted(re.findall(r": ([\w/-]+\.md)$", configuration, re.MULTILINE)) == PAGES


def test_each_module_that_a_page_names_is_there() -> None:
    told_today = [page for page in PAGES if not page.startswith("decisions/")]
    missing = set()
    for name in ["README.md", "CONTRIBUTING.md", *(f"docs/{page}" for page in told_today)]:
        text = (ROOT / name).read_text(encoding="utf-8")
        paths = re.findall(r"`((?:\w+/)+\w+\.py)`", text)
        missing |= {f"{name}: {path}" for path in paths if not (ROOT / path).exists()}
    assert missing == set()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
