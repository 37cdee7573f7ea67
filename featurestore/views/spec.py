"""Specs: everything that decides the bytes of a feature, and the fingerprint that names it."""

from typing import Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from warehouse import formats
from warehouse.errors import Invalid
from warehouse.storage.files import canonical_json, sha256_bytes

View = Literal["frames", "text"]
Precision = Literal["float32", "bfloat16", "float16"]
ExecutionMode = Literal["eager", "compiled"]
CropMode = Literal["center", "squash"]
VIEWS: tuple[View, ...] = ("frames", "text")
SHORT_FINGERPRINT_CHARS = 12
FORMAT_VERSION: Final = 1
TRANSFORM_VERSION: Final = 2
"""Of the features that this code makes, in both views; it reads those of earlier versions too."""


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _VersionedSpec(_Spec):
    format_version: Literal[1] = FORMAT_VERSION
    """Of spec.json; what the features are is told by the fields below."""


class FrameSpec(_VersionedSpec):
    """How a medium becomes embeddings `[num_frames, embedding_dim]`."""

    view: Literal["frames"] = "frames"
    sampling: Literal["midpoints"] = "midpoints"
    """Target i is start + (i + 0.5)(end - start) / num_frames."""
    num_frames: int = 8
    resize_short_side: int
    """Pixels of the shorter side before the crop."""
    crop_mode: CropMode = "center"
    """timm's word: `center` keeps the proportions, `squash` gives the longer side as many pixels as
    the shorter one."""
    crop: int
    """Pixels of each side of the central square."""
    resize_filter: Literal["bilinear", "bicubic"] = "bicubic"
    mean: tuple[float, float, float]
    """By channel, RGB, of values in 0 to 1."""
    std: tuple[float, float, float]
    encoder: str
    """A timm model's name."""
    encoder_kwargs: dict[str, JsonValue] = {}
    """Arguments of `timm.create_model`, beside the name."""
    weights_sha256: str
    embedding_dim: int
    precision: Precision = "float32"
    """Of the encoder's arithmetic, by autocast where it is less than float32."""
    execution_mode: ExecutionMode = "eager"
    """As the model is written, or by `torch.compile`."""
    transform_version: int = TRANSFORM_VERSION
    """Counts up whenever code changes the bytes without another field changing."""

    @model_serializer(mode="wrap")
    def _as_its_version_has_it(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what the version did not know.

        A frozen spec keeps its bytes, and so its fingerprint.
        """
        fields: dict[str, Any] = serialise(self)
        if self.transform_version == 1:
            del fields["crop_mode"]
        return fields


class TfidfParameters(_Spec):
    """How the corpus statistics were gathered."""

    min_document_frequency: int = 2
    max_terms: int = 200_000


class TextSpec(_VersionedSpec):
    """How title, OCR and ASR become token ids and keywords."""

    view: Literal["text"] = "text"
    normaliser: Literal["nfkc-v1"] = "nfkc-v1"
    dictionary_sha256: str
    """Digest of the dictionary that jieba segments with."""
    tfidf: TfidfParameters = TfidfParameters()
    terms_sha256: str
    """Digest of the fitted terms and their inverse document frequencies."""
    vocabulary_sha256: str
    """Digest of the BERT vocabulary file, one token a line."""
    title_chars: int = 128
    """Characters kept of the title: half from its start, half from its end."""
    keyword_chars: int = 64
    ocr_chars: int = 128
    asr_chars: int = 128
    transform_version: int = TRANSFORM_VERSION


Spec = FrameSpec | TextSpec


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


def parse_spec(payload: bytes, where: object = "spec.json") -> Spec:
    """Read a spec from its JSON.

    Args:
        payload: a whole file.
        where: the file, for the sentence.

    Raises:
        Invalid: it has another format version.
        pydantic.ValidationError: a field is missing, unknown or of another type.
    """
    content = formats.read_json(payload, FORMAT_VERSION, where)
    kind = TextSpec if content.get("view") == "text" else FrameSpec
    return kind.model_validate_json(payload)
