"""Takes videos out of commits: tables, features, predictions, and what is known of partitions."""

import html
import re
from collections.abc import Collection, Mapping
from typing import Any

import polars as pl

from featurestore.forgetting.listed_videos import FEATURES
from featurestore.progress import ledger
from featurestore.progress.ledger import LEDGER_FILE
from featurestore.progress.reasons import OK
from featurestore.views import registry
from featurestore.views.heads import input_sha256, listed_columns, listing_of
from warehouse import commits, tables
from warehouse.commits import Address, Commit, Rest
from warehouse.ingest.media_digests import MEDIA
from warehouse.store import Store
from warehouse.tables import parquet

_REPORTS = "reports"
_NOTICE = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Report</title>
<p>The report that stood here showed a video that was forgotten since: make it again.</p></html>
"""
_DIGESTS = ("media_sha256", "text_sha256", "content_sha256")


class VideoEraser:
    """The `commits.Eraser` of videos.

    Args:
        store: The store.
        video_ids: The videos.
    """

    def __init__(self, store: Store, video_ids: Collection[str]) -> None:
        self._store, self._ids = store, sorted(video_ids)
        words = "|".join(re.escape(each) for each in self._ids)
        self._named = re.compile(rf"(?<!\w)(?:{words})(?!\w)")

    def rest_of(self, commit: Commit, renamed: Mapping[str, str]) -> Rest | None:
        """As `commits.Eraser.rest_of`."""
        dataset = commit.address.dataset
        if dataset == _REPORTS:
            return self._rest_of_report(commit)
        if commit.address.partition is None:  # recipes, snapshots, models: no rows of videos
            return None
        if dataset.startswith(FEATURES):
            return self._rest_of_features(commit)
        if dataset == tables.VIDEOS:
            files = tables.without(commit, "videos", self._ids)
        elif dataset == tables.LABELS:
            files = tables.without(commit, "labels", self._ids)
        elif dataset == MEDIA:
            files = self._media_files(commit)
        elif dataset.startswith(f"{tables.PREDICTIONS}/") and self._holds(commit):
            files = tables.predictions_without(commit, self._ids, renamed)
        else:
            files = {}
        if not files:
            return None
        num_rows = sum(_num_rows(payload) for payload in files.values() if payload is not None)
        return Rest(files, num_rows, commit.facts, commits.read_provenance(commit))

    def attributes_of(self, commit: Commit, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """As `commits.Eraser.attributes_of`."""
        rest = self._scrubbed(commit.address.partition, attributes)
        if "failures" not in rest or LEDGER_FILE not in commit.files:
            return rest
        gone = self._ledger(commit).filter(self._is_here())
        counts = dict(gone.group_by("content_sha256").len().iter_rows())
        return {
            **rest,
            "failures": {
                kind: {
                    content: {**failed, "videos": max(1, failed["videos"] - counts.get(content, 0))}
                    for content, failed in entries.items()
                }
                for kind, entries in rest["failures"].items()
            },
        }

    def redacted(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """As `commits.Eraser.redacted`."""
        changed = dict(entry)
        if "attributes" in entry:
            changed["attributes"] = self._scrubbed(entry["partition"], entry["attributes"])
        for key in ("heads", "redacted"):
            if key in entry:
                changed[key] = [self.redacted(each) for each in entry[key]]
        return changed

    def _rest_of_report(self, commit: Commit) -> Rest | None:
        """A page that shows one of the videos gives way to a notice."""
        shown = {
            name: _NOTICE
            for name in commit.files
            if self._named.search(html.unescape(commits.read_bytes(commit, name).decode()))
        }
        provenance = commits.read_provenance(commit)
        return Rest(shown, commit.num_rows, commit.facts, provenance) if shown else None

    def _is_here(self) -> pl.Expr:
        return pl.col("video_id").is_in(self._ids)

    def _holds(self, commit: Commit) -> bool:
        ids = [rows.select("video_id") for rows in tables.scan_predictions(commit)]
        return bool(pl.concat(ids).filter(self._is_here()).select(pl.len() > 0).collect().item())

    def _media_files(self, commit: Commit) -> dict[str, bytes | None]:
        """The digests of media, without those that only these videos name."""
        paths, others = set[str](), set[str]()
        for listing in self._listings(commit.address.partition):
            rows = tables.read_table(listing, "videos.parquet", ["video_id", "media_path"])
            named = rows.drop_nulls()
            paths |= set(named.filter(self._is_here())["media_path"])
            others |= set(named.filter(~self._is_here())["media_path"])
        path = commits.verified_path(commit, "media.parquet")
        payload = parquet.without(path, "media_path", paths - others)
        return {} if payload is None else {"media.parquet": payload}

    def _listings(self, partition: str | None) -> list[Commit]:
        every = commits.commits(self._store, tables.VIDEOS)
        place = Address(tables.VIDEOS, partition)
        return [each for each in every if each.address == place and each.is_there]

    def _ledger(self, commit: Commit) -> pl.DataFrame:
        return pl.read_parquet(commits.verified_path(commit, LEDGER_FILE))

    def _rest_of_features(self, commit: Commit) -> Rest | None:
        before = self._ledger(commit)
        after = before.filter(~self._is_here())
        if len(after) == len(before):
            return None
        files: dict[str, bytes | None] = {LEDGER_FILE: ledger.encode(_moved_up(after))}
        view = commit.address.dataset.split("/")[1]
        if len(commit.files) > 1:  # a refused ledger stands alone
            files |= registry.find(view).without(commit, self._ids)
        outcomes = ledger.count_outcomes(after)
        changed = {"outcomes": outcomes, "input_sha256": self._input_sha256(view, commit)}
        facts = commit.facts | {key: changed[key] for key in changed if key in commit.facts}
        num_rows = outcomes.get(OK, 0) if len(commit.files) > 1 else len(after)
        return Rest(files, num_rows, facts, self._provenance(commit))

    def _input_sha256(self, view: str, commit: Commit) -> str:
        """What was read of the listing without these videos, in so far as it is known."""
        before = str(commit.facts.get("input_sha256", ""))
        listing = listing_of(self._store, commit)
        for each in self._listings(commit.address.partition) if listing is None else [listing]:
            videos = tables.read_table(each, "videos.parquet", listed_columns(view))
            if input_sha256(view, videos) == before:
                return input_sha256(view, videos.filter(~self._is_here()))
        return before

    def _provenance(self, commit: Commit) -> dict[str, Any]:
        """What is kept beside a commit, whose warnings name a few videos."""
        provenance = commits.read_provenance(commit)
        warnings = dict[str, Any]()
        for name, warned in provenance.get("warnings", {}).items():
            kept = [each for each in warned["video_ids"] if each not in self._ids]
            num_videos = warned["videos"] - (len(warned["video_ids"]) - len(kept))
            if num_videos:
                warnings[name] = {"videos": num_videos, "video_ids": kept}
        return {**provenance, "warnings": warnings} if "warnings" in provenance else provenance

    def _scrubbed(self, partition: str | None, attributes: Mapping[str, Any]) -> dict[str, Any]:
        rest = dict(attributes)
        if "set_aside" in rest:
            first = [each for each in rest["set_aside"]["first"] if not self._named.search(each)]
            rest["set_aside"] = {**rest["set_aside"], "first": first}
        if "failures" in rest:
            gone = self._contents(partition)
            rest["failures"] = {
                kind: {key: failed for key, failed in entries.items() if key not in gone}
                for kind, entries in rest["failures"].items()
            }
        return rest

    def _contents(self, partition: str | None) -> set[str]:
        """Digests of what these videos of a partition are, and no other of it is."""
        gone, others = set[str](), set[str]()
        for listing in self._listings(partition):
            rows = tables.read_table(listing, "videos.parquet", ["video_id", *_DIGESTS])
            for name in _DIGESTS:
                gone |= set(rows.filter(self._is_here())[name])
                others |= set(rows.filter(~self._is_here())[name])
        return gone - others


def _moved_up(rows: pl.DataFrame) -> pl.DataFrame:
    """Number the rows of each shard anew: they count up as the ids do."""
    place = pl.int_range(pl.len(), dtype=pl.Int32).over("shard")
    return rows.with_columns(row=pl.when(pl.col("row").is_not_null()).then(place))


def _num_rows(payload: bytes) -> int:
    return int(pl.scan_parquet(payload).select(pl.len()).collect().item())
