"""Specs: everything that decides the bytes of a feature, and the fingerprint that names it."""

from typing import ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from warehouse.errors import Invalid
from warehouse.storage.files import canonical_json, sha256_bytes

SHORT_FINGERPRINT_CHARS = 12
FORMAT_VERSION: Final = 1
TRANSFORM_VERSION: Final = 2
"""Of the features that this code makes, in all views; it reads those of earlier versions too."""


class Spec(BaseModel):
    """The root of each view's own spec."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = FORMAT_VERSION
    """Of spec.json; what the features are is told by the fields below."""
    view: str
    """The view's name, which its own spec gives as the default."""
    transform_version: int = TRANSFORM_VERSION
    """Counts up whenever code changes the bytes without another field changing."""


def spec_json(spec: Spec) -> bytes:
    """The spec as canonical JSON, the same bytes for equal specs."""
    return canonical_json(spec.model_dump(mode="json"))


def fingerprint(spec: Spec) -> str:
    """The sha256 of the canonical JSON, 64 hexadecimal digits."""
    return sha256_bytes(spec_json(spec))


def changes(old: Spec | None, new: Spec) -> dict[str, tuple[JsonValue, JsonValue]]:
    """The fields in which two specs of one view differ, old value and new.

    All of them where there is no old one.
    """
    before = {} if old is None else old.model_dump(mode="json")
    after = new.model_dump(mode="json")
    return {
        name: (before.get(name), value)
        for name, value in after.items()
        if before.get(name) != value
    }


def can_make(spec: Spec) -> bool:
    """Whether this code makes features of a spec; it reads them in any case."""
    return spec.transform_version == TRANSFORM_VERSION


def check_makeable(spec: Spec) -> None:
    """Refuse to make features of another transform version.

    Raises:
        Invalid: it is another one.
    """
    if not can_make(spec):
        remedy = (
            "run reelstore apply"
            if spec.transform_version < TRANSFORM_VERSION
            else "upgrade Reelstore"
        )
        raise Invalid(
            f"the {spec.view} recipe {short(fingerprint(spec))} is of transform version"
            f" {spec.transform_version}, and this Reelstore makes version {TRANSFORM_VERSION} only;"
            f" {remedy}"
        )


def short(fingerprint_: str) -> str:
    """The first 12 digits, which name a folder of the store."""
    return fingerprint_[:SHORT_FINGERPRINT_CHARS]
