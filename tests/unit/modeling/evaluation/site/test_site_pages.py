import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from modeling.evaluation.site import page
from modeling.evaluation.site.day_page import day_page
from modeling.evaluation.site.gallery import NUM_DRAWN, GalleryItem, arrange
from modeling.evaluation.site.home_page import Home, home_page
from modeling.evaluation.site.mistakes_page import Mistakes, mistakes_page
from modeling.evaluation.site.model_page import model_page
from tests import drawn_site
from tests.drawn_site import CATEGORIES, DAY, HOME, HOSTILE, MISTAKES, MODEL, TAXONOMY, shell
from warehouse.tables.taxonomy import Category, Taxonomy

PAGES = (HOME, MODEL, DAY, MISTAKES)
LIBRARY_OWN = {"tabulator.min.js", "tabulator_simple.min.css", "LICENSE", "SHA256SUMS"}
_NAMES = ("名字", "a\u202eb", "x\x1b[31m", "\ud800", "日本\u2028語", "../../etc/passwd", "=1+1")
_MARKUP = (
    "<script>{}</script>",
    "</script><script>{}</script>",
    "<img src=x onerror={}>",
    "</style><style>*{{display:none}}</style>{}",
    "'\"><svg onload={}>",
    "{{{{ 7 * 7 }}}}{}",
    "{{% raw %}}{}",
    "<!--{}",
    "]]>{}",
    "&lt;b&gt;{}",
    "javascript:{}",
    "\\u003cscript\\u003e{}",
)


class _Page(HTMLParser):
    """Elements, text and what the attributes refer to."""

    def __init__(self, payload: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(payload.decode())
        self.text = " ".join("".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def references(self) -> list[str]:
        return [
            value
            for _, attributes in self.elements
            for name, value in attributes.items()
            if name in {"href", "src", "srcset", "action", "data", "poster"}
        ]

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}


@pytest.fixture(scope="module")
def pages() -> dict[str, bytes]:
    return drawn_site.pages()


@pytest.mark.parametrize("path", PAGES)
def test_page_refers_to_nothing_outside_the_folder(pages: dict[str, bytes], path: str) -> None:
    read = _Page(pages[path])

    up = "../" * path.count("/")
    for reference in read.references():
        assert reference.startswith(("#", "data:", f"{up}previews/", f"{up}library/")) or (
            reference.removeprefix(up) in PAGES
        )
    assert not read.tags() & {"iframe", "object", "embed", "base", "form", "link rel"}


@pytest.mark.parametrize("path", PAGES)
def test_policy_names_the_digests_of_what_stands_in_the_page(
    pages: dict[str, bytes], path: str
) -> None:
    text = pages[path].decode()

    def digests(tag: str) -> list[str]:
        bodies = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        hashed = [hashlib.sha256(body.encode()).digest() for body in bodies]
        return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in hashed]

    [policy] = re.findall(r'Content-Security-Policy" content="(.*?)"', text)
    [script] = digests("script")
    assert html.unescape(policy).split("; ") == [
        "default-src 'none'",
        f"script-src {script} 'strict-dynamic'",
        f"style-src {' '.join(digests('style'))}",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    attributes = [name for _, each in _Page(pages[path]).elements for name in each]
    assert not [name for name in attributes if name == "style" or name.startswith("on")]


def _hostile_words() -> list[str]:
    """300 words, each of another kind or another place in markup."""
    kinds = [f"{markup.format(name)}" for markup in _MARKUP for name in _NAMES]
    padded = [f"{word} {number}" for number in range(4) for word in kinds]
    return padded[:300]


def test_300_hostile_titles_and_ids_make_no_tag_and_escape_nowhere(pages: dict[str, bytes]) -> None:
    hostile = _hostile_words()
    assert len(set(hostile)) == 300
    items = [
        GalleryItem(f"id {word}", word, CATEGORIES[number % 12], 0.5, CATEGORIES[(number + 1) % 12])
        for number, word in enumerate(hostile)
    ]
    rows = [
        replace(drawn_site.mistakes().rows[1], title=word, video_id=word, annotator=word)
        for word in hostile
    ]
    gallery = arrange(items, TAXONOMY)
    made = {
        MODEL: model_page(drawn_site.model(items=gallery), shell(MODEL)),
        DAY: day_page(drawn_site.day(items=gallery), shell(DAY)),
        MISTAKES: mistakes_page(Mistakes(rows), shell(MISTAKES)),
    }

    for path, payload in made.items():
        read, usual = _Page(payload), _Page(pages[path])
        assert read.tags() <= usual.tags() | {"p"}
        scripts = [each for tag, each in read.elements if tag == "script"]
        assert len(scripts) == (1 if path == MISTAKES else 2)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e\u2028\ud800]", payload.decode())
        assert all(
            not name.startswith("on") for _, attributes in read.elements for name in attributes
        )
    [data] = re.findall(r'id="items">(.*?)</script>', made[DAY].decode(), re.DOTALL)
    assert len(json.loads(data)["items"]) == 300
    assert "<" not in data


def test_hostile_words_stay_words_wherever_they_come_from() -> None:
    taxonomy = Taxonomy(
        HOSTILE,
        tuple(Category(f"{number}{HOSTILE}", HOSTILE, HOSTILE, HOSTILE) for number in range(2)),
    )
    first, second = taxonomy.categories
    gallery = arrange(
        [GalleryItem(HOSTILE, HOSTILE, first, 0.5, second, missing_views=(HOSTILE,))], taxonomy
    )
    usual = drawn_site.model()
    hostile = replace(
        usual,
        taxonomy=taxonomy,
        gallery=gallery,
        categories=[dict(usual.categories[0]) | {"category_id": first.category_id}],
        slices={HOSTILE: usual.slices["tail"]},
        scores=[replace(row, name=HOSTILE) for row in usual.scores],
        histories={HOSTILE: {**drawn_site.history(0.5), "steps": [{"step": 1, HOSTILE: 1.0}]}},
    )

    read = _Page(model_page(hostile, shell(MODEL)))

    leading_out = [each for each in read.references() if not each.startswith("#")]
    assert not any("outside.example" in reference for reference in leading_out)
    assert read.tags() <= _Page(drawn_site.pages()[MODEL]).tags()
    assert read.text.count(HOSTILE) >= 10


def test_same_contents_give_the_same_bytes(pages: dict[str, bytes]) -> None:
    assert drawn_site.pages() == pages


@pytest.mark.parametrize("path", PAGES)
def test_page_can_be_heard_as_well_as_seen(pages: dict[str, bytes], path: str) -> None:
    read = _Page(pages[path])

    assert [tag for tag, _ in read.elements].count("main") == 1
    assert [tag for tag, _ in read.elements].count("h1") == 1
    assert all("scope" in attributes for tag, attributes in read.elements if tag == "th")
    assert all(attributes.get("aria-label") for tag, attributes in read.elements if tag == "figure")
    assert all("alt" in attributes for tag, attributes in read.elements if tag == "img")
    pictures = [each for tag, each in read.elements if tag == "svg" and "aria-hidden" not in each]
    assert all(each.get("aria-label") or not each for each in pictures)


def test_gallery_has_mistakes_first_then_what_is_least_sure() -> None:
    one, two = CATEGORIES[:2]
    items = [
        GalleryItem("sure", "", one, 0.9, one),
        GalleryItem("unsure", "", one, 0.4, one),
        GalleryItem("small mistake", "", one, 0.5, two),
        GalleryItem("great mistake", "", one, 0.8, two),
        GalleryItem("disagreed", "", one, 0.7, other=two),
        GalleryItem("agreed", "", one, 0.6, other=one),
    ]

    gallery = arrange(items, TAXONOMY)

    assert [item.video_id for item in gallery.items] == [
        "great mistake",
        "disagreed",
        "small mistake",
        "unsure",
        "agreed",
        "sure",
    ]
    counts = [gallery.count(verdict) for verdict in ("wrong", "disagreed", "right", "unknown")]
    assert counts == [2, 1, 2, 1]


def test_strips_are_files_that_load_when_they_are_seen(pages: dict[str, bytes]) -> None:
    images = [each for tag, each in _Page(pages[DAY]).elements if tag == "img"]

    assert len(images) in (2 * NUM_DRAWN, 2 * NUM_DRAWN - 2)
    assert all(image["loading"] == "lazy" for image in images)
    assert all(image["src"].startswith("../previews/20/") for image in images)
    assert b"base64" not in pages[DAY]


def test_numbers_of_the_home_page_are_those_of_its_contents(pages: dict[str, bytes]) -> None:
    text = _Page(pages[HOME]).text

    assert "4 partitions, 360 listed videos" in text
    assert "96.7%, 4 failed" in text
    assert "0.710" in text
    assert "0.690–0.730" in text
    assert "(provisional)" in text


def test_matching_loss_stands_beside_its_chance(pages: dict[str, bytes]) -> None:
    assert "chance 0.693" in pages[MODEL].decode()


def test_cells_of_the_confusion_lead_to_their_videos(pages: dict[str, bytes]) -> None:
    items = drawn_site.gallery().items
    wrong = {(item.true.category_id, item.predicted.category_id) for item in items if item.true}

    links = {
        html.unescape(each["href"])
        for tag, each in _Page(pages[MODEL]).elements
        if tag == "a" and each["href"].startswith("#true=")
    }

    assert links == {f"#true={true}&predicted={predicted}" for true, predicted in wrong}


def test_empty_contents_have_a_sentence() -> None:
    home = _Page(home_page(Home((), (), (), (), (), None), shell(HOME))).text
    mistakes = _Page(mistakes_page(Mistakes(), shell(MISTAKES))).text

    assert "There is no champion yet" in home
    assert "Every label is the one that the other labels suggest." in mistakes


def test_library_is_as_it_was_published() -> None:
    files = {path.rsplit("/", 1)[1]: payload for path, payload in page.library_files().items()}
    assert set(files) == LIBRARY_OWN

    sums = dict(line.split()[::-1] for line in files["SHA256SUMS"].decode().splitlines())

    assert sums == {
        name: hashlib.sha256(payload).hexdigest()
        for name, payload in files.items()
        if name != "SHA256SUMS"
    }
    assert b"Permission is hereby granted" in files["LICENSE"]
