import io
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page

from modeling.evaluation import metrics
from modeling.evaluation.report import GalleryItem, Report, render
from warehouse.tables.taxonomy import Category, Taxonomy

HOSTILE = (
    "<img src=http://outside.example/x.png onerror=alert(1)><script>document.title ="
    " 'taken'</script>"
)
TOPICS = ("美食", "体育", "音乐")
FRAME_PIXELS = 64
SHORT = 2


def _num_frames(number: int) -> int:
    return 3 if number == SHORT else 8


def _preview(number: int) -> bytes:
    """Numbered frames side by side, as JPEG."""
    strip = Image.new("RGB", (_num_frames(number) * FRAME_PIXELS, FRAME_PIXELS))
    drawing = ImageDraw.Draw(strip)
    for frame in range(_num_frames(number)):
        left = frame * FRAME_PIXELS
        shade = (40 + 20 * frame, (90 * number) % 200, 120)
        drawing.rectangle((left, 0, left + FRAME_PIXELS, FRAME_PIXELS), fill=shade)
        drawing.text((left + 24, 24), f"{number}.{frame}", fill="white")
    payload = io.BytesIO()
    strip.save(payload, "JPEG", quality=75)
    return payload.getvalue()


def _history(height: float) -> dict[str, object]:
    return {
        "steps": [
            {"step": step, "learning_rate": 1e-4, "loss": 3 - step / 200}
            for step in range(10, 401, 10)
        ],
        "evaluations": [
            {"step": step, "mean_f1": height * step / 400} for step in range(100, 401, 100)
        ],
        "best_step": 400,
    }


def _report() -> Report:
    categories = tuple(
        Category(f"{group:02d}{member:02d}", f"{group:02d}", f"{topic}·{'零三四七'[member]}")
        for group, topic in enumerate(TOPICS)
        for member in range(4)
    )
    taxonomy = Taxonomy("drawn", categories)
    generator = np.random.default_rng(7)
    true_ids = [
        categories[index].category_id for index in generator.integers(len(categories), size=200)
    ]
    predicted_ids = [
        (
            true_id
            if generator.random() < 0.8
            else categories[generator.integers(len(categories))].category_id
        )
        for true_id in true_ids
    ]
    titles = ("红烧肉的做法", HOSTILE, "", "很长的标题" * 60)
    gallery = [
        GalleryItem(
            video_id=f"video-{number}",
            title=titles[number % len(titles)],
            true_category_id=true_ids[number],
            predicted_category_id=predicted_ids[number],
            probability=0.3 + number / 20,
            preview=None if number == 0 else _preview(number),
            missing_views=("frames",) if number == 0 else (),
        )
        for number in range(12)
    ]
    return Report(
        heading="Drawn corpus, 两天",
        made_at=datetime(2026, 11, 20, 8, 15, tzinfo=UTC),
        taxonomy=taxonomy,
        metrics={
            "multimodal": metrics.evaluate(true_ids, predicted_ids, taxonomy),
            "majority": metrics.evaluate(true_ids, [true_ids[0]] * len(true_ids), taxonomy),
        },
        intervals={"multimodal": metrics.intervals(true_ids, predicted_ids, taxonomy)},
        true_ids=true_ids,
        predicted_ids=predicted_ids,
        histories={"multimodal": _history(0.8), "text_only": _history(0.5)},
        num_videos=220,
        failed_by_reason={"not_media": 3, "empty_file": 1},
        facts={"model": "3f9a1c07be42"},
        gallery=gallery,
    )


@pytest.fixture(scope="module")
def report() -> Report:
    return _report()


@pytest.fixture(scope="module")
def address(report: Report, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(report), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    yield opened
    opened.close()


def test_no_request_leaves_the_page_and_the_console_stays_silent(page: Page, address: str) -> None:
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(address, wait_until="networkidle")

    assert address in requests
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert [url for url in requests if url.startswith("file:")] == [address]
    assert complaints == []
    assert page.title() == "Drawn corpus, 两天"


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screenshot_shows_the_page_without_sideways_scrolling(
    page: Page, address: str, tmp_path: Path, width: int, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address)

    page.screenshot(path=tmp_path / "report.png", full_page=True)

    with Image.open(tmp_path / "report.png") as picture:
        assert picture.format == "PNG"
        assert picture.width == width
        pixels = np.asarray(picture.convert("L"))
    assert len(np.unique(pixels)) > 100
    assert (np.median(pixels) > 128) == (scheme == "light")


def test_style_and_previews_pass_the_policy_of_the_page(
    page: Page, address: str, report: Report
) -> None:
    page.goto(address)

    assert page.evaluate("getComputedStyle(document.body).maxWidth") == "1180px"
    sizes = page.evaluate(
        """() => Promise.all([...document.querySelectorAll("image")].map(async element => {
        const image = new Image();
        image.src = element.getAttribute("href");
        await image.decode();
        return [image.naturalWidth, image.naturalHeight];
    }))"""
    )
    assert sizes == [
        [_num_frames(number) * FRAME_PIXELS, FRAME_PIXELS]
        for number, item in enumerate(report.gallery)
        if item.preview
    ]


@pytest.mark.parametrize("number", [1, SHORT])
def test_contact_sheet_shows_the_frames_in_two_rows(
    page: Page, address: str, tmp_path: Path, number: int
) -> None:
    page.goto(address)

    page.locator(".sheet").nth(number).screenshot(path=tmp_path / "sheet.png")

    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    height, width = pixels.shape[:2]
    places = [
        (round((row + 0.15) * height / 2), round((column + 0.15) * width / 4))
        for row, column in np.ndindex(2, 4)
    ]
    reds = [pixels[place][0] for place in places]
    shown = _num_frames(number)
    assert reds[:shown] == pytest.approx([40 + 20 * frame for frame in range(shown)], abs=8)
    assert all(red > 230 for red in reds[shown:])


def test_chinese_is_drawn_with_its_own_glyphs(page: Page, address: str) -> None:
    fonts = subprocess.run(
        ["fc-list", ":lang=zh"], capture_output=True, check=True, text=True
    ).stdout
    if not fonts:
        pytest.skip("no font with Chinese on this machine: apt-get install fonts-noto-cjk")
    page.goto(address)

    title = page.get_by_text("红烧肉的做法", exact=True).first
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


def test_gallery_is_filtered_without_a_script(page: Page, address: str, report: Report) -> None:
    page.goto(address)
    wrong = sum(item.true_category_id != item.predicted_category_id for item in report.gallery)
    assert 0 < wrong < len(report.gallery)
    cards = page.locator(".card:visible")

    counts = [cards.count()]
    for choice in ("Wrong", "Right", "All"):
        page.get_by_text(f"{choice} ").locator("visible=true").and_(page.locator("label")).click()
        counts.append(cards.count())

    assert counts == [len(report.gallery), wrong, len(report.gallery) - wrong, len(report.gallery)]
