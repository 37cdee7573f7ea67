import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.drawn_features import DrawnFeatures, DrawnVideo
from warehouse import tables
from warehouse.store import Store, open_store

Run = Callable[..., tuple[int, str, str]]
HOSTILE = '=HYPERLINK(1)\x1b[2J,\n"x"'


@pytest.fixture
def store(home: Path) -> Store:
    store = open_store(home / "store")
    drawn = DrawnFeatures(store)
    right = [DrawnVideo(f"a{number:03d}", number % 3) for number in range(60)]
    wrong = DrawnVideo("=wrong", 2, title=HOSTILE, category_id="0000")
    drawn.publish("a", "labeled", [*right, wrong])
    drawn.publish("day", "score", [DrawnVideo("new", 1)])
    return store


def test_a_mistake_is_shown_edited_and_ingested_as_a_corrected_label(
    run: Run, store: Store, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    status, out, _ = run("mistakes")
    assert status == 0
    assert "labels that may be wrong" in out.splitlines()[0]
    first = next(line for line in out.splitlines() if "0100" in line)
    assert first.split()[:4] == ["=wrong", "a", "0000", "0100"]
    assert "\x1b" not in out
    status, out, _ = run("mistakes", "--csv")
    assert status == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert rows[0]["video_id"] == "'=wrong"
    assert rows[0]["title"] == '\'=HYPERLINK(1)\\x1b[2J,\\n"x"'
    rows[0] |= {"category_id": rows[0]["proposed_category_id"], "annotator": "Ada"}
    corrected = home / "mistakes.csv"
    with corrected.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    status, out, err = run(
        "ingest", "corrections", str(corrected), "--partition", "a", "--role", "labeled"
    )
    assert status == 0, err
    assert "num_labels_changed 1" in out
    labels = tables.read_labels(store, "a")
    assert labels is not None
    corrected_rows = {row["video_id"]: row for row in labels.iter_rows(named=True)}
    assert corrected_rows["=wrong"] | {"source": None} == {
        "video_id": "=wrong",
        "category_id": "0100",
        "level1_id": "01",
        "annotator": "Ada",
        "source": None,
    }
    assert corrected_rows["a000"]["annotator"] is None
    assert "=wrong" not in run("mistakes", "--csv")[1]


@pytest.mark.usefixtures("store")
def test_the_nearest_labelled_videos_are_shown(run: Run) -> None:
    status, out, _ = run("nearest", "day", "new")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "the labelled videos nearest to new"
    rows = [line.split() for line in lines if line.strip().startswith("a0")]
    assert [row[1:3] for row in rows] == [["a", "0001"]] * 10, out


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("nearest", "day", "old"), "partition day lists no video 'old'"),
        (("nearest", "night", "new"), "'night' was never ingested"),
        (("nearest", "day", "a\x1b"), "is not usable"),
    ],
)
def test_a_video_that_there_is_not_gets_a_sentence(
    run: Run, words: tuple[str, ...], named: str
) -> None:
    status, _, err = run(*words)
    assert (status, err.count("\n")) == (2, 1)
    assert named in err
