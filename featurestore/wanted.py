"""The wanted specs.

Frozen in the store under their fingerprints, and named by an alias for each view.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from featurestore.views.spec import (
    VIEWS,
    FrameSpec,
    Spec,
    TextSpec,
    View,
    fingerprint,
    parse_spec,
    short,
    spec_json,
)
from warehouse import commits
from warehouse.clock import timestamp
from warehouse.commits import Address, Commit
from warehouse.errors import Corrupt, Invalid
from warehouse.store import Store

VOCABULARY_FILE = "vocab.txt"
"""The BERT vocabulary, kept beside the text spec."""

S = TypeVar("S", FrameSpec, TextSpec)


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
        commits.Draft(facts={"fingerprint": name}, num_rows=0),
        now,
    )
    commits.set_alias(store, f"wanted/{spec.view}", name, now)
    return name


def wanted(store: Store, as_of: datetime | None = None) -> dict[View, str] | None:
    """The wanted fingerprint of each view, now or at a moment.

    Or None before the first `freeze` of both.
    """
    found = {view: commits.alias(store, f"wanted/{view}", as_of) for view in VIEWS}
    return {view: name for view, name in found.items() if name} if all(found.values()) else None


def require(store: Store, as_of: datetime | None = None) -> dict[View, str]:
    """The wanted fingerprint of each view, now or at a moment.

    Raises:
        Invalid: none was frozen yet.
    """
    found = wanted(store, as_of)
    if found is None:
        if as_of is not None:
            raise Invalid(
                f"{store.root} had no wanted specs by {timestamp(as_of)}; name a later moment"
            )
        raise Invalid(f"{store.root} has no wanted specs yet; run extract-features")
    return found


def spec_commit(store: Store, view: View, name: str) -> Commit:
    """The commit that holds a spec and its files.

    Raises:
        Invalid: no such spec was frozen here.
    """
    commit = commits.head(store, _address(view, name))
    if commit is None:
        raise Invalid(f"no {view} spec {short(name)} in {store.root}; run reelstore apply")
    return commit


def load_spec(store: Store, name: str, kind: type[S]) -> S:
    """Read a frozen spec by its fingerprint.

    Raises:
        Invalid: no such spec was frozen here, or it has another format version.
    """
    view: View = "frames" if kind is FrameSpec else "text"
    commit = spec_commit(store, view, name)
    spec = parse_spec(commits.read_bytes(commit, "spec.json"), commit.folder / "spec.json")
    if not isinstance(spec, kind):
        raise Corrupt(
            f"{commit.folder / 'spec.json'} is no spec of the {view} view: restore it from a copy"
        )
    return spec


def load_any_spec(store: Store, view: View, name: str) -> Spec:
    """Read a frozen spec of either view; raises as `load_spec`."""
    return (
        load_spec(store, name, FrameSpec) if view == "frames" else load_spec(store, name, TextSpec)
    )


def _address(view: View, name: str) -> Address:
    return Address(f"features/{view}/{short(name)}/spec", None)
