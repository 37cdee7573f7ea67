"""What an installation is told.

`reelstore.toml`, or environment variables that begin with REELSTORE_.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue, PositiveInt, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from featurestore.extraction import work_limits
from featurestore.extraction.decoding.isolation.jail import Layer
from featurestore.extraction.runtime import Runtime
from featurestore.extraction.work_limits import WorkLimits
from featurestore.views.frames.frame_spec import ExecutionMode, Precision
from flows.landing import Landing
from modeling.configuration import Recipe, amend, preset
from warehouse.errors import Invalid, cause_of
from warehouse.identifiers import name_right_ones, nearest, shown
from warehouse.storage.s3.s3_root import CACHE_BYTES, SCHEME, S3Root, parse_root

FILE_NAME = "reelstore.toml"
FILE_VARIABLE = "REELSTORE_CONFIG"

_PREFIX = "REELSTORE_"
_FOLDER = "folder of the settings"  # no variable has spaces in its name, so none sets it
_READ_ELSEWHERE = ("CONFIG", "FAULTS", "GIT_REVISION", "SAMPLES")
_IS_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
_RESIZE_SHORT_SIDE = {"published": 256}
"""Of the presets that say so."""


def _count_processors() -> int:
    """The machine's processors."""
    return os.cpu_count() or 1


class Settings(BaseSettings):
    """The settings; paths are absolute."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # a URL may hold a password
    )

    folder: Path = Field(validation_alias=_FOLDER)
    """The folder of the settings file, where relative paths start."""
    cache: Path = Path("cache")
    """The folder of what was read of a store in a bucket, and of trainings in the making; on a disk
    of this machine."""
    cache_gigabytes: PositiveInt = CACHE_BYTES // 10**9
    """How much a cache may hold of what no process is using, in 10⁹ bytes."""
    root: Annotated[Path | S3Root, NoDecode] = Path("store")
    """The store's folder, or a bucket as `s3://bucket/prefix`, whose keys and endpoint are taken
    from the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL."""
    catalog_url: str | None = None
    """The catalog's database, as a URL of SQLAlchemy; by default a SQLite file in the root. A store
    in a bucket needs one."""
    encoder: str = "swin_tiny_patch4_window7_224"
    """The frame encoder, by the name that timm gives it."""
    encoder_kwargs: dict[str, JsonValue] = {}
    """Arguments of the encoder's constructor that differ from timm's own, such as `img_size`."""
    encoder_precision: Precision = "float32"
    """The type of number that the encoder computes with; part of the recipe."""
    encoder_execution_mode: ExecutionMode = "eager"
    """Whether the encoder runs as written, by `torch.compile`, or by OpenVINO on the CPU (the extra
    `reelstore[openvino]`); `reelstore try-recipe` compares them; part of the recipe."""
    resize_short_side: PositiveInt | None = None
    """The shorter side of a frame before the central crop, in pixels; by default as the preset says
    (`published`: 256), else as timm's configuration of the encoder says; part of the recipe."""
    encoder_weights: Path | None = None
    """The encoder's weights, a file in timm's layout or in the authors'; extraction needs it."""
    text_model: Path | None = None
    """A folder in the layout of chinese-roberta-wwm-ext that the language encoder starts from; by
    default it starts from random weights."""
    vocabulary: Path | None = None
    """A BERT vocabulary, one token a line; by default the text model's vocab.txt."""
    taxonomy: str = "wechat2022"
    """The name of a taxonomy that ships with Reelstore, or a CSV file."""
    preset: Literal["default", "experts", "multimodal_linear", "published", "demo"] = "default"
    """How models are built and trained."""
    recipe: dict[str, dict[str, JsonValue]] = {}
    """What differs from the preset, by its sections, such as `{"finetuning": {"epochs": 3}}`."""
    training_devices: PositiveInt = 1
    """How many GPUs train one model together, or, without a GPU, processes that share the
    processors; the loss is that of one device up to rounding."""
    gate_margin: float = Field(default=0.01, ge=0, lt=1)
    """How much worse in mean F1 than the champion a new model may be, at the lower end of the 95%
    interval, to be promoted; nor may a slice or its calibration be worse for sure by more."""
    pretrain_growth: float = Field(default=0.2, ge=0)
    """The share by which unlabelled contents grow before `retrain` pretrains a new encoder; it
    never does where nobody has pretrained before."""
    decode_workers: PositiveInt = Field(default_factory=_count_processors)
    """How many processes decode media, and how many cut words."""
    decode_max_pixels: int = Field(default=work_limits.DEFAULT.pixels, gt=0, le=2**50)
    """The most pixels that are decoded for the frames of one video; not part of the recipe."""
    decode_max_seconds: float | None = Field(default=None, gt=0, le=86_400)
    """The most seconds that one video is decoded before its worker is killed; by default 240, and
    more in proportion where `decode_max_pixels` is raised."""
    allow_missing_jail_layers: tuple[Layer, ...] = ()
    """Layers of the decoding workers' jail that a kernel may lack; without this, extraction refuses
    to decode there."""
    task_runner: Literal["threads", "ray", "dask"] = "threads"
    """Where deployments have the shares of several `workers` done: in child runs on any worker of
    the pool, or as tasks on a cluster of Ray or Dask, which the extras `ray` and `dask` install."""
    task_runner_address: str | None = None
    """The cluster of Ray or Dask, such as `ray://head:10001` or `tcp://scheduler:8786`; by default
    one is started for the run, on its machine."""
    share_resources: dict[str, float] = {}
    """What a share takes of the cluster: options of a Ray task, such as `{"num_gpus": 0.5}`, or
    resources that Dask's workers are started with, such as `{"GPU": 1}`."""
    landing: tuple[Landing, ...] = ()
    """Where days appear, a table for each kind of listing; `update` looks there."""
    alarm_webhook: str | None = None
    """An address that `setup-prefect` has alarms posted to, as JSON; by default nobody is told."""
    work_pool_type: Literal["process", "docker", "kubernetes"] = "process"
    """How a worker of the pool that `setup-prefect` makes starts each run: as a process, or as a
    container of its own."""
    site: Path = Path("site")
    """The folder of the site that shows the store, outside of it; `reelstore site` makes it."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings names the arguments
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file."""
        return env_settings, init_settings

    @field_validator("root", mode="before")
    @classmethod
    def _bucket(cls, root: object, info: ValidationInfo) -> object:
        if isinstance(root, str) and _IS_ADDRESS.match(root) and not root.startswith(SCHEME):
            # Its words are not shown: an address may hold a password.
            raise ValueError("a root is a folder, or a bucket as s3://bucket/prefix: correct it")
        if not (isinstance(root, str) and root.startswith(SCHEME)) or "cache" not in info.data:
            return root
        cache_bytes = info.data.get("cache_gigabytes", 1) * 10**9
        try:
            return parse_root(root, info.data["cache"], cache_bytes)
        except Invalid as error:
            raise ValueError(str(error)) from None

    @field_validator("root")
    @classmethod
    def _absolute_root(cls, root: Path | S3Root, info: ValidationInfo) -> Path | S3Root:
        return (info.data["folder"] / root).resolve() if isinstance(root, Path) else root

    @field_validator("cache", "site", "encoder_weights", "text_model", "vocabulary")
    @classmethod
    def _absolute(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        return None if path is None else (info.data["folder"] / path).resolve()

    @field_validator("taxonomy")
    @classmethod
    def _name_or_file(cls, value: str, info: ValidationInfo) -> str:
        file = info.data["folder"] / value
        return str(file.resolve()) if file.is_file() else value

    @property
    def work_limits(self) -> WorkLimits:
        """How much work one video may be."""
        pixels, usual = self.decode_max_pixels, work_limits.DEFAULT
        # Fewer pixels take less, but reading a file and starting on it take what they take.
        following = usual.seconds * max(1.0, pixels / usual.pixels)
        return WorkLimits(pixels, self.decode_max_seconds or following)

    @property
    def runtime(self) -> Runtime:
        """What extraction may use."""
        return Runtime(self.decode_workers, self.work_limits, self.allow_missing_jail_layers)

    def path_of(self, name: Literal["encoder_weights", "vocabulary"]) -> Path:
        """A path that this piece of work needs.

        Raises:
            Invalid: It is not set, or there is no such file.
        """
        path: Path | None = getattr(self, name)
        if path is None and name == "vocabulary" and self.text_model is not None:
            path = self.text_model / "vocab.txt"
        if path is None:
            raise Invalid(
                f"{name} is not set; name a file in {FILE_NAME} or in REELSTORE_{name.upper()}"
            )
        if not path.is_file():
            raise Invalid(f"{name} is {path}, and there is no such file")
        return path


def recipe_of(settings: Settings) -> Recipe:
    """The preset with the settings' own changes.

    Raises:
        Invalid: A change is unknown or out of its range.
    """
    return amend(preset(settings.preset), settings.recipe)


def resize_short_side_of(settings: Settings) -> int | None:
    """The setting, or what the preset says; None where the encoder's own configuration decides."""
    return settings.resize_short_side or _RESIZE_SHORT_SIDE.get(settings.preset)


def load_settings() -> Settings:
    """Read the settings file that REELSTORE_CONFIG names, or the nearest one above this folder.

    Or the checkout's own.

    Raises:
        Invalid: The file cannot be read, or a setting or one of the recipe's is unknown or has a
            wrong value.
    """
    file = _settings_file()
    root = os.environ.get("REELSTORE_ROOT", "")
    if file is None and not (root.startswith(SCHEME) or Path(root).is_absolute()):
        raise Invalid(
            f"there is no {FILE_NAME} here or above: name one in {FILE_VARIABLE}, "
            "or an absolute folder or a bucket in REELSTORE_ROOT"
        )
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8")) if file else {}
        settings = Settings(**{_FOLDER: file.parent if file else Path.cwd(), **written})
    except OSError as error:
        named = (
            f"{FILE_VARIABLE} names {file}, which" if os.environ.get(FILE_VARIABLE) else str(file)
        )
        raise Invalid(
            f"{named} cannot be read ({cause_of(error)}): name a settings file that can"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} cannot be read as TOML: {error}") from error
    except SettingsError as error:
        raise Invalid(
            f"a REELSTORE_ variable is not the JSON that its setting wants: {error}"
        ) from error
    except ValidationError as error:
        fault = error.errors()[0]
        name = ".".join(map(str, fault["loc"]))
        if fault["type"] == "extra_forbidden":
            *table, last = map(str, fault["loc"])
            right = name_right_ones(last, Landing.model_fields if table else _names())
            raise Invalid(f"setting {shown(name)} in {file} is unknown: {right}") from error
        variable = f"{_PREFIX}{fault['loc'][0]}".upper()
        said = fault["msg"].removeprefix("Value error, ")
        raise Invalid(f"setting {name} in {file} or {variable} is wrong: {said}") from error
    try:
        recipe_of(settings)
    except Invalid as error:
        raise Invalid(f"{file or f'{_PREFIX}RECIPE'}: {error}") from error
    return settings


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Say which variables look like settings and are none.

    Args:
        environment: The variables.

    Returns:
        A sentence for each.
    """
    known = [name.upper() for name in (*_names(), *_READ_ELSEWHERE)]
    given = {
        name: name.upper().removeprefix(_PREFIX)
        for name in sorted(environment)
        if name.upper().startswith(_PREFIX)
    }
    unknown = {name: nearest(bare, known) for name, bare in given.items() if bare not in known}
    return [
        f"variable {name} is no setting and is left out"
        + (f": did you mean {_PREFIX}{near}?" if near else "")
        for name, near in unknown.items()
    ]


def _names() -> list[str]:
    return [name for name in Settings.model_fields if name != "folder"]


def _settings_file() -> Path | None:
    named = os.environ.get(FILE_VARIABLE)
    if named:
        return Path(named).resolve()
    folders = [Path.cwd(), *Path.cwd().parents, Path(__file__).resolve().parent.parent]
    return next((folder / FILE_NAME for folder in folders if (folder / FILE_NAME).is_file()), None)
