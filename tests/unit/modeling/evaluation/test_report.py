import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser

import pytest

from modeling.evaluation.report import GalleryItem, Report, render
from warehouse.tables.taxonomy import Category, Taxonomy

HOSTILE = (
    """"'><script>alert(1)</script><img src=//outside.example/x onerror=alert(1)>"""
    "</style>{{ 7 * 7 }}&amp;"
)
SCORES = {
    "lv1_f1_micro": 0.91,
    "lv1_f1_macro": 0.92,
    "lv2_f1_micro": 0.83,
    "lv2_f1_macro": 0.84,
    "mean_f1": 0.875,
}
HISTORY = {
    "steps": [
        {"step": 10, "learning_rate": 1e-4, "loss": 2.0},
        {"step": 20, "learning_rate": 1e-5, "loss": 1.0},
    ],
    "evaluations": [{"step": 20, "mean_f1": 0.8}],
    "best_step": 20,
}
BARE = Report(
    heading="小店 report",
    made_at=datetime(2026, 11, 20, 8, 15, tzinfo=UTC),
    taxonomy=Taxonomy("test", (Category("0000", "00", "美食"), Category("0100", "01", "体育"))),
    metrics={},
)
FULL = replace(
    BARE,
    metrics={
        "multimodal": SCORES,
        "text_only": {name: score / 2 for name, score in SCORES.items()},
    },
    intervals={"multimodal": {"mean_f1": (0.851, 0.899)}},
    true_ids=["0000", "0000", "0100"],
    predicted_ids=["0000", "0100", "0100"],
    histories={"multimodal": HISTORY},
    num_videos=1200,
    failed_by_reason={"not_media": 2, "empty_file": 4},
    facts={"model": "3f9a1c07be42"},
    gallery=[
        GalleryItem("a1", "红烧肉的做法", "0000", "0000", 0.97, b"\xff\xd8 eight frames"),
        GalleryItem("a2", "  ", "0000", "0100", 0.51, None, ("frames", "text")),
        GalleryItem("a3", "决赛", None, "0100", 0.42, None, ("frames",)),
    ],
)


class _Page(HTMLParser):
    """Elements, text and what the attributes refer to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.text = " ".join("".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.texts.append(" " if tag in {"td", "th", "bdi", "span"} else "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def classes(self) -> list[str]:
        return [
            name for _, attributes in self.elements for name in attributes.get("class", "").split()
        ]


def test_page_refers_to_nothing_outside_itself() -> None:
    page = render(FULL)

    references = [
        value
        for _, attributes in _Page(page).elements
        for name, value in attributes.items()
        if name in {"href", "src", "srcset", "action", "data", "poster"} or name.endswith(":href")
    ]
    assert references
    assert all(reference.startswith(("#", "data:")) for reference in references)
    assert "url(" not in page
    assert "@import" not in page
    assert not {tag for tag, _ in _Page(page).elements} & {
        "script",
        "iframe",
        "object",
        "embed",
        "base",
    }


def test_policy_forbids_all_but_inline_images_and_the_page_own_style() -> None:
    page = render(FULL)
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    [policy] = [
        attributes["content"]
        for _, attributes in _Page(page).elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]

    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert not [attributes for _, attributes in _Page(page).elements if "style" in attributes]


def test_hostile_words_stay_words_wherever_they_come_from() -> None:
    taxonomy = Taxonomy(
        HOSTILE,
        (Category(f"0{HOSTILE}", HOSTILE, HOSTILE), Category(f"1{HOSTILE}", HOSTILE, HOSTILE)),
    )
    first, second = (category.category_id for category in taxonomy.categories)
    hostile = replace(
        FULL,
        heading=HOSTILE,
        taxonomy=taxonomy,
        metrics={HOSTILE: SCORES, f"2{HOSTILE}": SCORES},
        true_ids=[first, second],
        predicted_ids=[first, first],
        histories={HOSTILE: HISTORY | {"steps": [{"step": 1, HOSTILE: 1.0}]}},
        failed_by_reason={HOSTILE: 1},
        facts={HOSTILE: HOSTILE},
        gallery=[GalleryItem(HOSTILE, HOSTILE, second, first, 0.5, None, (HOSTILE,))],
    )

    page = _Page(render(hostile))

    assert not {tag for tag, _ in page.elements} & {"script", "img"}
    assert not {
        name for _, attributes in page.elements for name in attributes if name.startswith("on")
    }
    assert page.text.count(HOSTILE) >= 10


def test_same_report_gives_the_same_page() -> None:
    assert render(FULL) == render(replace(FULL))


def test_table_has_every_score_with_intervals_and_the_best_in_bold() -> None:
    page = render(FULL)

    for score in SCORES.values():
        assert f"<b>{score:.3f}</b>" in page
        assert f">{score / 2:.3f}<" in page
    assert "0.851–0.899" in page
    assert (
        "is the mean F1 of multimodal on 3 videos in 2 categories (95% interval 0.851 to 0.899)"
        in _Page(page).text
    )


@pytest.mark.parametrize(
    ("other", "sentence"), [(0.5, "is 0.500, 0.375 lower."), (0.9, "is higher: 0.900.")]
)
def test_headline_says_how_far_the_next_is(other: float, sentence: str) -> None:
    third = SCORES | {"mean_f1": 0.1}
    compared = {"multimodal": SCORES, "majority": third, "text_only": SCORES | {"mean_f1": other}}

    assert f"The next, text only, {sentence}" in _Page(render(replace(FULL, metrics=compared))).text


def test_failures_are_counted_by_reason_the_most_frequent_first() -> None:
    text = _Page(render(FULL)).text

    assert "1,200 listed, 6 failed (0.5%)" in text
    assert text.index("empty file 4 0.33%") < text.index("not media 2 0.17%")


def test_gallery_tells_right_from_wrong_from_unknown() -> None:
    page = _Page(render(FULL))

    assert [name for name in page.classes() if name.startswith("is-")] == [
        "is-right",
        "is-wrong",
        "is-unknown",
    ]
    assert "All 3 Wrong 1 Right 1" in page.text
    assert "✗ 体育 0100 51% true: 美食 0000" in page.text


def test_gallery_shows_previews_and_flags_missing_views_and_titles() -> None:
    page = _Page(render(FULL))

    [image] = [attributes for tag, attributes in page.elements if tag == "image"]
    assert (
        base64.b64decode(image["href"].removeprefix("data:image/jpeg;base64,"))
        == b"\xff\xd8 eight frames"
    )
    assert "no title" in page.text
    assert "a2 no frames no text" in page.text


def test_what_is_empty_has_no_section() -> None:
    full, bare = (
        [attributes["id"] for tag, attributes in _Page(render(report)).elements if tag == "section"]
        for report in (FULL, BARE)
    )

    assert full == ["scores", "videos", "learning", "confusion", "categories", "gallery"]
    assert bare == []
    assert not [attributes for tag, attributes in _Page(render(BARE)).elements if tag == "a"]


def test_time_is_told_in_utc() -> None:
    shanghai = datetime(2026, 11, 20, 7, 30, tzinfo=timezone(timedelta(hours=8)))

    assert "Made 2026-11-19 23:30 UTC" in _Page(render(replace(BARE, made_at=shanghai))).text


def test_a_model_keeps_its_colour_from_the_table_to_the_curves() -> None:
    metrics = {"majority": SCORES, "multimodal": SCORES}

    page = render(replace(FULL, metrics=metrics))

    assert '<span class="swatch c1"></span>multimodal' in page
    assert '<li class="c1">' in page
    assert '<li class="c0">' not in page
