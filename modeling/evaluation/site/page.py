"""One page of the site: its frame, its policy, and how words from outside become safe in it.

A page loads nothing from outside the site's folder. Its policy names the digests of the styles and
of the one script that stand in it; that script alone may load another, the library for tables.
"""

import base64
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from modeling.evaluation.baselines import PLAIN_NAMES
from warehouse.printable import printable

LIBRARY = "library/tabulator-tables"
"""The folder of the library for tables, in this package and in the site."""
_LIBRARY_STYLE = "tabulator_simple.min.css"
_STYLE, _SCRIPT = "style.css", "script.js"


@dataclass(frozen=True)
class Place:
    """A page of the site, as other pages name it."""

    path: str
    """From the site's folder, with `/`."""
    name: str
    """Short, for people."""


@dataclass(frozen=True)
class Shell:
    """What surrounds the contents of a page."""

    place: Place
    navigation: Sequence[Place] = ()
    """The pages that every page leads to."""


def render(
    template: str, shell: Shell, contents: Mapping[str, Any], *, has_tables: bool = False
) -> bytes:
    """Write a page; the same contents give the same bytes.

    Args:
        template: The name of its template.
        shell: What surrounds it.
        contents: What the template is given; words in it may hold anything.
        has_tables: Whether it has tables that are sorted and filtered.

    Returns:
        The page as HTML in UTF-8.
    """
    styles = [_text(LIBRARY, _LIBRARY_STYLE)] if has_tables else []
    styles.append(_text("templates", _STYLE))
    script = _text("templates", _SCRIPT)
    page = _environment().get_template(template)
    text = page.render(
        shell=shell,
        root="../" * shell.place.path.count("/"),
        styles=[Markup(style) for style in styles],  # noqa: S704 - our own file and the library's
        script=Markup(script),  # noqa: S704 - our own file
        policy=_policy(styles, script),
        **contents,
    )
    return text.encode()


def library_files() -> dict[str, bytes]:
    """The files of the library for tables, by their paths in the site."""
    folder = resources.files(__package__).joinpath(LIBRARY)
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return {f"{LIBRARY}/{file.name}": file.read_bytes() for file in files if file.is_file()}


@cache
def digest() -> str:
    """The digest of this package: its code and templates, and the library."""
    hashed = hashlib.sha256()
    for name in ("", "templates", LIBRARY):
        folder = resources.files(__package__).joinpath(name)
        for file in sorted(folder.iterdir(), key=lambda file: file.name):
            if file.is_file():
                hashed.update(file.name.encode() + b"\0" + file.read_bytes())
    return hashed.hexdigest()


def _policy(styles: Sequence[str], script: str) -> str:
    # Browsers check no digest of a file that lies beside a page in a folder. What a trusted script
    # loads is trusted, though, so that the library needs no wider word than `strict-dynamic`.
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {_source(script)} 'strict-dynamic'",
            f"style-src {' '.join(map(_source, styles))}",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _text(folder: str, name: str) -> str:
    return resources.files(__package__).joinpath(folder, name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("modeling.evaluation.site"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "ensure_ascii": False,
        "separators": (",", ":"),
        "sort_keys": True,
    }
    environment.filters["words"] = words
    environment.filters["moment"] = _moment
    environment.filters["url"] = quote
    return environment


def words(name: str) -> str:
    """Say a name of the code as people do."""
    return PLAIN_NAMES.get(name, name.replace("_", " ").replace(" f1", " F1"))


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _visible(value: object) -> object:
    """Show characters that would forge other words."""
    # What a macro has made is markup, which is of a type of its own.
    return printable(value, sys.maxsize) if type(value) is str else value
