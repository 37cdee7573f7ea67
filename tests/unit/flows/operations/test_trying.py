import itertools
import json
from unittest.mock import Mock

import pytest
from typer.testing import CliRunner

from featurestore.extraction.encoding.execution_modes import ComparedMode
from flows.commands.features import app
from flows.operations import trying
from flows.operations.trying import try_recipe
from flows.settings import load_settings
from tests.unit.flows.conftest import everything
from warehouse import commits
from warehouse.errors import Invalid
from warehouse.store import Store


def test_a_trial_says_what_fails_and_what_the_partition_would_take(house: Store) -> None:
    seconds = itertools.count(step=2.0)
    whole = try_recipe(
        house, load_settings(), "labeled", 1000, "first", clock=lambda: next(seconds)
    )
    assert whole.tried == whole.contents == sum(whole.outcomes.values())
    assert whole.outcomes["ok"] > len(whole.failed) > 0
    assert (whole.seconds, whole.estimated_seconds) == (2.0, 2.0)
    few = try_recipe(house, load_settings(), "labeled", 4, "first", clock=lambda: next(seconds))
    assert (few.tried, few.videos_per_second) == (4, 2.0)
    assert few.estimated_seconds == whole.contents / 2


def test_a_sample_is_the_same_each_time_and_not_the_first_videos(house: Store) -> None:
    one, again, first = (
        try_recipe(house, load_settings(), "labeled", 6, choice)
        for choice in ("sample", "sample", "first")
    )
    assert (one.outcomes, one.failed) == (again.outcomes, again.failed)
    assert one.fingerprint == first.fingerprint


def test_a_trial_publishes_nothing(house: Store) -> None:
    before = everything(house)
    said = CliRunner().invoke(app, ["try-recipe", "labeled", "--limit", "3"])
    assert said.exit_code == 0
    assert "tried 3 of the" in said.stdout
    assert "nothing was published" in said.stdout
    said = CliRunner().invoke(app, ["try-recipe", "labeled", "--sample", "3", "--json"])
    assert json.loads(said.stdout)["tried"] == 3
    assert everything(house) == before
    assert not [name for name in commits.datasets(house) if name.startswith(("features", "specs"))]


@pytest.mark.usefixtures("house")
def test_a_trial_says_whether_another_execution_mode_is_worth_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def say(outcome: ComparedMode | Invalid) -> str:
        monkeypatch.setattr(trying, "compare_modes", Mock(side_effect=[outcome]))
        return CliRunner().invoke(app, ["try-recipe", "labeled", "--limit", "1"]).stdout

    assert 'encoder_execution_mode = "openvino" is faster' in say(
        ComparedMode("openvino", 1.33, 0.999999)
    )
    assert "eager serves here" in say(ComparedMode("openvino", 1.05, 0.999999))
    assert "install reelstore[openvino]" in say(Invalid("install reelstore[openvino]"))


def test_mistakes_are_told_in_a_sentence(house: Store) -> None:
    both = CliRunner().invoke(app, ["try-recipe", "labeled", "--limit", "3", "--sample", "3"])
    assert isinstance(both.exception, Invalid)
    assert "name one" in str(both.exception)
    with pytest.raises(Invalid, match="nowhere"):
        try_recipe(house, load_settings(), "nowhere", 3, "first")
