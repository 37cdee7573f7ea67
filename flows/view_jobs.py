"""One view of one partition under one recipe: its chunks, each made, checked and kept, and their commit."""

import functools
import json
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from featurestore import health, ledger, wanted
from featurestore.ledger import LEDGER_FILE, Ledger
from featurestore.reasons import OK, RETRYABLE, Reason
from featurestore.spec import View
from featurestore.views import CONTENTS, address, input_sha256, refused_address, wants_previews
from flows.chunk_makers import ChunkMaker, FrameMaker, Kept, TextMaker
from flows.settings import Settings, load_settings
from warehouse import commits, files, tables
from warehouse.commits import Commit
from warehouse.errors import Retryable
from warehouse.store import Store, open_existing_store
from warehouse.tables import VideoPartition

_NOTES = {"tried": pl.Boolean, "attempts": pl.Int32}
"""What a chunk's rows also note until they are published: whether the video was read, and how often it has failed."""


class ViewJob:
    """The work on one view of one partition; what a killed run finished is kept.

    Args:
        store: where the videos and the commit lie.
        settings: say how many processes decode.
        view: frames or text.
        fingerprint: of the recipe, 64 hexadecimal digits.
        partition: what is listed.
        now: the time of the pending row, UTC.
        retry: the reasons that are tried again in the head, of which all else is kept; None to extract all that is
            listed.
        clock: seconds that only ever rise.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        view: View,
        fingerprint: str,
        partition: VideoPartition,
        now: datetime,
        retry: Sequence[Reason] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._view, self._fingerprint, self._partition = store, view, fingerprint, partition
        self._clock, self._timing, self._counted_until = clock, threading.Lock(), -math.inf
        listed = tables.videos(partition, ["video_id", *sorted({"media_sha256", "content_sha256", "text_sha256"})])
        self._listed = listed.select("video_id", content_sha256=CONTENTS[view])
        self._facts: dict[str, Any] = {"fingerprint": fingerprint, "input_sha256": input_sha256(view, listed)}
        if view == "frames":
            self._facts |= {"previews": wants_previews(partition)}
        place = address(view, fingerprint, partition.name)
        self._head = commits.head(store, place)
        self._again = tuple(RETRYABLE if retry is None else retry)
        # Equal keys must mean equal files: a retry keeps what its head holds.
        built_upon = [] if retry is None or self._head is None else [self._head.id, *self._again]
        key = files.sha256_bytes(files.canonical_json([self._facts, built_upon]))
        self._staging = commits.stage(store, place, key, now)
        # The chunks' notes only mark them as done: they are staged apart, and never published.
        self._notes = commits.stage(store, place, f"{key}-notes", now)
        self._maker: ChunkMaker = (
            FrameMaker(store, settings, partition, fingerprint, None if retry is None else self._head, self._again)
            if view == "frames"
            else TextMaker(store, settings, partition, fingerprint)
        )

    @property
    def num_videos(self) -> int:
        """Listed videos."""
        return len(self._listed)

    @property
    def num_chunks(self) -> int:
        """Tasks to run."""
        return len(self._maker.chunks)

    def make(self, index: int) -> int:
        """Make, check and keep the files of one chunk, unless they are there already; returns how many videos it has.

        A chunk in which a video failed for a reason that may pass is made again.

        Raises:
            Corrupt: a video's features must not be published; the chunk is not kept.
        """
        kept = self._kept(index)
        if kept is None or kept.filter("tried", pl.col("outcome").is_in(list(self._again))).height:
            self._make(index, kept)
        return len(self._maker.chunks[index])

    def _make(self, index: int, kept: pl.DataFrame | None) -> None:
        started, spent = self._clock(), self._spent(index)
        standing = None if kept is None else kept.filter(~pl.col("outcome").is_in(list(self._again)))
        made = self._maker.make(index, Kept(self._staging.folder, standing) if standing is not None else None)
        for name, payload in made.files.items():
            self._staging.write(name, payload)
        traits = self._maker.check(index, {name: self._staging.folder / name for name in made.files}, made.ledger)
        self._notes.write(_name("traits", index), tables.to_parquet(traits))
        spent = {
            "files": sorted(made.files),
            "seconds": spent["seconds"] + self._seconds_since(started),
            "num_extracted": spent["num_extracted"] + made.num_extracted,
            "jail": _held_in_all([spent["jail"], made.jail]),
        }
        self._notes.write(_name("spent", index), files.canonical_json(spent))
        rows = made.ledger.with_columns(tried=pl.col("video_id").is_in(list(made.tried)))
        # The ledger's rows come last, for they say that the chunk is done.
        self._notes.write(_name("ledger", index), tables.to_parquet(self._with_attempts(rows, kept)))

    def _seconds_since(self, started: float) -> float:
        """Seconds since then that no chunk finished earlier has counted: two are made at the same time."""
        with self._timing:
            now = self._clock()
            seconds, self._counted_until = now - max(started, self._counted_until), now
        return seconds

    def publish(self, now: datetime) -> Commit:
        """Publish all chunks as one commit.

        Raises:
            Corrupt: the ledger and the listed videos disagree.
            Retryable: the failure budget is spent; the ledger alone is published, for status to show.
        """
        chunks = [self._note("ledger", index) for index in range(self.num_chunks)]
        noted = pl.concat([pl.DataFrame(schema={**Ledger.create_empty().schema, **_NOTES}), *chunks])
        rows_by_shard = [len(self._note("traits", index)) for index in range(self.num_chunks)]
        whole = ledger.check(noted.drop(*_NOTES), self._listed, rows_by_shard)
        failing = noted.filter(ledger.may_pass()).sort("video_id")
        attributes = {"attempts": dict(failing.select("video_id", "attempts").iter_rows())}
        self._facts |= {"outcomes": ledger.count_outcomes(whole)}
        if ledger.over_budget(whole):
            self._refuse(whole, attributes, now)
        self._staging.write(LEDGER_FILE, tables.to_parquet(whole))
        commit = commits.publish(
            self._store,
            self._staging,
            facts={
                **self._facts,
                "made_from": {"spec": wanted.spec_commit(self._store, self._view, self._fingerprint).id},
            },
            num_rows=self._facts["outcomes"].get(OK, 0),
            provenance=self._provenance(),
            now=now,
            attributes=attributes,
        )
        self._notes.discard()
        return commit

    def _refuse(self, whole: pl.DataFrame, attributes: dict[str, Any], now: datetime) -> None:
        outcomes = self._facts["outcomes"]
        commits.publish_files(
            self._store,
            refused_address(self._view, self._fingerprint, self._partition.name),
            {LEDGER_FILE: tables.to_parquet(whole)},
            facts=self._facts,
            num_rows=len(whole),
            provenance=self._provenance(),
            now=now,
            attributes=attributes,
        )
        failed = whole.filter(ledger.may_pass()).height
        reasons = ", ".join(f"{count} {reason}" for reason, count in outcomes.items() if reason != OK)
        raise Retryable(
            f"{failed} of {len(whole)} videos of {self._partition.name} failed for reasons that may pass ({reasons}); "
            f"{self._view} is not published: mend the cause, see reelstore status, and run extract-features again"
        )

    def _provenance(self) -> dict[str, Any]:
        spent = [self._spent(index) for index in range(self.num_chunks)]
        traits = [self._note("traits", index) for index in range(self.num_chunks)]
        jail = _held_in_all([chunk["jail"] for chunk in spent])
        return {
            **({"jail": jail} if jail else {}),
            "seconds": round(sum(chunk["seconds"] for chunk in spent), 3),
            "num_extracted": sum(chunk["num_extracted"] for chunk in spent),
            "warnings": health.warnings(pl.concat([pl.DataFrame(schema=health.TRAITS), *traits])),
            "made_from": {"videos": self._partition.commit.id},
        }

    def _with_attempts(self, rows: pl.DataFrame, kept: pl.DataFrame | None) -> pl.DataFrame:
        before = self._committed_attempts if kept is None else kept.select("video_id", "attempts")
        counted = rows.join(before, on="video_id", how="left", maintain_order="left")
        return counted.with_columns(pl.col("attempts").fill_null(0) + pl.col("tried"))

    @functools.cached_property
    def _committed_attempts(self) -> pl.DataFrame:
        given = {} if self._head is None else commits.head_attributes(self._store, self._head.address)
        attempts = given.get("attempts", {})
        rows = pl.DataFrame({"video_id": list(attempts), "attempts": list(attempts.values())}, schema=_ATTEMPTS)
        if self._head is None or not attempts:
            return rows
        # Other bytes under the same id have not failed yet.
        known = tables.read_table(self._head, LEDGER_FILE, ["video_id", "content_sha256"])
        same = known.join(self._listed, on=["video_id", "content_sha256"])
        return rows.join(same, on="video_id", how="semi")

    def _kept(self, index: int) -> pl.DataFrame | None:
        if not self._notes.has(_name("ledger", index)):
            return None
        whole = all(self._staging.has(name) for name in self._spent(index)["files"])
        return self._note("ledger", index) if whole else None

    def _note(self, kind: str, index: int) -> pl.DataFrame:
        return pl.read_parquet(self._notes.read(_name(kind, index)))

    def _spent(self, index: int) -> dict[str, Any]:
        name = _name("spent", index)
        spent: dict[str, Any] = {"files": [], "seconds": 0.0, "num_extracted": 0, "jail": {}}
        return {**spent, **json.loads(self._notes.read(name))} if self._notes.has(name) else spent


def _held_in_all(jails: Sequence[Mapping[str, bool]]) -> dict[str, bool]:
    """The layers of the decoding workers' jail that held whenever something was decoded."""
    return {layer: all(jail.get(layer, False) for jail in jails if jail) for layer in sorted(set().union(*jails))}


_ATTEMPTS = {"video_id": pl.String, "attempts": pl.Int32}


@functools.lru_cache(maxsize=2)
def view_job(
    config_root: Path,  # noqa: ARG001 - the arguments are what tells jobs apart
    view: View,
    fingerprint: str,
    partition: str,
    videos_commit: str,  # noqa: ARG001 - as above
    retry: tuple[Reason, ...] | None,
) -> ViewJob:
    """The job that all tasks of one process on one view of one partition share, until it is published."""
    settings = load_settings()
    store = open_existing_store(settings.root, settings.catalog_url)
    listed = tables.video_partition(store, partition)
    return ViewJob(store, settings, view, fingerprint, listed, datetime.now(UTC), retry)


def _name(kind: str, index: int) -> str:
    return f"{kind}-{index:05d}.{'json' if kind == 'spent' else 'parquet'}"
