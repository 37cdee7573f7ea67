"""The pages that show a store, opened as their reader does: from a folder, in a browser."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page

from modeling.evaluation.site.day_page import day_page
from tests import drawn_site
from tests.drawn_site import DAY, FRAME_PIXELS, HOME, MISTAKES, MODEL, SHORT
from tests.integration.conftest import ROOT

PAGES = (HOME, MODEL, DAY, MISTAKES)
WIDTHS = (390, 1280)
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
SHOTS = ROOT / "build" / "site-shots"
"""Each page at both widths, light and dark, for people to look at."""
_TABLES = {MODEL: 1, DAY: 2, MISTAKES: 1}
_LIBRARY_MILLISECONDS = 60_000
"""Until the library has taken the tables over; a machine may be busy."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    drawn_site.write(folder)
    return folder


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    yield opened
    opened.close()


def _open(page: Page, file: Path, path: str) -> None:
    page.goto(file.as_uri())
    page.wait_for_function(
        "number => document.querySelectorAll('.tabulator').length === number",
        arg=_TABLES.get(path, 0),
        timeout=_LIBRARY_MILLISECONDS,
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", PAGES)
def test_page_fits_loads_its_own_files_alone_and_has_no_fault_of_access(
    page: Page, folder: Path, path: str, width: int
) -> None:
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_viewport_size({"width": width, "height": 900})

    _open(page, folder / path, path)

    assert [url for url in requests if not url.startswith((folder.as_uri(), "data:"))] == []
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "taken" not in page.title()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        shot = SHOTS / f"{Path(path).stem}-{width}-{scheme}.png"
        page.screenshot(path=shot, full_page=True)
        with Image.open(shot) as picture:
            assert picture.width == width
            pixels = np.asarray(picture.convert("L"))
        assert (np.median(pixels) > 128) == (scheme == "light")
    page.emulate_media(color_scheme=SCHEMES[WIDTHS.index(width)])
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_strips_show_frames_in_two_rows(page: Page, folder: Path, tmp_path: Path) -> None:
    _open(page, folder / MISTAKES, MISTAKES)
    for number in (1, SHORT):
        sheet = page.locator(".sheet").nth(number)
        sheet.scroll_into_view_if_needed()
        page.wait_for_function(
            "number => [...document.querySelectorAll('.sheet')[number].children]"
            ".every(image => image.complete && image.naturalWidth)",
            arg=number,
        )
        sheet.screenshot(path=tmp_path / "sheet.png")

        with Image.open(tmp_path / "sheet.png") as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        height, width = pixels.shape[:2]
        places = [
            (round((row + 0.2) * height / 2), round((column + 0.2) * width / 4))
            for row, column in np.ndindex(2, 4)
        ]
        reds = [pixels[place][0] for place in places]
        shown = drawn_site.num_frames(number)
        assert reds[:shown] == pytest.approx([40 + 20 * frame for frame in range(shown)], abs=12)
        assert all(red > 230 for red in reds[shown:])
    assert page.evaluate("document.querySelector('.sheet img').naturalHeight") == FRAME_PIXELS


def test_chinese_is_drawn_with_its_own_glyphs(page: Page, folder: Path) -> None:
    fonts = subprocess.run(
        ["fc-list", ":lang=zh"], capture_output=True, check=True, text=True
    ).stdout
    if not fonts:
        pytest.skip("no font with Chinese on this machine: apt-get install fonts-noto-cjk")
    _open(page, folder / DAY, DAY)

    title = page.locator(".card").get_by_text("红烧肉的做法", exact=True).first
    box = title.bounding_box()
    drawn = page.evaluate(r"""() => [..."红烧肉零三\u{10fffe}"].map(character => {
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 40;
        const context = canvas.getContext("2d");
        context.font = "32px " + getComputedStyle(document.body).fontFamily;
        context.fillText(character, 4, 34);
        return canvas.toDataURL();
    })""")

    assert box is not None
    assert box["width"] == pytest.approx(6 * 15, rel=0.1)
    assert len(set(drawn)) == len(drawn)


def test_a_cell_of_the_confusion_opens_its_videos(page: Page, folder: Path) -> None:
    _open(page, folder / MODEL, MODEL)
    cell = page.locator(".map a", has=page.locator(".miss")).first
    told = cell.get_attribute("aria-label") or ""

    cell.click()

    expected = int(told.rsplit(": ", 1)[1].split(" ")[0])
    assert page.locator(".card").count() == expected
    assert page.locator(".card.is-wrong").count() == expected


def test_tables_are_sorted_and_filtered(page: Page, folder: Path) -> None:
    _open(page, folder / MISTAKES, MISTAKES)
    figures = page.locator(".tabulator-cell[tabulator-field=column6]")
    assert figures.first.inner_text() == "0.900"

    page.locator(".tabulator-col[tabulator-field=column6] .tabulator-col-title").click()
    page.locator(".tabulator-col[tabulator-field=column6] .tabulator-col-title").click()
    assert figures.first.inner_text() == "0.510"

    page.get_by_label("filter video").press_sequentially("video-17")
    page.wait_for_function("() => document.querySelectorAll('.tabulator-row').length === 1")
    assert page.locator(".tabulator-row").count() == 1


def test_everything_is_reached_by_keyboard(page: Page, folder: Path) -> None:
    _open(page, folder / DAY, DAY)

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator("#search").focus()
    page.keyboard.type("video-00007")
    assert page.locator(".card").count() == 1


def test_ten_thousand_videos_stay_quick(page: Page, folder: Path) -> None:
    items = drawn_site.gallery(10_000, is_labelled=False)
    file = folder / "days" / "large.html"
    file.write_bytes(day_page(drawn_site.day(items=items), drawn_site.shell("days/large.html")))
    page.goto(file.as_uri())
    cards = page.locator(".card")
    assert cards.count() == 48

    took = page.evaluate(
        """() => {
            const search = document.getElementById("search");
            return Math.min(...[9999, 9998, 9997, 9996, 9999].map(number => {
                const started = performance.now();
                search.value = `video-0${number}`;
                search.dispatchEvent(new Event("input"));
                return performance.now() - started;
            }));
        }"""
    )

    assert cards.count() == 1
    assert took < 500
    page.locator("#search").fill("")
    page.locator("#more").click()
    assert cards.count() == 96


def test_page_without_scripts_still_tells_everything(browser: Browser, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / MODEL).as_uri())

    assert page.locator("table").count() == 5
    assert page.locator(".card").count() == 48
    assert not page.locator("#search").is_visible()
    context.close()
