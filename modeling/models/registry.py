"""Which model: the champion, the newest encoder that fits, and the one that a name means."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from modeling.configuration import ModelConfig
from modeling.models.model_facts import ClassifierFacts, EncoderFacts
from modeling.models.stored_model import MODELS, is_of_kind, read_config
from warehouse import commits
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.store import Store

CHAMPION, CHALLENGER = "champion", "challenger"

GainOver = Callable[[Commit, Commit], float]
"""From a new model and the champion to the lower end of the 95% interval of how much better the new
one is on the same validation examples."""


@dataclass(frozen=True)
class Candidate:
    """A classifier that was just published."""

    commit: Commit
    validation_score: float
    """Mean F1, cross-fitted, on examples that are the same for all candidates."""


@dataclass(frozen=True)
class Nomination:
    """The best of the candidates, and what names it now."""

    commit: Commit
    alias: str


def newest_encoder(
    store: Store,
    fingerprints: Mapping[str, str],
    sizes: ModelConfig,
    as_of: datetime | None = None,
) -> Commit | None:
    """Find the pretrained encoder that a training on these features, of these sizes, starts from.

    Args:
        store: Where it is.
        fingerprints: Of the features.
        sizes: Of the model; what its classifier reads and its dropout may differ.
        as_of: Published by this moment, with a time zone; None for now.
    """
    for commit in reversed(commits.commits(store, MODELS)):
        is_late = as_of is not None and commit.created_at > as_of
        if not is_of_kind(commit, "encoder") or is_late:
            continue
        if EncoderFacts.of(commit).fingerprints != dict(fingerprints):
            continue
        config = read_config(commit, "encoder")
        if config.recipe.model.encoder_sizes() == sizes.encoder_sizes():
            return commit
    return None


def champion(store: Store) -> Commit | None:
    """Find the model that scores."""
    model_id = commits.alias(store, CHAMPION)
    return commits.commit_by_id(store, model_id) if model_id else None


def require(store: Store, model_id: str | None) -> Commit:
    """Find a classifier to score with.

    Args:
        store: Where it is.
        model_id: Or the first digits of it, or an alias; None for the champion.

    Raises:
        Invalid: There is no such model, it is no classifier, or there is no champion yet.
    """
    name = model_id or CHAMPION
    target = commits.alias(store, name)
    if target is None and name in (CHAMPION, CHALLENGER):
        raise Invalid(f"{store.place} has no {name} yet; run train-classifier, or name a model")
    commit = commits.commit_by_id(store, target or name)
    if not is_of_kind(commit, "classifier"):
        raise Invalid(f"{name} is no classifier; name one of dataset {MODELS}")
    return commit


def held_out(store: Store, model: Commit) -> Commit:
    """Find the twin that learned without the labels of validation; the model itself if it did."""
    twin = read_config(model, "classifier").held_out_twin
    return model if twin is None else commits.commit_by_id(store, twin)


def is_provisional(store: Store) -> bool:
    """Tell whether the champion was nominated and not yet promoted by anybody."""
    return commits.is_provisional(store, CHAMPION)


def nominate(
    store: Store,
    candidates: Sequence[Candidate],
    now: datetime,
    gain_over: GainOver | None = None,
) -> Nomination | None:
    """Give the best of the good candidates a name.

    A model is good, whichever views it sees, that beats the majority's category on validation.
    Without a champion the best becomes a provisional one. A provisional champion gives way to a
    model that is better for sure; beside any other champion a new model becomes the challenger.

    Args:
        store: Where they are.
        candidates: At least one; the first among equals counts as the best.
        now: In UTC.
        gain_over: Is asked where the champion is provisional; None where nothing is known of how
            the two compare, which leaves the champion.

    Returns:
        None where no candidate is good.
    """
    good = [each for each in candidates if ClassifierFacts.of(each.commit).beats_majority]
    if not good:
        return None
    best = max(good, key=lambda candidate: candidate.validation_score).commit
    current = champion(store)
    if current == best:
        return Nomination(best, CHAMPION)
    gives_way = current is None
    if current is not None and is_provisional(store) and gain_over is not None:
        gives_way = gain_over(best, current) > 0
    name = CHAMPION if gives_way else CHALLENGER
    commits.set_alias(store, name, best.id, now, provisional=gives_way)
    return Nomination(best, name)


def promote(store: Store, model_id: str, now: datetime) -> Commit:
    """Make a classifier the champion, and not a provisional one.

    Args:
        store: Where it is.
        model_id: Or the first digits of it, if they name one commit only; or an alias.
        now: In UTC.

    Raises:
        Invalid: There is no such model, or it is no classifier.
    """
    commit = require(store, model_id)
    commits.set_alias(store, CHAMPION, commit.id, now)
    return commit
