from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from featurestore.progress.ledger import LEDGER_FILE, Ledger, count_outcomes
from featurestore.progress.plan import Work, plan_view
from featurestore.progress.throughput import Estimate, estimate, measure
from featurestore.views import registry
from featurestore.views.heads import address, input_sha256
from warehouse import commits, tables
from warehouse.identifiers import Role
from warehouse.tables import VideoPartition

WANTED, OTHER = "a" * 64, "b" * 64


class Planned:
    """Lists videos by their numbers and publishes ledgers of them, made up."""

    def __init__(self, partitions: Any) -> None:
        self.partitions, self.store = partitions, partitions.store

    def list(
        self, contents: dict[int, int], role: Role = "unlabeled", name: str = "day"
    ) -> VideoPartition:
        """Publish a listing: the number of each video's bytes and text by the number of its id.

        -1 for no medium.
        """
        schema = tables.Videos.create_empty().schema
        rows = pl.DataFrame(
            [self.row(number, made_of) for number, made_of in contents.items()], schema=schema
        )
        tables.publish_videos(self.store, name, role, rows, Path("media"), self.partitions.now)
        return tables.video_partition(self.store, name)

    def row(self, number: int, made_of: int) -> dict[str, object]:
        digests = self.partitions.video(max(made_of, 0))
        medium = (
            {} if made_of >= 0 else {"media_sha256": None, "media_path": None, "media_kind": None}
        )
        return {**digests, "video_id": f"v{number:04d}", **medium}

    def commit(
        self,
        listed: VideoPartition,
        fingerprint: str = WANTED,
        *,
        view: str = "frames",
        failed: tuple[int, ...] = (),
        reason: str = "decode_timeout",
        previews: bool = True,
        provenance: dict[str, Any] | None = None,
    ) -> None:
        videos = tables.read_videos(listed)
        bad = pl.col("video_id").is_in([f"v{number:04d}" for number in failed])
        place = pl.when(~bad).then(pl.int_range(pl.len(), dtype=pl.Int32))
        ledger = videos.select(
            "video_id",
            content_sha256=registry.find(view).content_column,
            outcome=pl.when(bad).then(pl.lit(reason)).otherwise(pl.lit("ok")),
            detail=pl.lit(None, pl.String),
            shard=pl.when(~bad).then(pl.lit(0, pl.Int32)),
            row=place,
        )
        commits.publish_files(
            self.store,
            address(view, fingerprint, listed.name),
            {LEDGER_FILE: tables.to_parquet(Ledger.validate(ledger))},
            commits.Draft(
                facts={
                    "input_sha256": input_sha256(view, videos),
                    "previews": previews,
                    "outcomes": count_outcomes(ledger),
                },
                num_rows=len(ledger) - len(failed),
                provenance={"made_from": {"videos": listed.commit.id}} | (provenance or {}),
            ),
            self.partitions.now,
        )

    def plan(
        self, listed: VideoPartition, view: str = "frames", fingerprint: str | None = WANTED
    ) -> Work:
        return plan_view(self.store, view, fingerprint, listed)


@pytest.fixture
def planned(partitions: Any) -> Planned:
    return Planned(partitions)


@pytest.mark.parametrize("fingerprint", [None, WANTED])
def test_what_was_never_committed_is_new(planned: Planned, fingerprint: str | None) -> None:
    work = planned.plan(planned.list({1: 1, 2: 1, 3: 3, 4: -1}), fingerprint=fingerprint)
    assert not work.is_current
    assert (work.listed, work.reasons, work.reused, work.contents) == (4, {"new": 4}, 0, 2)


def test_nothing_is_read_of_partitions_that_share_no_content(planned: Planned) -> None:
    for number, name in enumerate(("near", "far")):
        planned.commit(planned.list({number: number}, name=name))
    far = tables.video_partition(planned.store, "far")
    (far.commit.folder / "videos.parquet").unlink()
    work = planned.plan(planned.list({2: 0, 3: 3}))
    assert (work.reasons, work.reused, work.contents) == ({"new": 1}, 1, 1)


def test_what_is_up_to_date_leaves_nothing_but_a_retry(planned: Planned) -> None:
    listed = planned.list({1: 1, 2: 2, 3: 3})
    planned.commit(listed, failed=(2,))
    work = planned.plan(listed)
    assert work.is_current
    assert (work.reasons, work.contents) == ({"retryable": 1}, 0)


@pytest.mark.parametrize(
    ("reason", "reasons"), [("decode_timeout", {"retryable": 1}), ("not_media", {})]
)
def test_a_changed_listing_is_counted_by_reason(
    planned: Planned, reason: str, reasons: dict[str, int]
) -> None:
    planned.commit(planned.list({1: 1, 2: 2, 3: 3}), failed=(3,), reason=reason)
    work = planned.plan(planned.list({1: 1, 2: 20, 3: 3, 4: 4}))
    assert work.reasons == {"new": 1, "changed_bytes": 1, **reasons}
    assert work.contents == 2 + len(reasons)


def test_what_only_another_recipe_has_is_a_changed_fingerprint_unless_its_bytes_changed_too(
    planned: Planned,
) -> None:
    planned.commit(planned.list({1: 1, 2: 2}), OTHER)
    assert planned.plan(planned.list({1: 1, 2: 20, 3: 3})).reasons == {
        "changed_fingerprint": 1,
        "changed_bytes": 1,
        "new": 1,
    }


def test_contents_that_the_recipe_holds_elsewhere_are_reused_and_not_counted(
    planned: Planned,
) -> None:
    planned.commit(planned.list({1: 1, 2: 2, 3: 3}, name="earlier"), failed=(2,))
    work = planned.plan(planned.list({11: 1, 12: 2, 14: 4}))
    assert (work.reasons, work.reused, work.contents) == ({"new": 2}, 1, 2)


def test_a_text_partition_is_made_again_whole(planned: Planned) -> None:
    planned.commit(planned.list({1: 1, 2: 2}), view="text")
    work = planned.plan(planned.list({1: 1, 2: 20, 3: 1}), view="text")
    assert (work.reasons, work.reused, work.contents) == ({"new": 1, "changed_bytes": 1}, 0, 3)


def test_previews_are_asked_for_by_a_new_role_and_bare_contents_are_not_reused(
    planned: Planned,
) -> None:
    planned.commit(planned.list({1: 1, 2: 2}), previews=False)
    assert planned.plan(planned.list({1: 1, 2: 2}, "score")).reasons == {"no_preview": 2}
    assert planned.plan(planned.list({11: 1}, "score", "other")).reasons == {"new": 1}
    assert planned.plan(planned.list({11: 1}, "unlabeled", "other")).reused == 1


def test_a_listing_read_anew_without_a_change_of_media_is_up_to_date(planned: Planned) -> None:
    earlier = planned.list({1: 2})
    listed = planned.list({1: 1})
    planned.commit(listed, provenance={"made_from": {"videos": earlier.commit.id}})
    assert planned.plan(listed).is_current


def test_nothing_is_known_before_anything_was_extracted(planned: Planned) -> None:
    work = planned.plan(planned.list({1: 1}))
    found = estimate(work, measure(planned.store, "frames", WANTED))
    assert (found.seconds, found.size_bytes) == (None, None)


def test_an_estimate_takes_contents_by_their_past_seconds_and_the_listing_by_its_past_bytes(
    planned: Planned,
) -> None:
    planned.commit(
        planned.list({1: 1, 2: 2}, name="first"), provenance={"seconds": 30.0, "num_extracted": 2}
    )
    planned.commit(
        planned.list({3: 3}, name="second"), provenance={"seconds": 30.0, "num_extracted": 1}
    )
    throughput = measure(planned.store, "frames", WANTED)
    assert throughput.seconds_per_content == 20.0
    written = sum(
        entry.size_bytes
        for commit in commits.commits(planned.store, address("frames", WANTED).dataset)
        for entry in commit.files.values()
    )
    work = planned.plan(planned.list({4: 4, 5: 4, 6: 1}))
    assert estimate(work, throughput) == Estimate(20.0, written, is_of_recipe=True)
    assert estimate(replace(work, is_current=True), throughput) == Estimate(
        0.0, 0, is_of_recipe=True
    )


def test_another_recipes_past_is_taken_where_there_is_no_own_and_said(planned: Planned) -> None:
    planned.commit(
        planned.list({1: 1}, name="first"), OTHER, provenance={"seconds": 7.0, "num_extracted": 1}
    )
    found = estimate(planned.plan(planned.list({2: 2})), measure(planned.store, "frames", WANTED))
    assert found.seconds == 7.0
    assert not found.is_of_recipe


def test_a_partition_made_of_reused_contents_alone_takes_no_time(planned: Planned) -> None:
    planned.commit(
        planned.list({1: 1}, name="first"), provenance={"seconds": 0.0, "num_extracted": 0}
    )
    found = estimate(planned.plan(planned.list({2: 1})), measure(planned.store, "frames", WANTED))
    assert found.seconds == 0.0
