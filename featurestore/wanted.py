"""The wanted specs.

Frozen in the store under their fingerprints, and named by an alias for each view.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TypeVar

from featurestore.views import registry
from featurestore.views.feature_facts import SpecFacts
from featurestore.views.spec import Spec, fingerprint, short, spec_json
from warehouse import commits
from warehouse.clock import timestamp
from warehouse.commits import Address, Commit
from warehouse.errors import Corrupt, Invalid
from warehouse.store import Store

VOCABULARY_FILE = "vocab.txt"
"""The BERT vocabulary, kept beside the text spec."""

S = TypeVar("S", bound=Spec)


def freeze(store: Store, spec: Spec, files: Mapping[str, bytes], now: datetime) -> str:
    """Keep a spec with the files it needs and make it the wanted one of its view.

    Args:
        store: where to.
        spec: what is wanted.
        files: what the spec names by digest and the store keeps beside it: fitted terms, the
            vocabulary.
        now: the time of the journal's entry, UTC.

    Returns:
        The fingerprint.
    """
    name = fingerprint(spec)
    commits.publish_files(
        store,
        _address(spec.view, name),
        {"spec.json": spec_json(spec), **files},
        commits.Draft(facts=SpecFacts(fingerprint=name), num_rows=0),
        now,
    )
    commits.set_alias(store, f"wanted/{spec.view}", name, now)
    return name


def wanted(store: Store, as_of: datetime | None = None) -> dict[str, str]:
    """The wanted fingerprint of each view that has one, now or at a moment.

    Empty before the first `freeze` of all views that are required.
    """
    aliases = {name: commits.alias(store, f"wanted/{name}", as_of) for name in registry.names()}
    frozen = {name: alias for name, alias in aliases.items() if alias}
    return frozen if frozen.keys() >= set(registry.required()) else {}


def require(
    store: Store, as_of: datetime | None = None, views: Collection[str] | None = None
) -> dict[str, str]:
    """The wanted fingerprint of each view, now or at a moment.

    Args:
        store: The store.
        as_of: The moment; None for now.
        views: Those that are asked for; None for all that are wanted.

    Raises:
        Invalid: None was frozen yet, or not all that are asked for.
    """
    frozen = wanted(store, as_of)
    if frozen and set(views or ()) <= frozen.keys():
        return {name: frozen[name] for name in views or frozen}
    if as_of is not None:
        raise Invalid(
            f"{store.place} had no wanted specs by {timestamp(as_of)}; name a later moment"
        )
    raise Invalid(f"{store.place} has no wanted specs yet; run extract-features")


def spec_commit(store: Store, view: str, name: str) -> Commit:
    """The commit that holds a spec and its files.

    Raises:
        Invalid: no such spec was frozen here.
    """
    commit = commits.head(store, _address(view, name))
    if commit is None:
        raise Invalid(f"no {view} spec {short(name)} in {store.place}; run reelstore apply")
    return commit


def load_spec(store: Store, name: str, kind: type[S]) -> S:
    """Read a frozen spec by its fingerprint.

    Args:
        store: Where it was frozen.
        name: The fingerprint, 64 hexadecimal digits.
        kind: The class of its view's specs.

    Raises:
        Invalid: No such spec was frozen here, or it has another format version.
    """
    view = str(kind.model_fields["view"].default)
    spec = load_any_spec(store, view, name)
    if not isinstance(spec, kind):
        raise Corrupt(f"the {view} spec {short(name)} is of another view: restore it from a copy")
    return spec


def load_any_spec(store: Store, view: str, name: str) -> Spec:
    """Read a frozen spec of a view by its name; raises as `load_spec`."""
    commit = spec_commit(store, view, name)
    return registry.parse_spec(commits.read_bytes(commit, "spec.json"), commit.folder / "spec.json")


def _address(view: str, name: str) -> Address:
    return Address(f"features/{view}/{short(name)}/spec", None)
