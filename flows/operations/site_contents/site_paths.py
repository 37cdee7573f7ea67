"""Where the pages of the site are, and which models have one."""

from flows.operations.site_contents.judgements import challenger_of, decision_commits
from modeling.evaluation.site.page import Place
from modeling.models import registry
from modeling.models.stored_model import is_of_kind
from warehouse import commits
from warehouse.commits import Commit
from warehouse.store import Store

HOME = Place("index.html", "Store")
MISTAKES = Place("mistakes.html", "Mistakes")
_NUM_DECISIONS = 10


def day_place(partition: str) -> Place:
    """The page of a partition."""
    return Place(f"days/{partition}.html", partition)


def model_place(store: Store, model: Commit) -> Place:
    """The page of a model, named by its alias where it has one."""
    named = {commit.id: alias for alias, commit in named_models(store).items()}
    return Place(model_path(model.id), named.get(model.id, f"model {model.id[:12]}"))


def model_path(model_id: str) -> str:
    """The path of a model's page."""
    return f"models/{model_id[:16]}.html"


def named_models(store: Store) -> dict[str, Commit]:
    """The champion and the challenger, as far as there are such."""
    aliases = {name: commits.alias(store, name) for name in _ALIASES}
    return {name: commits.commit_by_id(store, target) for name, target in aliases.items() if target}


_ALIASES = (registry.CHALLENGER, registry.CHAMPION)
"""A model that has both names is called by the second."""


def shown_models(store: Store) -> list[Commit]:
    """The models that have a page: champion, challenger, and those last decided on."""
    models = {commit.id: commit for commit in named_models(store).values()}
    for decision in decision_commits(store)[:_NUM_DECISIONS]:
        commit = commits.find(store, challenger_of(decision))
        if commit is not None and is_of_kind(commit, "classifier") and commit.is_there:
            models.setdefault(commit.id, commit)
    return sorted(models.values(), key=lambda commit: commit.id)
