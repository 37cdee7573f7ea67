from pathlib import Path

import pytest
from typer.testing import CliRunner

from featurestore import wanted
from featurestore.views.spec import short
from flows.commands.recipes import app
from flows.demo.encoder import shipped_encoder
from flows.operations import wanted_specs
from flows.settings import load_settings
from warehouse.store import Store


def say(*words: str) -> list[str]:
    said = CliRunner().invoke(app, ["apply", *words])
    assert said.exit_code == 0, said.output
    return said.stdout.splitlines()


def test_apply_shows_what_changes_field_by_field_and_freezes_only_without_dry_run(
    house: Store, tmp_path: Path
) -> None:
    planned = say("--dry-run")
    assert [line.split(" -> ")[0] for line in planned] == ["frames: nothing", "text: nothing"]
    assert wanted.wanted(house) == {}
    assert say() == planned
    first = wanted.wanted(house)
    assert first is not None
    unchanged = {view: f"{view}: {short(first[view])}, unchanged" for view in first}
    assert say() == list(unchanged.values())

    settings = tmp_path / "reelstore.toml"
    settings.write_text('encoder_precision = "bfloat16"\n' + settings.read_text())
    changed = say()
    second = wanted.wanted(house)
    assert second is not None
    assert changed == [
        f"frames: {short(first['frames'])} -> {short(second['frames'])}",
        "  precision: float32 -> bfloat16",
        unchanged["text"],
    ]
    assert second["text"] == first["text"] != second["frames"] != first["frames"]


@pytest.mark.usefixtures("house")
def test_a_drawn_corpus_keeps_the_recipe_that_the_shipped_encoder_was_trained_with() -> None:
    _, card = shipped_encoder()
    spec = wanted_specs.frame_spec(load_settings())
    for name in ("resize_short_side", "crop", "resize_filter", "encoder", "embedding_dim"):
        assert getattr(spec, name) == getattr(card, name)
    assert [list(spec.mean), list(spec.std)] == [list(card.mean), list(card.std)]
    assert spec.crop_mode == "center"


@pytest.mark.parametrize("key", ["encoder_precision", "no_such_setting"])
def test_a_wrong_setting_is_refused_and_freezes_nothing(
    house: Store, tmp_path: Path, key: str
) -> None:
    settings = tmp_path / "reelstore.toml"
    settings.write_text(f'{key} = "half"\n' + settings.read_text())
    said = CliRunner().invoke(app, ["apply"])
    assert said.exit_code != 0
    assert key in str(said.exception)
    assert wanted.wanted(house) == {}
