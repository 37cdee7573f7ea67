"""Which model: the champion, the newest encoder that fits, and the one that a name means."""

from collections.abc import Mapping
from datetime import datetime

from modeling.configuration import ModelConfig
from modeling.models.model_facts import ClassifierFacts, EncoderFacts
from modeling.models.stored_model import MODELS, is_of_kind, read_config
from warehouse import commits
from warehouse.commits import Commit
from warehouse.errors import Invalid
from warehouse.store import Store

CHAMPION, CHALLENGER = "champion", "challenger"


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
        raise Invalid(f"{store.root} has no {name} yet; run train-classifier, or name a model")
    commit = commits.commit_by_id(store, target or name)
    if not is_of_kind(commit, "classifier"):
        raise Invalid(f"{name} is no classifier; name one of dataset {MODELS}")
    return commit


def nominate(store: Store, commit: Commit, now: datetime) -> str | None:
    """Make the first good model champion, and a later one challenger.

    A model is good, whichever views it sees, that beats the majority's category on validation.

    Returns:
        The alias that now names it; None for a model that is not good.
    """
    if not ClassifierFacts.of(commit).beats_majority:
        return None
    current = commits.alias(store, CHAMPION)
    name = CHAMPION if current in (None, commit.id) else CHALLENGER
    commits.set_alias(store, name, commit.id, now)
    return name


def promote(store: Store, model_id: str, now: datetime) -> Commit:
    """Make a classifier the champion.

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
