"""Pages of a site with drawn contents, for tests that look at them."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from modeling.evaluation import confusions, metrics
from modeling.evaluation.site import page
from modeling.evaluation.site.day_page import Day, MixRow, day_page
from modeling.evaluation.site.gallery import Gallery, GalleryItem, arrange
from modeling.evaluation.site.home_page import (
    Alarm,
    DayRow,
    DecisionRow,
    Drift,
    DriftStatistic,
    Home,
    ModelRow,
    ViewCell,
    home_page,
)
from modeling.evaluation.site.mistakes_page import MistakeRow, Mistakes, mistakes_page
from modeling.evaluation.site.model_page import Model, ScoreRow, model_page
from modeling.evaluation.site.page import Place, Shell
from warehouse.tables.taxonomy import Category, Taxonomy

HOSTILE = (
    "</script><img src=http://outside.example/x.png onerror=alert(1)><script>document.title ="
    " 'taken'</script>"
)
NOW = datetime(2026, 11, 20, 8, 15, tzinfo=UTC)
FRAME_PIXELS = 64
SHORT = 2
"""A video of three frames alone."""
TOPICS = ("美食", "体育", "音乐")
CATEGORIES = tuple(
    Category(f"{group:02d}{member:02d}", f"{group:02d}", f"{topic}·{'零三四七'[member]}", topic)
    for group, topic in enumerate(TOPICS)
    for member in range(4)
)
TAXONOMY = Taxonomy("drawn", CATEGORIES)
TITLES = ("红烧肉的做法", HOSTILE, "", "很长的标题" * 60)
HOME, MODEL, DAY, MISTAKES = "index.html", "models/champion.html", "days/20.html", "mistakes.html"
NAVIGATION = (Place(HOME, "Store"), Place(MODEL, "champion"), Place(MISTAKES, "Mistakes"))


def num_frames(number: int) -> int:
    """The frames of a drawn video."""
    return 3 if number == SHORT else 8


def preview(number: int) -> bytes:
    """Numbered frames side by side, as JPEG."""
    strip = Image.new("RGB", (num_frames(number) * FRAME_PIXELS, FRAME_PIXELS))
    drawing = ImageDraw.Draw(strip)
    for frame in range(num_frames(number)):
        left = frame * FRAME_PIXELS
        shade = (40 + 20 * frame, (90 * number) % 200, 120)
        drawing.rectangle((left, 0, left + FRAME_PIXELS, FRAME_PIXELS), fill=shade)
        drawing.text((left + 24, 24), f"{number}.{frame}", fill="white")
    payload = io.BytesIO()
    strip.save(payload, "JPEG", quality=75)
    return payload.getvalue()


def gallery(number: int = 120, *, is_labelled: bool = True) -> Gallery:
    """Videos, a fifth of which are wrong; the first has no strip."""
    generator = np.random.default_rng(7)
    items = []
    for index in range(number):
        true = CATEGORIES[generator.integers(len(CATEGORIES))]
        other = CATEGORIES[generator.integers(len(CATEGORIES))]
        predicted = true if generator.random() < 0.8 else other
        items.append(
            GalleryItem(
                video_id=f"video-{index:05d}",
                title=TITLES[index % len(TITLES)],
                predicted=predicted,
                probability=0.3 + 0.6 * float(generator.random()),
                true=true if is_labelled else None,
                other=None if is_labelled else true,
                strip=None if index == 0 else f"previews/20/{index % 12}.jpg",
                missing_views=("frames",) if index == 0 else (),
            )
        )
    return arrange(items, TAXONOMY)


def history(height: float, *losses: str, score: str | None = "mean_f1") -> dict[str, Any]:
    """What a training records."""
    rows = range(10, 401, 10)
    values = {"mean_f1": 1.0} if score else {}
    return {
        "steps": [
            {"step": step, "learning_rate": 1e-4} | dict.fromkeys(losses, 1 - step / 800)
            for step in rows
        ],
        "evaluations": [
            {"step": step} | dict.fromkeys(values, height * step / 400) for step in rows[9::10]
        ],
        "best_step": 400,
    }


def model(*, items: Gallery | None = None) -> Model:
    """A model that was asked for its validation videos."""
    shown = items or gallery()
    true = [item.true.category_id for item in shown.items if item.true]
    predicted = [item.predicted.category_id for item in shown.items]
    measured = metrics.evaluate(true, predicted, TAXONOMY)
    linear = {name: value - 0.1 for name, value in measured.items()}
    counted = confusions.category_scores(confusions.confuse(true, predicted, TAXONOMY))
    return Model(
        facts={"model": "3f9a1c07be42", "alias": HOSTILE},
        taxonomy=TAXONOMY,
        scores=(
            ScoreRow("this model", measured, metrics.intervals(true, predicted, TAXONOMY)),
            ScoreRow("multimodal_linear", linear),
        ),
        slices={"tail": {"count": 12, "mean_f1_interval": [0.5, 0.7], **measured}},
        calibration={"expected_calibration_error": {"before": 0.1, "after": 0.05}},
        categories=[
            {
                "category_id": score.category.category_id,
                "num_training": 40,
                "num_true": score.num_true,
                "num_predicted": score.num_predicted,
                "precision": score.precision,
                "recall": score.recall,
                "f1": score.f1,
            }
            for score in counted
        ],
        num_validation=len(true),
        histories={
            "cross encoder": history(0.8, "loss"),
            "pretraining": history(0.0, "loss", "matching_loss", score=None),
        },
        decisions=(decision(),),
        card=f"# Video classifier\n\n{HOSTILE}\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n",
        gallery=shown,
    )


def decision() -> DecisionRow:
    """A challenger that was refused."""
    return DecisionRow(
        "refused", "3f9a1c07be42aaaa", MODEL, "77", NOW, ("it is not better", HOSTILE), HOSTILE
    )


def views() -> dict[str, ViewCell]:
    """Both views, one with failures."""
    return {
        "frames": ViewCell("current", 116, {"not_media": 3, "empty_file": 1}),
        "text": ViewCell("stale", 120, {}),
    }


def drift() -> Drift:
    """An alarm."""
    statistics = (
        DriftStatistic("text_length", 12.5, 40.25, (38.0, 43.0), 0.0001, is_unusual=True),
        DriftStatistic("unknown_token_rate", 0.01),
    )
    return Drift("alarm", f"The texts are shorter {HOSTILE}", is_alarm=True, statistics=statistics)


def home() -> Home:
    """Three days and a champion."""
    days = [
        DayRow(f"2026-11-{day}", DAY, "score", 120, views(), "current", each, NOW, NOW)
        for day, each in ((20, drift()), (19, None), (18, None))
    ]
    days.append(DayRow("labeled", DAY, "labeled", 0, {}, "not scored", None, None))
    return Home(
        days=days,
        views=("frames", "text"),
        models=(
            ModelRow("champion", True, "3f9a1c07be42aaaa", MODEL, HOSTILE, 0.71, (0.69, 0.73), NOW),
        ),
        decisions=(decision(),),
        alarms=(Alarm("2026-11-20", f"drift: {HOSTILE}", DAY),),
        newest=NOW,
    )


def day(*, items: Gallery | None = None) -> Day:
    """A scored day."""
    mix = [
        MixRow(category, 3 * place, place / 66, 1 / 12) for place, category in enumerate(CATEGORIES)
    ]
    return Day(
        partition="2026-11-20",
        role="score",
        num_listed=120,
        num_labelled=0,
        facts={"model": "3f9a1c07be42", HOSTILE: HOSTILE},
        views=views(),
        drift=drift(),
        gallery=items or gallery(is_labelled=False),
        mix=mix,
        confidence=[0.05] * 20,
        validation_confidence=[0.0] * 10 + [0.1] * 10,
        mean_confidence=0.61,
    )


def mistakes() -> Mistakes:
    """Labels that are probably wrong."""
    rows = [
        MistakeRow(
            "labeled",
            f"video-{number}",
            TITLES[number % len(TITLES)],
            CATEGORIES[number % 12],
            CATEGORIES[(number + 1) % 12],
            0.9 - number / 100,
            HOSTILE if number == 1 else None,
            None if number == 0 else f"previews/20/{number % 12}.jpg",
        )
        for number in range(40)
    ]
    return Mistakes(rows)


def shell(path: str) -> Shell:
    """What surrounds a page."""
    names = {place.path: place.name for place in NAVIGATION}
    return Shell(Place(path, names.get(path, "2026-11-20")), NAVIGATION)


def pages(items: Gallery | None = None) -> dict[str, bytes]:
    """One page of each kind, by its path."""
    return {
        HOME: home_page(home(), shell(HOME)),
        MODEL: model_page(model(items=items), shell(MODEL)),
        DAY: day_page(day(items=items), shell(DAY)),
        MISTAKES: mistakes_page(mistakes(), shell(MISTAKES)),
    }


def write(folder: Path) -> None:
    """Write one page of each kind, with all that they load."""
    strips = {f"previews/20/{number}.jpg": preview(number) for number in range(12)}
    for path, payload in {**pages(), **strips, **page.library_files()}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(payload)
