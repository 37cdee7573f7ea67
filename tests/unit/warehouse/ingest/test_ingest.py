import errno
import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from featurestore.forgetting.eraser import VideoEraser
from featurestore.progress.reasons import Reason
from tests.bad_paths import BAD_PATHS, LONG_NAME, Make, without_privileges
from warehouse import commits, tables
from warehouse.commits import Address
from warehouse.errors import Conflict, Invalid, Retryable
from warehouse.identifiers import Role
from warehouse.ingest import ingestion, media_digests, media_files
from warehouse.ingest.ingestion import IngestSummary, publish_listing
from warehouse.ingest.listing import read_listing
from warehouse.ingest.passed_over import PassedOver
from warehouse.ingest.set_aside import SetAside
from warehouse.sources import manifest
from warehouse.sources.record import refuse_all
from warehouse.storage.files import sha256_bytes
from warehouse.store import Store
from warehouse.tables import split
from warehouse.tables.taxonomy import Taxonomy

Listed = Callable[..., Path]
Ingest = Callable[..., IngestSummary]
Tree = Callable[[Path], dict[str, bytes]]


def row(video_id: str, path: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"video_id": video_id, "path": f"{video_id}.mp4" if path is None else path, **fields}


@pytest.fixture
def catalog_url() -> None:
    """Ingest asks nothing of a catalog but its door, which is tested on both."""


@pytest.fixture
def run(store: Store, now: datetime, taxonomy: Taxonomy) -> Ingest:
    def call(
        file: Path, role: Role = "labeled", *, strict: bool = False, **changes: Any
    ) -> IngestSummary:
        given = {"media_root": file.parent, "taxonomy": taxonomy, "partition": "p", **changes}
        hashing = {key: given.pop(key) for key in ("rehash", "on_hashed") if key in given}
        left_out = None if strict else SetAside()
        refuse = refuse_all if left_out is None else left_out.add
        records = manifest.read_records(file, "p", refuse)
        return publish_listing(
            store, read_listing(records, role=role, set_aside=left_out, **given), now, **hashing
        )

    return call


def rows(store: Store) -> pl.DataFrame:
    return tables.read_videos(tables.video_partition(store, "p"))


def test_listing_becomes_videos_labels_and_a_split(
    store: Store, run: Ingest, listed: Listed
) -> None:
    listing = listed(
        row("b", category_id="0100", title="标题", annotator="Ada", source="review"),
        row("a", "x.zip", category_id="0000"),
        row("c", "", category_id="0000"),
    )
    summary = run(listing)
    assert (
        summary.num_videos,
        summary.num_labels,
        summary.num_media_missing,
        summary.num_media_hashed,
    ) == (3, 3, 1, 2)
    assert summary.changed
    found = rows(store)
    assert found["video_id"].to_list() == ["a", "b", "c"]
    assert found["media_kind"].to_list() == ["frames_zip", "video", None]
    assert found["media_sha256"].to_list() == [sha256_bytes(b"x.zip"), sha256_bytes(b"b.mp4"), None]
    assert found["content_sha256"].to_list()[2] == found["text_sha256"].to_list()[2]
    labels = tables.read_labels(store, "p")
    assert labels is not None
    assert labels.rows() == [
        ("a", "0000", "00", None, None),
        ("b", "0100", "01", "Ada", "review"),
        ("c", "0000", "00", None, None),
    ]
    assert split.frozen_salt(store) == 0


def test_same_listing_again_reads_no_medium_and_changes_nothing(
    store: Store, run: Ingest, listed: Listed, tree: Tree
) -> None:
    listing = listed(row("a", category_id="0000"), row("b", category_id="0001"))
    first = run(listing)
    before = tree(store.root)
    again = run(listing)
    assert (again.num_media_hashed, again.changed, again.videos_commit) == (
        0,
        False,
        first.videos_commit,
    )
    assert tree(store.root) == before


def test_new_video_makes_a_new_commit_and_only_it_is_read(
    store: Store, run: Ingest, listed: Listed
) -> None:
    first = run(listed(row("a")), "score")
    second = run(listed(row("a"), row("b")), "score")
    assert second.changed
    assert second.videos_commit != first.videos_commit
    assert second.num_media_hashed == 1
    assert tables.video_partition(store, "p").commit.id == second.videos_commit


def test_changed_medium_is_read_again(store: Store, run: Ingest, listed: Listed) -> None:
    listing = listed(row("a"))
    run(listing, "score")
    path = listing.parent / "a.mp4"
    path.write_bytes(b"other")
    os.utime(path, ns=(1, 1))
    assert run(listing, "score").num_media_hashed == 1
    assert rows(store)["media_sha256"].to_list() == [sha256_bytes(b"other")]


def test_rehash_finds_a_change_that_size_and_time_hide(
    store: Store, run: Ingest, listed: Listed
) -> None:
    listing = listed(row("a"))
    run(listing, "score")
    path = listing.parent / "a.mp4"
    times = path.stat().st_mtime_ns
    path.write_bytes(b"A.mp4")
    os.utime(path, ns=(times, times))
    assert not run(listing, "score").changed
    assert run(listing, "score", rehash=True).changed
    assert rows(store)["media_sha256"].to_list() == [sha256_bytes(b"A.mp4")]


def test_copied_media_with_new_times_are_the_same_videos(
    store: Store, run: Ingest, listed: Listed
) -> None:
    listing = listed(row("a"))
    first = run(listing, "score")
    os.utime(listing.parent / "a.mp4", ns=(1, 1))
    moved = listing.parent.rename(listing.parent.with_name("moved")) / listing.name
    second = run(moved, "score")
    assert (second.videos_commit, second.num_media_hashed, second.changed) == (
        first.videos_commit,
        1,
        False,
    )
    assert tables.video_partition(store, "p").media_root == moved.parent


def test_missing_medium_is_listed_and_found_when_it_arrives(
    store: Store, run: Ingest, listed: Listed
) -> None:
    listing = listed(row("a"), row("b"), missing=("b.mp4",))
    assert run(listing, "score").num_media_missing == 1
    assert rows(store)["media_sha256"].to_list() == [sha256_bytes(b"a.mp4"), None]
    (listing.parent / "b.mp4").write_bytes(b"late")
    assert run(listing, "score").num_media_missing == 0
    assert rows(store)["content_sha256"].to_list()[1] == sha256_bytes(b"late")


def test_interrupted_hashing_goes_on_where_it_stopped(
    store: Store, run: Ingest, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_digests, "_BLOCK_FILES", 2)
    listing = listed(*(row(f"v{number}") for number in range(7)))
    real, read = media_files.sha256, []

    def stop_at_five(path: Path) -> str:
        if path.name == "v5.mp4":
            raise Retryable("the machine goes down")
        return real(path)

    def recorded(path: Path) -> str:
        read.append(path.name)
        return real(path)

    monkeypatch.setattr(media_files, "sha256", stop_at_five)
    with pytest.raises(Retryable):
        run(listing, "score")
    assert tables.video_partitions(store) == []
    monkeypatch.setattr(media_files, "sha256", recorded)
    progress: list[tuple[int, int]] = []
    run(listing, "score", on_hashed=lambda done, of: progress.append((done, of)))
    assert sorted(read) == ["v4.mp4", "v5.mp4", "v6.mp4"]
    assert progress == [(2, 7), (4, 7), (6, 7), (7, 7)]
    assert list((store.root / "staging").iterdir()) == []
    (digests,) = commits.heads(store, media_digests.MEDIA)
    assert list(digests.files) == ["media.parquet"]


def test_a_medium_that_changes_while_it_is_read_is_listed_without_digest_until_it_is_whole(
    store: Store, run: Ingest, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.readv

    def touched(descriptor: int, buffers: Any) -> int:
        os.utime(descriptor, ns=(1, 1))
        return real(descriptor, buffers)

    listing = listed(row("a"), row("b"))
    run(listing, "score")
    (listing.parent / "a.mp4").write_bytes(b"being written")
    with monkeypatch.context() as patched:
        patched.setattr(os, "readv", touched)
        summary = run(listing, "score")
    assert (summary.num_media_unread, summary.media_unread) == (
        1,
        ("'a.mp4' changed while it was read",),
    )
    assert rows(store)["media_sha256"].to_list() == [None, sha256_bytes(b"b.mp4")]
    assert run(listing, "score").num_media_unread == 0
    assert rows(store)["media_sha256"].to_list()[0] == sha256_bytes(b"being written")


@pytest.mark.parametrize(("name", "case"), BAD_PATHS.items(), ids=[name[:9] for name in BAD_PATHS])
def test_a_bad_path_is_one_listed_video_without_digest(
    store: Store, run: Ingest, listed: Listed, name: str, case: tuple[Make, Reason, str], tree: Tree
) -> None:
    listing = listed(row("a", name), row("b"), missing=(name,))
    case[0](listing.parent / name)
    with without_privileges():
        summary = run(listing, "score")
        before = tree(store.root)
        assert not run(listing, "score").changed
        assert tree(store.root) == before
    assert (summary.num_videos, summary.num_media_unread, summary.num_media_missing) == (2, 1, 0)
    assert [sentence.split(" ", 1)[1] for sentence in summary.media_unread] == [case[2]]
    assert rows(store)["media_sha256"].to_list() == [None, sha256_bytes(b"b.mp4")]
    assert rows(store)["media_path"].to_list() == [name, "b.mp4"]


@pytest.mark.parametrize(("name", "case"), BAD_PATHS.items(), ids=[name[:9] for name in BAD_PATHS])
def test_many_bad_paths_refuse_an_ingest_only_where_reading_is_refused(
    store: Store, run: Ingest, listed: Listed, name: str, case: tuple[Make, Reason, str]
) -> None:
    paths = [f"{number:02d}/{name}" for number in range(21)]
    listing = listed(
        *(row(f"v{number:02d}", path) for number, path in enumerate(paths)), missing=tuple(paths)
    )
    for path in paths:
        (listing.parent / path).parent.mkdir()
        case[0](listing.parent / path)
    with without_privileges():
        if name == "closed":
            with pytest.raises(
                Invalid,
                match=r"21 of 21 media .* cannot be read.* mend the disk or its permissions",
            ):
                run(listing, "score")
            assert tables.video_partitions(store) == []
        else:
            assert run(listing, "score").num_media_unread == 21
            assert rows(store)["media_path"].to_list() == paths


def test_a_listing_of_bad_paths_alone_is_listed(store: Store, run: Ingest, listed: Listed) -> None:
    listing = listed(row("a", "folder"), missing=("folder",))
    (listing.parent / "folder").mkdir()
    assert run(listing, "score").num_media_unread == 1
    assert rows(store)["media_path"].to_list() == ["folder"]


def test_a_medium_that_has_grown_too_large_to_be_read_keeps_the_digest_of_its_size_and_time(
    run: Ingest, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = listed(row("a"), row("b"))
    first = run(listing, "score")
    monkeypatch.setattr(media_digests, "MAX_MEDIUM_BYTES", 4)
    assert run(listing, "score").videos_commit == first.videos_commit


def test_a_failing_disk_is_reported_before_it_takes_the_digests_away_and_a_rerun_reads_what_is_left(
    store: Store, run: Ingest, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = listed(*(row(f"v{number:02d}") for number in range(100)))
    real, sha256, read = os.open, media_files.sha256, []

    def failing(path: Path, *given: int, **named: int) -> int:
        if Path(path).suffix == ".mp4" and Path(path).name < "v21.mp4":
            raise OSError(errno.EIO, "input/output error")
        return real(path, *given, **named)

    def recorded(path: Path) -> str:
        read.append(path.name)
        return sha256(path)

    monkeypatch.setattr(os, "open", failing)
    with pytest.raises(
        Invalid, match=r"21 of 100 media .* 'v00\.mp4' cannot be read: its disk fails, or"
    ) as refused:
        run(listing, "score")
    monkeypatch.setattr(os, "open", real)
    assert "v03" not in str(refused.value)
    assert tables.video_partitions(store) == []
    monkeypatch.setattr(media_files, "sha256", recorded)
    assert run(listing, "score").num_media_unread == 0
    assert sorted(read) == [f"v{number:02d}.mp4" for number in range(21)]
    assert rows(store)["media_sha256"].null_count() == 0


def test_categories_of_a_partition_that_is_not_labeled_are_set_aside(
    store: Store, run: Ingest, listed: Listed
) -> None:
    summary = run(listed(row("a", category_id="0000"), row("b")), "unlabeled")
    assert (summary.num_labels, summary.num_labels_set_aside) == (0, 1)
    assert tables.read_labels(store, "p") is None
    assert split.frozen_salt(store) is None


WRONG_ROWS = [
    (
        [row("a", category_id="0000"), row("a", category_id="0001")],
        r"rows 1 and 2 both list video a: keep one",
    ),
    ([row("a", category_id="0000"), row("b")], r"row 2: video b has no category_id"),
    (
        [row("b", category_id="0200"), row("a", category_id="0000")],
        r"row 1: category_id '0200' is not in .* letters:",
    ),
    (
        [row("a", category_id="0000"), row("b", category_id="1")],
        r"row 2: category_id '1' is .* letters, but '0001' is:",
    ),
    ([row("a", category_id="0000"), row("b", title=7)], r"row 2, field title: 7 is not text"),
    (
        [row("a", category_id="0000"), row("b", category_id="0000", annotator="A\x1bda")],
        r"row 2, field annotator: 'A\\x1bda' is not a name",
    ),
    (
        [row("a", category_id="0000"), row("b", "../b.mp4")],
        r"row 2, field path: '\.\./b\.mp4' climbs with",
    ),
    ([row("a", category_id="0000"), row("b", "/etc/passwd")], r"row 2, field path: .* is outside"),
    (
        [row("a", category_id="0000"), row("b", "b\0.mp4")],
        r"row 2, field path: 'b\\x00\.mp4' is not a path",
    ),
]


@pytest.mark.parametrize(("rows_", "problem"), WRONG_ROWS)
def test_a_wrong_row_is_set_aside_counted_and_named(
    store: Store, run: Ingest, listed: Listed, rows_: list[dict[str, Any]], problem: str
) -> None:
    summary = run(
        listed(
            *rows_, missing=tuple(str(each["path"]) for each in rows_ if each["path"] != "a.mp4")
        )
    )
    assert (summary.num_videos, summary.num_labels, summary.num_rows_set_aside) == (1, 1, 1)
    assert re.search(rf"manifest\.jsonl, {problem}", summary.rows_set_aside[0])
    assert rows(store)["video_id"].to_list() == ["a"]
    labels = tables.read_labels(store, "p")
    assert labels is not None
    assert labels["category_id"].to_list() == [
        "0000"
    ]  # of a video that is listed twice, the first row stays
    noted = commits.head_attributes(store, Address(tables.VIDEOS, "p"))["set_aside"]
    assert noted == {"num_rows": 1, "first": list(summary.rows_set_aside)}


@pytest.mark.parametrize(("rows_", "problem"), WRONG_ROWS)
def test_a_strict_ingest_is_refused_by_one_wrong_row(
    store: Store, run: Ingest, listed: Listed, rows_: list[dict[str, Any]], problem: str
) -> None:
    paths = tuple(str(each["path"]) for each in rows_)
    with pytest.raises(Invalid, match=rf"manifest\.jsonl, {problem}"):
        run(listed(*rows_, missing=paths), strict=True)
    assert commits.datasets(store) == []


def test_rows_of_forgotten_videos_are_passed_over_counted_and_never_named(
    store: Store, run: Ingest, listed: Listed, now: datetime
) -> None:
    run(listed(row("a", category_id="0000"), row("b", category_id="0000")))
    commits.forget(store, commits.salted(store, ["b"]), VideoEraser(store, ["b"]), now)
    with pytest.raises(Conflict, match="forgotten"):
        run(listed(row("a", category_id="0000"), row("c", category_id="0000")))
    listing = listed(row("a", category_id="0000"), row("b"), row("b"), row("c", category_id="0100"))
    summary = run(listing, passed_over=PassedOver(commits.forgotten(store)))
    assert (summary.num_videos, summary.num_rows_forgotten, summary.num_rows_set_aside) == (2, 2, 0)
    assert rows(store)["video_id"].to_list() == ["a", "c"]
    assert sorted(rows_["media_path"].to_list() for rows_ in digests_of_media(store)) == [
        ["a.mp4"],
        ["a.mp4", "c.mp4"],
    ]


def digests_of_media(store: Store) -> list[pl.DataFrame]:
    every = commits.commits(store, "tables/media")
    return [tables.read_table(commit, "media.parquet") for commit in every]


def test_a_corrected_listing_leaves_no_note(store: Store, run: Ingest, listed: Listed) -> None:
    first = run(listed(row("a"), row("b", title=7)), "score")
    assert (first.num_rows_set_aside, first.changed) == (1, True)
    again = run(listed(row("a")), "score")
    assert again.videos_commit == first.videos_commit
    assert "set_aside" not in commits.head_attributes(store, Address(tables.VIDEOS, "p"))


@pytest.mark.parametrize(
    ("num_wrong", "num_all", "over"),
    [(20, 21, False), (21, 420, False), (21, 419, True), (3, 3, True), (21, 21, True)],
)
def test_the_failure_budget_bounds_what_is_set_aside(
    store: Store, run: Ingest, listed: Listed, num_wrong: int, num_all: int, over: bool
) -> None:
    listing = listed(
        *(
            row(f"v{number:03d}", "", title=7 if number < num_wrong else "")
            for number in range(num_all)
        )
    )
    if not over:
        summary = run(listing, "score")
        assert (summary.num_rows_set_aside, summary.num_videos) == (num_wrong, num_all - num_wrong)
        assert len(summary.rows_set_aside) == 20
        return
    with pytest.raises(
        Invalid, match=rf"{num_wrong} of {num_all} rows of .* are wrong.*nothing is published"
    ) as refused:
        run(listing, "score")
    assert re.findall(r"row (\d+), field title: 7 is not text", str(refused.value)) == [
        "1",
        "2",
        "3",
    ]
    assert commits.datasets(store) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"taxonomy": None}, "labeled partition p needs a taxonomy"),
        ({"partition": "../p"}, "partition name '../p'"),
        ({"media_root": Path("/nowhere")}, "media root /nowhere is not a folder"),
        ({"media_root": Path("/" + LONG_NAME)}, "media root /n+ is not a folder"),
    ],
)
def test_wrong_listing_publishes_nothing(
    store: Store, run: Ingest, listed: Listed, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Invalid, match=problem):
        run(listed(row("a", category_id="0000")), **changes)
    assert commits.datasets(store) == []


def test_a_listing_without_paths_is_text_alone(store: Store, run: Ingest, listed: Listed) -> None:
    listing = listed(row("a"))
    listing.write_text('{"video_id": "a", "title": "x"}\n{"video_id": "b", "title": "y"}\n')
    summary = run(listing, "unlabeled")
    assert (summary.num_videos, summary.num_media_missing) == (2, 2)
    assert rows(store)["content_sha256"].equals(rows(store)["text_sha256"].rename("content_sha256"))


@pytest.mark.parametrize(
    ("fails", "sentence"),
    [
        ("digest_media", "published: nothing; not published: videos, labels and split"),
        ("publish_videos", "published: nothing; not published: videos, labels and split"),
        ("publish_labels", "published: videos; not published: labels and split"),
        ("freeze_salt", "published: videos and labels; not published: split"),
    ],
)
def test_an_ingest_that_fails_between_its_tables_says_so_and_a_rerun_completes_it(
    store: Store,
    run: Ingest,
    listed: Listed,
    monkeypatch: pytest.MonkeyPatch,
    fails: str,
    sentence: str,
) -> None:
    listing = listed(row("a", category_id="0000"))

    def full(*_: Any, **__: Any) -> None:
        raise Retryable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(ingestion, fails, full)
        with pytest.raises(
            Retryable,
            match=(
                f"the disk is full; {sentence}, which the same ingest completes when it is run"
                " again"
            ),
        ):
            run(listing)
    assert run(listing).changed == (fails != "freeze_salt")
    assert tables.read_labels(store, "p") is not None
    assert split.frozen_salt(store) is not None


def test_listing_whose_media_are_all_elsewhere_is_refused(
    store: Store, run: Ingest, listed: Listed
) -> None:
    with pytest.raises(
        Invalid, match=r"none of the 1 media of .*manifest\.jsonl is under .*such as a\.mp4"
    ):
        run(listed(row("a"), missing=("a.mp4",)), "score")
    assert commits.datasets(store) == []


def test_unstorable_text_is_stored(store: Store, run: Ingest, listed: Listed) -> None:
    run(listed(row("a", title="\ud83d x \0", ocr=[{"time": 1, "text": "\udfff"}])), "score")
    assert rows(store)["title"].to_list() == ["\ufffd x \ufffd"]
    assert commits.head(store, Address(tables.VIDEOS, "p")) is not None
