import traceback
from pathlib import Path

import pytest

from featurestore.extraction.decoding.isolation.jail import Layer
from featurestore.extraction.work_limits import DEFAULT, WorkLimits
from flows import settings
from flows.settings import load_settings
from warehouse.errors import Invalid
from warehouse.storage.s3.s3_root import S3Root


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("REELSTORE_CONFIG", "REELSTORE_ROOT"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project"
    (folder / "below").mkdir(parents=True)
    monkeypatch.chdir(folder / "below")
    return folder / "reelstore.toml"


def test_the_nearest_file_above_is_read_and_its_paths_are_meant_from_its_folder(file: Path) -> None:
    file.write_text('root = "data"\nvocabulary = "vocab.txt"\n')
    found = load_settings()
    assert found.root == file.parent / "data"
    assert found.vocabulary == file.parent / "vocab.txt"


def test_the_environment_goes_before_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('root = "data"\n')
    monkeypatch.setenv("REELSTORE_ROOT", "/elsewhere")
    assert load_settings().root == Path("/elsewhere")


def test_a_root_may_be_a_bucket_with_a_cache_on_this_machine(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('root = "s3://videos/store"\ncache = "near"\ncache_gigabytes = 2\n')
    wanted = S3Root("videos", "store", file.parent / "near", 2 * 10**9)
    assert load_settings().root == wanted
    monkeypatch.setenv("REELSTORE_ROOT", "s3://videos/other/")
    assert str(load_settings().root) == "s3://videos/other"


@pytest.mark.parametrize(
    "root",
    ["gs://videos/store", "https://me:s3cr3t@s3.example/videos", "S3://videos", "s3:/videos"],
)
def test_a_root_that_is_an_address_of_another_kind_is_no_folder(file: Path, root: str) -> None:
    file.write_text(f'root = "{root}"\n')
    with pytest.raises(Invalid, match="wrong: a root is a folder, or a bucket as s3://") as raised:
        load_settings()
    assert "s3cr3t" not in str(raised.value)


def test_a_root_with_keys_in_it_is_refused_without_showing_them(file: Path) -> None:
    file.write_text('root = "s3://name:s3cr3t@videos/store"\n')
    with pytest.raises(Invalid, match="AWS_SECRET_ACCESS_KEY") as raised:
        load_settings()
    assert "s3cr3t" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("written", "pixels", "seconds"),
    [
        ("", DEFAULT.pixels, DEFAULT.seconds),
        (f"decode_max_pixels = {2 * DEFAULT.pixels}", 2 * DEFAULT.pixels, 2 * DEFAULT.seconds),
        ("decode_max_pixels = 1000", 1000, DEFAULT.seconds),
        (
            f"decode_max_pixels = {2 * DEFAULT.pixels}\ndecode_max_seconds = 5",
            2 * DEFAULT.pixels,
            5,
        ),
    ],
)
def test_the_time_limit_follows_the_pixels_unless_it_is_set(
    file: Path, written: str, pixels: int, seconds: float
) -> None:
    file.write_text(written)
    assert load_settings().work_limits == WorkLimits(pixels, seconds)


@pytest.mark.parametrize(
    "written",
    [
        "decode_max_pixels = 0",
        "decode_max_seconds = 0",
        "decode_max_seconds = inf",
        "decode_max_pixels = 1.5",
    ],
)
def test_a_limit_that_is_none_is_refused(file: Path, written: str) -> None:
    file.write_text(written)
    with pytest.raises(Invalid, match=written.split(" ", maxsplit=1)[0]):
        load_settings()


def test_a_named_file_goes_before_the_nearest(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('root = "data"\n')
    (tmp_path / "other.toml").write_text('root = "other"\n')
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "other.toml"))
    assert load_settings().root == tmp_path / "other"


def test_without_a_file_above_the_checkouts_own_is_read(file: Path) -> None:
    assert load_settings().root == Path(__file__).parents[3] / "store"
    assert not file.exists()


@pytest.mark.parametrize(
    ("text", "pixels"),
    [
        ("", None),
        ('preset = "published"', 256),
        ('preset = "demo"', None),
        ("resize_short_side = 240", 240),
        ('preset = "published"\nresize_short_side = 240', 240),
    ],
)
def test_a_presets_resize_gives_way_to_the_setting(
    file: Path, text: str, pixels: int | None
) -> None:
    file.write_text(text)
    assert settings.resize_short_side_of(load_settings()) == pixels


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("root = ", "TOML"),
        ('rot = "store"', r"setting 'rot' .* did you mean root\? the right ones are cache, "),
        (
            "[recipe.finetuning]\nepoch = 3",
            r"'epoch': did you mean epochs\? the right ones are batch_size, ",
        ),
        (
            "[recipe.fine]\nepochs = 3",
            r"no section 'fine': did you mean fusion\? the right ones are fusion, model, ",
        ),
        ("[recipe.model]\nwidth = 0", "model.width"),
        ('preset = "huge"', "setting preset"),
        ("decode_workers = 0", "setting decode_workers"),
        ("resize_short_side = 0", "setting resize_short_side"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(file: Path, text: str, named: str) -> None:
    file.write_text(text)
    with pytest.raises(Invalid, match=named) as caught:
        load_settings()
    assert str(file) in str(caught.value)


def test_a_variable_that_is_not_the_json_it_should_be_gets_a_sentence(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("")
    monkeypatch.setenv("REELSTORE_RECIPE", "epochs=3")
    with pytest.raises(Invalid, match="recipe"):
        load_settings()


@pytest.mark.parametrize(
    ("root", "refused"), [(None, True), ("store", True), ("/srv/store", False)]
)
def test_without_any_file_the_root_must_be_absolute(
    file: Path,  # noqa: ARG001 - moves to a folder without one
    monkeypatch: pytest.MonkeyPatch,
    root: str | None,
    refused: bool,
) -> None:
    monkeypatch.setattr(settings, "_settings_file", lambda: None)
    if root:
        monkeypatch.setenv("REELSTORE_ROOT", root)
    if refused:
        with pytest.raises(Invalid, match="REELSTORE_ROOT"):
            load_settings()
    else:
        assert load_settings().root == Path("/srv/store")


def test_the_text_models_vocabulary_is_the_default(file: Path) -> None:
    file.write_text('text_model = "roberta"\n')
    (file.parent / "roberta").mkdir()
    (file.parent / "roberta" / "vocab.txt").write_text("[PAD]\n")
    assert load_settings().path_of("vocabulary") == file.parent / "roberta" / "vocab.txt"


@pytest.mark.parametrize("written", ["", 'encoder_weights = "gone.pth"'])
def test_a_missing_file_is_named_with_what_to_set(file: Path, written: str) -> None:
    file.write_text(written)
    with pytest.raises(Invalid, match="encoder_weights is"):
        load_settings().path_of("encoder_weights")


def test_layers_of_the_jail_that_may_be_missing_are_named_one_by_one(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('allow_missing_jail_layers = ["landlock_files"]\n')
    assert load_settings().allow_missing_jail_layers == (Layer.LANDLOCK_FILES,)
    monkeypatch.setenv("REELSTORE_ALLOW_MISSING_JAIL_LAYERS", '["walls"]')
    with pytest.raises(Invalid, match=r"allow_missing_jail_layers.*'seccomp'"):
        load_settings()


def test_a_named_file_that_is_not_there_is_named_with_its_variable(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for named, problem in (
        (file.parent / "gone.toml", "no such file"),
        (file.parent, "is a directory"),
    ):
        monkeypatch.setenv("REELSTORE_CONFIG", str(named))
        with pytest.raises(
            Invalid, match=f"REELSTORE_CONFIG names {named}, which cannot be read .{problem}"
        ):
            load_settings()


def test_a_variable_that_only_looks_like_a_setting_is_named_with_the_nearest() -> None:
    known = (
        "REELSTORE_ROOT",
        "REELSTORE_CONFIG",
        "REELSTORE_FAULTS",
        "REELSTORE_SAMPLES",
        "REELSTORE_GIT_REVISION",
    )
    given = dict.fromkeys(
        (*known, "reelstore_preset", "HOME", "REELSTORE_ENCODER_WEIGHT", "REELSTORE_QUX"), "1"
    )
    assert settings.unknown_variables(given) == [
        (
            "variable REELSTORE_ENCODER_WEIGHT is no setting and is left out: did you mean"
            " REELSTORE_ENCODER_WEIGHTS?"
        ),
        "variable REELSTORE_QUX is no setting and is left out",
    ]


def test_no_variable_moves_the_folder_that_paths_are_meant_from(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("")
    for name in ("SETTINGS_FOLDER", "REELSTORE_FOLDER", "FOLDER"):
        monkeypatch.setenv(name, "/elsewhere")
    assert load_settings().root == file.parent / "store"
