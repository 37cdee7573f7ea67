"""One view of one partition under one recipe: its chunks, each made, checked and kept."""

import functools
import json
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from featurestore import wanted
from featurestore.extraction.making import NOTES, Kept, PartitionMaker
from featurestore.extraction.work_limits import WorkLimits
from featurestore.progress import failures, ledger
from featurestore.progress.ledger import LEDGER_FILE, Ledger
from featurestore.progress.reasons import OK, Reason
from featurestore.views import registry
from featurestore.views.feature_facts import FeatureFacts
from featurestore.views.heads import (
    address,
    input_sha256,
    listed_columns,
    present,
    refused_address,
)
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Retryable
from warehouse.limits import over_budget
from warehouse.storage import files
from warehouse.store import Store
from warehouse.tables import VideoPartition

_COUNTED = ["content_sha256", "kind", "caused"]
"""What attempts are counted by: a medium that was missing says nothing of what decoding it does."""


@dataclass(frozen=True)
class Request:
    """What is asked for: one view of one partition under one recipe."""

    view: str
    fingerprint: str
    """Of the recipe, 64 hexadecimal digits."""
    partition: str
    retry: tuple[Reason, ...] | None = None
    """The reasons that are tried again in the head, given up or not, of which all else is kept;
    none of them to try again what met a limit that is higher now; None to extract all that is
    listed."""


class ViewJob:
    """The work on one view of one partition; what a killed run finished is kept.

    Args:
        store: Where the videos and the commit lie.
        limits: On one video's work.
        request: What is asked for.
        partition: What is listed.
        make_partition: Makes the view under the recipe.
        now: The moment of the pending row, in UTC.
        clock: Seconds that only ever rise.
    """

    def __init__(
        self,
        store: Store,
        limits: WorkLimits,
        request: Request,
        partition: VideoPartition,
        make_partition: PartitionMaker,
        now: datetime,
        clock: Callable[[], float],
    ) -> None:
        view, fingerprint, retry = request.view, request.fingerprint, request.retry
        self._of_view = registry.find(view)
        content_column = self._of_view.content_column
        self._store, self._limits, self._partition = store, limits, partition
        self._view, self._fingerprint, self._again = view, fingerprint, retry
        self._clock, self._timing, self._counted_until = clock, threading.Lock(), -math.inf
        columns = {"media_path", content_column, *listed_columns(view)}
        listed = tables.read_videos(partition, sorted(columns))
        self._listed = listed.select("video_id", "media_path", content_sha256=content_column)
        self._facts = FeatureFacts(
            fingerprint=fingerprint,
            input_sha256=input_sha256(view, listed),
            **self._of_view.facts(partition),
        )
        place = address(view, fingerprint, partition.name)
        self._head = commits.head(store, place)
        # Equal keys must mean equal files: a retry keeps what its head holds.
        built_upon = [] if retry is None or self._head is None else [self._head.id, *retry]
        key = files.sha256_bytes(files.canonical_json([self._facts.to_json(), built_upon]))
        self._staging = commits.stage(store, place, key, now)
        # The chunks' notes only mark them as done: they are staged apart, and never published.
        self._notes = commits.stage(store, place, f"{key}-rows", now)
        self._maker = make_partition(partition, None if retry is None else self._head, retry)

    def num_videos(self, indices: Sequence[int]) -> int:
        """Count the listed videos of some chunks."""
        return sum(len(self._maker.chunks[index]) for index in indices)

    @property
    def num_chunks(self) -> int:
        """Tasks to run."""
        return len(self._maker.chunks)

    def beat(self) -> None:
        """Say that this run is going on."""
        self._staging.beat()
        self._notes.beat()

    def make(self, index: int, *, is_tried: bool = False) -> int:
        """Make, check and keep the files of one chunk, unless they are there already.

        A chunk in which a video failed for a reason that may pass is made again.

        Args:
            index: Of the chunk.
            is_tried: True where this run has made the chunk, elsewhere: such a video is not tried
                once more.

        Returns:
            How many videos it has.

        Raises:
            Corrupt: a video's features must not be published; the chunk is not kept.
        """
        kept = self._kept(index)
        if kept is None or (not is_tried and kept.filter(self._is_due()).height):
            self._make(index, kept)
        return len(self._maker.chunks[index])

    def _is_due(self) -> pl.Expr:
        """Whether a kept row is made again.

        It has a medium, and its failure may pass, as far as this job tries it.
        """
        return pl.col("kind").is_not_null() & failures.is_due(self._again, self._limits)

    def _make(self, index: int, kept: pl.DataFrame | None) -> None:
        started, spent = self._clock(), self._spent(index)
        standing = None
        if kept is not None:
            paths = {name: self._staging.path_of(name) for name in spent["files"]}
            standing = Kept(paths, kept.filter(~self._is_due()))
        made = self._maker.make(index, standing)
        for name, payload in made.files.items():
            self._staging.write(name, payload)
        traits = self._maker.check(
            index, {name: self._staging.path_of(name) for name in made.files}, made.ledger
        )
        self._notes.write(_name("traits", index), tables.to_parquet(traits))
        spent = {
            "files": sorted(made.files),
            "seconds": spent["seconds"] + self._seconds_since(started),
            "num_extracted": spent["num_extracted"] + made.num_extracted,
            "jail": _held_in_all([spent["jail"], made.jail]),
        }
        self._notes.write(_name("spent", index), files.canonical_json(spent))
        # The ledger's rows come last, for they say that the chunk is done.
        self._notes.write(_name("ledger", index), tables.to_parquet(self._noted(made.ledger, kept)))

    def _seconds_since(self, started: float) -> float:
        """Seconds since then that no chunk finished earlier has counted.

        Two are made at the same time.
        """
        with self._timing:
            now = self._clock()
            seconds, self._counted_until = now - max(started, self._counted_until), now
        return seconds

    def publish(self, now: datetime) -> Commit:
        """Publish all chunks as one commit.

        Raises:
            Corrupt: the ledger and the listed videos disagree.
            Retryable: the failure budget is spent; the ledger alone is published, for status to
                show.
        """
        chunks = [self._note("ledger", index) for index in range(self.num_chunks)]
        # What a run of an older Reelstore has left lacks the columns that came since.
        empty = pl.DataFrame(schema={**Ledger.create_empty().schema, **NOTES})
        noted = _finished(pl.concat([empty, *chunks], how="diagonal"))
        rows_by_shard = [len(self._note("traits", index)) for index in range(self.num_chunks)]
        whole = ledger.check(noted.drop(*NOTES), self._listed, rows_by_shard)
        attributes = failures.to_attributes(failures.of_rows(noted))
        outcomes = ledger.count_outcomes(whole)
        self._facts = self._facts.model_copy(update={"outcomes": outcomes})
        contents = self._contents(noted)
        num_failed = contents.filter("may_pass")["content"].n_unique()
        if over_budget(num_failed, contents["content"].n_unique()):
            raise self._refuse(whole, attributes, contents, now)
        self._staging.write(LEDGER_FILE, ledger.encode(whole))
        spec = wanted.spec_commit(self._store, self._view, self._fingerprint)
        commit = commits.publish(
            self._staging,
            commits.Draft(
                facts=self._facts.model_copy(update={"made_from": {"spec": spec.id}}),
                num_rows=outcomes.get(OK, 0),
                provenance=self._provenance(),
                attributes=attributes,
            ),
            now,
        )
        self._notes.discard()
        return commit

    def _contents(self, noted: pl.DataFrame) -> pl.DataFrame:
        """What the failure budget counts: each content once, however many videos have it.

        Without one, each path.
        """
        rows = noted.join(self._listed.select("video_id", "media_path"), on="video_id")
        name = pl.coalesce(
            pl.concat_str("kind", "content_sha256", separator=" "), "media_path", "video_id"
        )
        return rows.select("outcome", content=name, may_pass=failures.may_pass())

    def _refuse(
        self, whole: pl.DataFrame, attributes: dict[str, Any], contents: pl.DataFrame, now: datetime
    ) -> Retryable:
        commits.publish_files(
            self._store,
            refused_address(self._view, self._fingerprint, self._partition.name),
            {LEDGER_FILE: ledger.encode(whole)},
            commits.Draft(
                facts=self._facts,
                num_rows=len(whole),
                provenance=self._provenance(),
                attributes=attributes,
            ),
            now,
        )
        # The next run is another one: what failed in this one was tried once more.
        for index in range(self.num_chunks):
            rows = self._note("ledger", index)
            if rows.filter("tried", pl.col("outcome") != OK).height:
                self._notes.write(_name("ledger", index), tables.to_parquet(_finished(rows)))
        failed = contents.filter("may_pass")
        counts = failed.group_by("outcome").agg(pl.col("content").n_unique()).sort("outcome")
        reasons = ", ".join(f"{count} {reason}" for reason, count in counts.iter_rows())
        return Retryable(
            f"{failed['content'].n_unique()} of {contents['content'].n_unique()} contents of"
            f" {self._partition.name} failed for reasons that may pass ({reasons}); {self._view} is"
            " not published: mend the cause, see reelstore status, and run extract-features again"
        )

    def _provenance(self) -> dict[str, Any]:
        spent = [self._spent(index) for index in range(self.num_chunks)]
        schema = self._of_view.traits
        traits = [
            self._note("traits", index).select(list(schema)) for index in range(self.num_chunks)
        ]
        jail = _held_in_all([chunk["jail"] for chunk in spent])
        return {
            **({"jail": jail} if jail else {}),
            "seconds": round(sum(chunk["seconds"] for chunk in spent), 3),
            "num_extracted": sum(chunk["num_extracted"] for chunk in spent),
            "warnings": self._of_view.warnings(
                pl.concat([pl.DataFrame(schema=dict(schema)), *traits])
            ),
            "made_from": {"videos": self._partition.commit.id},
        }

    def _noted(self, rows: pl.DataFrame, kept: pl.DataFrame | None) -> pl.DataFrame:
        """Note how often what was tried now had failed before.

        A run that was killed and goes on is one run.
        """
        told_apart = rows.with_columns(caused=failures.is_caused())
        before = told_apart.join(self._attempts, on=_COUNTED, how="left", maintain_order="left")[
            "attempts_before"
        ]
        tried = set() if kept is None else set(kept.filter("tried")["video_id"])
        return rows.with_columns(
            attempts=pl.when("tried").then(before.fill_null(0)).otherwise("attempts"),
            tried=pl.col("tried") | pl.col("video_id").is_in(list(tried)),
        )

    @functools.cached_property
    def _attempts(self) -> pl.DataFrame:
        """The finished runs that tried each content and failed: published, or refused since."""
        known = [
            failures.of_head(self._store, head)
            for head in present([self._head, self._refused_since()])
        ]
        rows = pl.concat([pl.DataFrame(schema=failures.FAILURES), *known]).with_columns(
            caused=failures.is_caused()
        )
        return rows.group_by(_COUNTED).agg(attempts_before=pl.col("attempts").max())

    def _refused_since(self) -> Commit | None:
        """The refused ledger, if nothing was published after it.

        What has succeeded since has no attempts behind it.
        """
        places = [
            made(self._view, self._fingerprint, self._partition.name)
            for made in (address, refused_address)
        ]
        published, refused = (commits.head_moved_at(self._store, place) for place in places)
        is_over = published is not None and refused is not None and refused < published
        return None if is_over else commits.head(self._store, places[1])

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
    return {
        layer: all(jail.get(layer, False) for jail in jails if jail)
        for layer in sorted(set().union(*jails))
    }


def _finished(rows: pl.DataFrame) -> pl.DataFrame:
    """A chunk's rows at the end of a run: what was tried in it has one attempt more."""
    return rows.with_columns(
        attempts=pl.col("attempts") + pl.col("tried"), tried=pl.lit(value=False)
    )


def _name(kind: str, index: int) -> str:
    return f"{kind}-{index:05d}.{'json' if kind == 'spent' else 'parquet'}"
