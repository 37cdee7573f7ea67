from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from warehouse import commits, tables
from warehouse.commits import Address
from warehouse.errors import Conflict, Invalid
from warehouse.identifiers import Role
from warehouse.ingest import relabelling
from warehouse.ingest.operation import IngestParameters, ingest_videos
from warehouse.ingest.relabelling import CorrectionSummary, correct_labels
from warehouse.ingest.set_aside import SetAside
from warehouse.printable import spreadsheet_cell
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy

Correct = Callable[..., CorrectionSummary]
VIDEO_IDS = ("=1+1", "a", "b", "c")


@pytest.fixture
def catalog_url() -> None:
    """Ingest asks nothing of a catalog but its door, which is tested on both."""


@pytest.fixture
def ingest(
    store: Store, now: datetime, taxonomy: Taxonomy, listed: Callable[..., Path], tmp_path: Path
) -> Callable[..., Any]:
    (tmp_path / "letters.csv").write_bytes(taxonomy.to_csv())

    def call(role: Role = "labeled", **changes: Any) -> Any:
        rows = [
            {"video_id": key, "path": "", "title": key, "category_id": "0000", "annotator": "Ada"}
            for key in VIDEO_IDS
        ]
        words = {"source": "manifest", "partition": "p", "role": role, **changes}
        words = {"annotations": listed(*rows), **words}
        return ingest_videos(
            store.root,
            None,
            IngestParameters(**words),
            now,
            taxonomy=str(tmp_path / "letters.csv"),
        )

    return call


@pytest.fixture
def correct(store: Store, now: datetime, tmp_path: Path) -> Correct:
    def call(*lines: str, name: str = "labels.csv", strict: bool = False) -> CorrectionSummary:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return correct_labels(store, path, "p", now, None if strict else SetAside())

    return call


def labels(store: Store) -> dict[str, tuple[str | None, ...]]:
    found = tables.read_labels(store, "p")
    assert found is not None
    return {row[0]: row[1:] for row in found.iter_rows()}


def test_some_labels_are_corrected_and_all_else_stays(
    store: Store, ingest: Callable[..., Any], correct: Correct
) -> None:
    videos = ingest().videos_commit
    summary = correct("video_id,category_id,annotator,source", "b,0100,Bea,review", "c,0000,,")
    assert labels(store) == {
        "=1+1": ("0000", "00", "Ada", None),
        "a": ("0000", "00", "Ada", None),
        "b": ("0100", "01", "Bea", "review"),
        "c": ("0000", "00", "Ada", None),
    }
    assert (summary.num_labels, summary.num_labels_given, summary.num_labels_changed) == (4, 2, 1)
    head = tables.labels_commit(store, "p")
    assert head is not None
    assert summary.labels_commit == head.id
    assert tables.video_partition(store, "p").commit.id == videos


def test_the_same_corrections_again_change_nothing(
    store: Store, ingest: Callable[..., Any], correct: Correct
) -> None:
    ingest()
    first = correct("video_id,category_id,annotator", "b,0100,Bea")
    again = correct("video_id,category_id", "b,0100")
    assert (again.labels_commit, again.num_labels_changed) == (first.labels_commit, 0)
    assert len(commits.commits(store, tables.LABELS)) == 2


def test_an_edited_list_of_mistakes_goes_in_as_it_is(
    store: Store, ingest: Callable[..., Any], correct: Correct
) -> None:
    ingest()
    summary = correct(
        "video_id,partition,title,category_id,proposed_category_id,probability,annotator,source",
        f"{spreadsheet_cell('=1+1')},p,x,0001,0001,0.9,{spreadsheet_cell('@Bea')},",
        "a,other,x,0001,0001,0.9,Bea,",
    )
    assert summary.num_labels_given == 1
    assert labels(store)["=1+1"] == ("0001", "00", "@Bea", None)
    assert labels(store)["a"] == ("0000", "00", "Ada", None)


WRONG_ROWS = {
    "x,0000": "row 2: partition p lists no video x: correct the id, or ingest the video first",
    "a,0001": "rows 1 and 2 both list video a: keep one",
    "b,9999": "row 2: category_id '9999' is not in taxonomy letters",
    "b,": "row 2: video b has no category_id",
}


@pytest.mark.parametrize(("line", "problem"), WRONG_ROWS.items())
def test_a_wrong_row_is_set_aside_or_refuses_the_file_where_it_is_read_strictly(
    store: Store, ingest: Callable[..., Any], correct: Correct, line: str, problem: str
) -> None:
    ingest()
    given = ("video_id,category_id", "a,0100", line)
    with pytest.raises(Invalid, match=problem):
        correct(*given, strict=True)
    assert labels(store)["a"] == ("0000", "00", "Ada", None)
    summary = correct(*given)
    assert problem in summary.rows_set_aside[0]
    assert (summary.num_rows_set_aside, summary.num_labels_changed) == (1, 1)
    assert labels(store)["a"] == ("0100", "01", None, None)
    assert labels(store)["b"] == ("0000", "00", "Ada", None)


def test_labels_that_another_run_has_published_meanwhile_are_not_overwritten(
    store: Store, ingest: Callable[..., Any], correct: Correct, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest()
    merge = relabelling._corrected  # noqa: SLF001 - the moment in between

    def overtaken(*given: Any) -> Any:
        monkeypatch.setattr(relabelling, "_corrected", merge)
        correct("video_id,category_id", "a,0100")
        return merge(*given)

    monkeypatch.setattr(relabelling, "_corrected", overtaken)
    with pytest.raises(Conflict, match="labels of partition p was published by another run"):
        correct("video_id,category_id", "b,0100")
    assert labels(store)["a"][0] == "0100"
    assert labels(store)["b"][0] == "0000"
    correct("video_id,category_id", "b,0100")
    assert [labels(store)[key][0] for key in "ab"] == ["0100", "0100"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"role": "score"}, "give the role labeled"),
        ({"rehash": True}, "neither media nor taxonomy nor rehash"),
        ({"partition": "q"}, r"partition 'q' was never ingested.*\(p, scored\)"),
        ({"partition": "scored"}, "partition scored of role score has no labels"),
        ({"annotations": Path("labels.txt")}, "not a manifest by its name"),
    ],
)
def test_what_cannot_be_corrected_is_refused_and_nothing_changes(
    store: Store,
    ingest: Callable[..., Any],
    tmp_path: Path,
    changes: dict[str, Any],
    problem: str,
) -> None:
    ingest()
    ingest("score", partition="scored")
    path = tmp_path / "labels.jsonl"
    path.write_text('{"video_id": "a", "category_id": "0100"}\n')
    with pytest.raises(Invalid, match=problem):
        ingest(**{"source": "corrections", "annotations": path, **changes})
    assert labels(store)["a"][0] == "0000"
    assert commits.head(store, Address(tables.LABELS, "scored")) is None
