"""The views that there are. A new one is a folder, made known by `register`."""

import re

from pydantic import ValidationError

from featurestore.views import frames, text
from featurestore.views.spec import FORMAT_VERSION, Spec
from featurestore.views.view import View
from warehouse import formats
from warehouse.errors import Corrupt, Invalid
from warehouse.identifiers import name_right_ones, shown

_NAME = re.compile("[a-z][a-z0-9_]{0,31}")
_TAKEN = frozenset({"partition", "videos", "labels", "features"})
"""Fields of a pin, beside which each view has one of its name."""
_views: dict[str, View] = {each.name: each for each in (frames.VIEW, text.VIEW)}


def register(view: View) -> None:
    """Make a view known to all of the store; in each process that is to know it.

    Raises:
        Invalid: Its name cannot be used, or is another view's.
    """
    if not _NAME.fullmatch(view.name) or view.name in _TAKEN:
        raise Invalid(
            f"a view cannot be called {shown(view.name)}: give lower-case letters, digits and"
            f" underscores, and none of {', '.join(sorted(_TAKEN))}"
        )
    if _views.setdefault(view.name, view).package != view.package:
        raise Invalid(
            f"there is a view {view.name} already, in {_views[view.name].package}: give the one in"
            f" {view.package} another name"
        )


def names() -> tuple[str, ...]:
    """The views' names, in the order in which they became known."""
    return tuple(_views)


def required() -> tuple[str, ...]:
    """The names of the views that every store wants."""
    return tuple(name for name, view in _views.items() if view.is_required)


def find(name: str) -> View:
    """Find a view by its name.

    Raises:
        Invalid: There is none.
    """
    if name not in _views:
        raise Invalid(f"there is no view {shown(name)}: {name_right_ones(name, _views)}")
    return _views[name]


def parse_spec(payload: bytes, where: object = "spec.json") -> Spec:
    """Read a spec from its JSON.

    Args:
        payload: A whole file.
        where: The file, for the sentence.

    Raises:
        Invalid: It is of an unknown view, or has another format version.
        Corrupt: A field is missing, unknown or of another type.
    """
    content = formats.read_json(payload, FORMAT_VERSION, where)
    kind = find(str(content.get("view"))).spec_class
    try:
        return kind.model_validate_json(payload)
    except ValidationError as error:
        raise Corrupt(
            f"{where} is no spec of the {content['view']} view ({error.error_count()} fields are"
            " wrong): restore it from a copy"
        ) from error
