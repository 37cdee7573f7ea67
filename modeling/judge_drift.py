"""The operation: a scored partition is compared with the champion's training, as other days are."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl
from pydantic import BaseModel

from featurestore.reading.examples import Examples
from featurestore.reading.snapshot import Snapshot
from featurestore.views.text.vocabulary import Vocabulary
from modeling.evaluation.distributions import parse_statistics
from modeling.evaluation.drift.day_description import describe_day, training_values
from modeling.evaluation.drift.verdict import (
    FEWEST_DAYS,
    MOST_DAYS,
    Day,
    JudgedStatistic,
    Verdict,
    judge,
    sum_up,
    unusual,
)
from modeling.models import drift_judgements, registry, scored_partitions, stored_model
from modeling.models.drift_judgements import DriftFacts, StoredDrift
from modeling.models.model_facts import ClassifierFacts
from modeling.models.model_publishing import STATISTICS_FILE
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.reporting import SILENT, Reporter
from warehouse.store import Store


class DriftJudgement(BaseModel):
    """What came of comparing a partition with other days."""

    partition: str
    verdict: Verdict
    unusual: tuple[str, ...]
    """The numbers that raise the alarm, the least probable first."""
    statistics: dict[str, JudgedStatistic]
    """Every number of the partition, by its name."""
    days: tuple[str, ...]
    """The partitions that it was compared with, or would have been, were there enough."""
    num_videos: int
    model: str
    """The champion's id."""
    commit: str
    """The id of the judgement's commit."""

    def summary(self) -> str:
        """The verdict in a few words."""
        return f"drift {_with_names(self.verdict, self.unusual)}"


def unjudged(store: Store, now: datetime) -> list[str]:
    """List the partitions that the champion has scored and whose drift nobody has judged.

    Those too for which there were too few days, and are enough by now.

    Args:
        store: Where predictions and judgements are.
        now: In UTC.

    Returns:
        Partitions of role score, sorted.

    Raises:
        Invalid: There is no champion, or it kept no statistics.
    """
    scored = _ScoredPartitions(store, now)
    names = {each.name for each in tables.video_partitions(store, "score")}
    return [name for name in sorted(names & scored.predictions.keys()) if scored.is_due(name)]


def judge_drift(
    store: Store, partition: str, now: datetime, *, reporter: Reporter = SILENT
) -> DriftJudgement:
    """Judge a partition that the champion has scored, once for each of its predictions.

    It is compared with other scored partitions, 60 at most, those before it first. Partitions that
    had a part in the champion's training, or raised an alarm, are left out. With fewer than 14
    there is no alarm, and the partition is judged anew when it is asked for again.

    An alarm is announced before it is published: a killed run loses none. What an earlier champion
    has raised for the same listing is not announced again.

    Args:
        store: Where predictions and features are.
        partition: Scored.
        now: In UTC.
        reporter: Is told of the days that are described, and of an alarm.

    Raises:
        Invalid: There is no champion, it kept no statistics, or it has not scored the partition.
    """
    commits.settle(store)
    scored = _ScoredPartitions(store, now)
    if partition not in scored.predictions:
        raise Invalid(
            f"partition {partition} has no predictions of the champion {scored.model.id[:16]}; run"
            " score-partitions"
        )
    if scored.verdicts.get(partition) in ("usual", "alarm"):
        return _result(scored.known[partition])
    names = scored.choose_days(partition)
    days = list[Day]()
    if len(names) >= FEWEST_DAYS:
        with reporter.progress(f"describe days for {partition}") as show:
            for place, name in enumerate(names, start=1):
                days.append(Day(name, scored.describe_and_keep(name).described))
                show(place, len(names))
    drift = scored.describe(partition)
    training = training_values(scored.reference, scored.taxonomy)
    judged = judge(Day(partition, drift.described), days, training)
    drift = drift.model_copy(update={"judged": judged, "days": tuple(names)})
    verdict = sum_up(judged)
    if verdict == "alarm" and not drift_judgements.is_known(store, scored.predictions[partition]):
        reporter.announce("drift.alarm", partition, _facts(partition, drift))
    return _result(scored.publish(partition, drift, verdict))


def _facts(partition: str, drift: StoredDrift) -> dict[str, object]:
    """What an event tells of an alarm."""
    names = unusual(drift.judged)
    sentence = f"{partition} has drifted, compared with {len(drift.days)} days: {_shown(names)}"
    return {
        "sentence": sentence,
        "unusual": {name: drift.judged[name].model_dump() for name in names},
    }


def _with_names(verdict: Verdict, names: Sequence[str]) -> str:
    return f"{verdict}: {_shown(names)}" if names else verdict


def _shown(names: Sequence[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)


class _ScoredPartitions:
    """What the champion has scored, and what is known of it."""

    def __init__(self, store: Store, now: datetime) -> None:
        self._store, self._now = store, now
        self.model = registry.require(store, None)
        self.predictions = scored_partitions.of_model(store, self.model.id)
        self.known = drift_judgements.of_model(store, self.model.id)
        self.verdicts = {name: DriftFacts.of(known).verdict for name, known in self.known.items()}
        if STATISTICS_FILE not in self.model.files:
            raise Invalid(
                f"champion {self.model.id[:16]} was made by a Reelstore that kept no statistics of"
                " its training; train and promote a model"
            )
        # Of a model that learned from all labels, these are its held-out twin's.
        payload = commits.read_bytes(self.model, STATISTICS_FILE)
        self.taxonomy = stored_model.read_taxonomy(self.model)
        self.reference = parse_statistics(payload, self.model.folder / STATISTICS_FILE)

    def is_due(self, partition: str) -> bool:
        """Whether a scored partition has no verdict, or could have a better one by now."""
        verdict = self.verdicts.get(partition)
        if verdict == "too few days to judge":
            return len(self.choose_days(partition)) >= FEWEST_DAYS
        return verdict is None

    def choose_days(self, partition: str) -> list[str]:
        """Choose the partitions that one is compared with."""
        days = {each.name for each in tables.video_partitions(self._store, "score")}
        days &= self.predictions.keys()
        days -= drift_judgements.trained_on(self._store, self.model) | {partition}
        days -= {name for name, verdict in self.verdicts.items() if verdict == "alarm"}
        earlier = sorted(name for name in days if name < partition)[-MOST_DAYS:]
        later = sorted(name for name in days if name > partition)
        return earlier + later[: MOST_DAYS - len(earlier)]

    def describe(self, partition: str) -> StoredDrift:
        """Describe a partition, or read what was kept of it."""
        if partition in self.known:
            return drift_judgements.read(self.known[partition])
        predictions = self.predictions[partition]
        pinned = Snapshot(
            fingerprints=ClassifierFacts.of(self.model).fingerprints,
            split_salt=None,
            pins=(scored_partitions.pin_of(predictions),),
        )
        examples = Examples(self._store, pinned)
        rows = pl.concat(tables.scan_predictions(predictions)).select("category_id", "probability")
        described = describe_day(
            examples,
            rows.collect(),
            self.reference,
            self.taxonomy,
            Vocabulary(commits.read_bytes(self.model, "vocab.txt")),
        )
        return StoredDrift(num_videos=len(examples), described=described, judged={}, days=())

    def describe_and_keep(self, partition: str) -> StoredDrift:
        """Describe a partition, so that it is not read again for the next one that is judged."""
        drift = self.describe(partition)
        if partition not in self.known:
            self.publish(partition, drift, None)
        return drift

    def publish(self, partition: str, drift: StoredDrift, verdict: Verdict | None) -> Commit:
        """Publish what a partition looks like, and what came of judging it."""
        predictions = self.predictions[partition]
        facts = DriftFacts(
            made_from={"model": self.model.id, "predictions": predictions.id},
            verdict=verdict,
            unusual=unusual(drift.judged),
        )
        return drift_judgements.publish(self._store, predictions, drift, facts, self._now)


def _result(commit: Commit) -> DriftJudgement:
    facts, drift = DriftFacts.of(commit), drift_judgements.read(commit)
    if facts.verdict is None:
        raise AssertionError
    return DriftJudgement(
        partition=commit.address.column,
        verdict=facts.verdict,
        unusual=facts.unusual,
        statistics=drift.judged,
        days=drift.days,
        num_videos=drift.num_videos,
        model=facts.made_from["model"],
        commit=commit.id,
    )
