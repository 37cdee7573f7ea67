"""Compares every number of a site with the store, as the store's own readers give it."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from featurestore.views.feature_facts import FeatureFacts
from featurestore.views.heads import address, current_commit
from modeling.models import drift_judgements, registry, scored_partitions, stored_decisions
from modeling.models.drift_judgements import DriftFacts
from modeling.models.model_facts import ClassifierFacts
from tests.week.model_numbers import check_model
from tests.week.site_pages import Page, read_page
from tests.week.site_tables import (
    Comparison,
    by_name,
    check_all_known,
    id_of,
    part,
    read_json,
    records,
    texts,
)
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.store import Store
from warehouse.tables import VideoPartition
from warehouse.tables.taxonomy import Taxonomy, parse_taxonomy

VIEWS = ("frames", "text")
_VIEW_COLUMNS = ("state", "with the view", "of listed")


class SiteNumbers:
    """The numbers that a site should show.

    Args:
        store: Which it shows.
        site: Its folder.
    """

    def __init__(self, store: Store, site: Path) -> None:
        self._store, self._site = store, site
        champion = registry.champion(store)
        assert champion is not None
        self._champion = champion
        self._taxonomy = _taxonomy(champion)
        self._scored = scored_partitions.of_model(store, champion.id)
        self._judged = {
            name: commit
            for name, commit in drift_judgements.of_model(store, champion.id).items()
            if DriftFacts.of(commit).verdict is not None
        }
        self.comparison = Comparison()

    def check(self) -> None:
        """Compare all pages.

        Raises:
            AssertionError: A page is missing, shows something else than the store has, or has a
                table that nothing is known of.
        """
        partitions = tables.video_partitions(self._store)
        models = [path.stem for path in sorted((self._site / "models").iterdir())]
        assert {path.stem for path in (self._site / "days").iterdir()} == {
            partition.name for partition in partitions
        }
        assert self._champion.id[:16] in models
        self._check_home(partitions)
        for partition in partitions:
            self._check_day(partition)
        for model in models:
            page = read_page(self._site / "models" / f"{model}.html")
            check_model(self._store, model, page, self.comparison)
        self._check_mistakes()

    def _check_home(self, partitions: list[VideoPartition]) -> None:
        page = read_page(self._site / "index.html")
        days = records(page, "days 0")
        rows = {partition.name: self._day_row(partition) for partition in partitions}
        shown = {row["partition"]: part(row, rows[row["partition"]]) for row in days}
        self.comparison.same(shown, rows, "the first page")
        num_videos = sum(partition.commit.num_rows for partition in partitions)
        top = f"{len(partitions):,} partitions, {num_videos:,} listed videos"
        assert any(line.startswith(top) for line in page.lines[""]), page.lines[""]
        models = {
            row["name"]: part(row, ("model", "recipe", "mean F1"))
            for row in records(page, "models 0")
        }
        self.comparison.same(models, self._model_rows(), "the first page, models")
        alarms = {
            line.partition(":")[0]
            for line in page.lines.get("alarms", [])
            if "drift. Alarm" in line
        }
        drifted = {name for name in self._judged if self._verdict(name) == "alarm"}
        self.comparison.same(alarms, drifted, "the first page, alarms")
        decided = list(reversed(stored_decisions.decisions(self._store)))[:5]
        outcomes = [line.split()[0] for line in page.lines["decisions"] if " UTC" in line]
        self.comparison.same(
            outcomes,
            [each.decision.outcome.split("_")[0] for each in decided],
            "the first page, decisions",
        )
        check_all_known(page, "the first page")

    def _day_row(self, partition: VideoPartition) -> dict[str, str]:
        listed = partition.commit.num_rows
        cells = {}
        for view in VIEWS:
            facts = self._outcomes(view, partition)
            failed = sum(facts.values()) - facts.get("ok", 0)
            share = f"{100 * facts.get('ok', 0) / listed:.1f}%"
            cells[view] = share + (f", {failed:,} failed" if failed else "")
        return {
            **cells,
            "role": partition.role,
            "listed": f"{listed:,}",
            "predictions": "current" if partition.role == "score" else "–",
            "drift": self._verdict(partition.name) or "–",
        }

    def _model_rows(self) -> dict[str, dict[str, str]]:
        rows = {}
        for alias in ("challenger", "champion"):
            if (model_id := commits.alias(self._store, alias)) is None:
                continue
            model = commits.commit_by_id(self._store, model_id)
            measured = read_json(model, "metrics.json")
            low, high = measured["intervals"]["mean_f1"]
            is_provisional = alias == "champion" and registry.is_provisional(self._store)
            rows[alias + (" (provisional)" if is_provisional else "")] = {
                "model": model.id[:12],
                "recipe": read_json(model, "config.json")["recipe"]["name"],
                "mean F1": f"{measured['validation']['mean_f1']:.3f}{low:.3f}–{high:.3f}",
            }
        return rows

    def _check_day(self, partition: VideoPartition) -> None:
        where = f"the page of {partition.name}"
        page = read_page(self._site / "days" / f"{partition.name}.html")
        listed = partition.commit.num_rows
        outcomes = {view: self._outcomes(view, partition) for view in VIEWS}
        views = {row["view"]: part(row, _VIEW_COLUMNS) for row in records(page, "views 0")}
        expected = {view: _view_row(each, listed) for view, each in outcomes.items()}
        self.comparison.same(views, expected, f"{where}, views")
        failed = [
            {name.replace("_", " "): f"{count:,}" for name, count in each.items() if name != "ok"}
            for each in outcomes.values()
        ]
        for place, reasons in enumerate(filter(None, failed), start=1):
            rows = records(page, f"views {place}")
            shown = {row["reason"]: row["videos"] for row in rows}
            self.comparison.same(shown, reasons, f"{where}, failures")
        if partition.role == "score":
            self._check_predictions(page, partition.name, where)
        check_all_known(page, where)

    def _check_predictions(self, page: Page, name: str, where: str) -> None:
        drift = drift_judgements.read(self._judged[name])
        stored = {
            name.replace("_", " "): texts(
                {
                    "this day": each.value,
                    "usual from": each.usual_low,
                    "to": each.usual_high,
                    "training": each.training,
                    "p value": each.p_value,
                }
            )
            for name, each in drift.judged.items()
        }
        self.comparison.same(
            by_name(page, "drift 0", "statistic", stored), stored, f"{where}, drift"
        )
        predicted = pl.concat(tables.scan_predictions(self._scored[name])).collect()
        self._check_gallery(page, predicted, where)
        self._check_mix(page, predicted, where)
        mean = f"mean {predicted['probability'].to_numpy().mean():.3f}"
        assert any(mean in line for line in page.lines["confidence"]), page.lines["confidence"]

    def _check_gallery(self, page: Page, predicted: pl.DataFrame, where: str) -> None:
        assert page.gallery is not None
        ids = [each[0] for each in page.gallery["categories"]]
        shown = {
            row[0]: (ids[row[2]], row[3], tuple(row[7].split())) for row in page.gallery["items"]
        }
        stored = {
            row["video_id"]: (
                row["category_id"],
                round(row["probability"], 4),
                tuple(row["missing_views"]),
            )
            for row in predicted.iter_rows(named=True)
        }
        self.comparison.same(shown, stored, f"{where}, gallery")

    def _check_mix(self, page: Page, predicted: pl.DataFrame, where: str) -> None:
        shares = read_json(self._champion, "statistics.json")["category_shares"]
        counts = dict(predicted["category_id"].value_counts().iter_rows())
        stored = {}
        for category_id in self._taxonomy.category_ids:
            count, training = counts.get(category_id, 0), shares.get(category_id, 0.0)
            if count or training:
                share = count / len(predicted)
                stored[category_id] = texts(
                    {
                        "videos": count,
                        "this day": share,
                        "training": training,
                        "difference": share - training,
                    }
                )
        self.comparison.same(by_name(page, "mix 0", "category", stored), stored, f"{where}, mix")

    def _check_mistakes(self) -> None:
        page = read_page(self._site / "mistakes.html")
        rows = records(page, "labels 0")
        counted = f"{len(rows):,} labels are probably wrong"
        assert not rows or any(line.startswith(counted) for line in page.lines[""])
        for row in rows:
            labels = tables.read_labels(self._store, row["partition"])
            assert labels is not None
            label = labels.filter(pl.col("video_id") == row["video"])["category_id"].item()
            self.comparison.same(
                id_of(row["label"]), label, f"the page of mistakes, {row['video']}"
            )
        check_all_known(page, "the page of mistakes")

    def _verdict(self, name: str) -> str | None:
        commit = self._judged.get(name)
        return None if commit is None else DriftFacts.of(commit).verdict

    def _outcomes(self, view: str, partition: VideoPartition) -> dict[str, int]:
        fingerprint = ClassifierFacts.of(self._champion).fingerprints[view]
        commit = commits.head(self._store, address(view, fingerprint, partition.name))
        assert commit is not None
        assert commit == current_commit(self._store, view, fingerprint, partition)
        return dict(FeatureFacts.of(commit).outcomes)


def _view_row(outcomes: Mapping[str, int], listed: int) -> dict[str, str]:
    num_ok = outcomes.get("ok", 0)
    cells = ("current", f"{num_ok:,}", f"{100 * num_ok / listed:.2f}%")
    return dict(zip(_VIEW_COLUMNS, cells, strict=True))


def _taxonomy(model: Commit) -> Taxonomy:
    payload = commits.read_bytes(model, "taxonomy.csv")
    return parse_taxonomy(payload, str(model.facts["taxonomy"]), str(model.folder))
