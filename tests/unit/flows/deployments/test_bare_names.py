import sys
from pathlib import Path

import pytest

from flows.deployments.bare_names import setup_environment, with_flow_names
from flows.operations.calls import FLOWS

ROOT = Path(__file__).parents[4]
RUN = ["prefect", "deployment", "run"]


@pytest.mark.parametrize("name", FLOWS)
def test_a_bare_name_is_read_as_flow_and_deployment(name: str) -> None:
    assert with_flow_names([*RUN, name, "--watch"]) == [*RUN, f"{name}/{name}", "--watch"]
    assert with_flow_names([*RUN, "--watch", name]) == [*RUN, "--watch", f"{name}/{name}"]


@pytest.mark.parametrize(
    "argv",
    [
        [*RUN, "extract-features/extract-features"],
        [*RUN, "somebody-elses"],
        ["prefect", "deployment", "inspect", "extract-features"],
        ["prefect", "deployment", "run"],
        ["prefect"],
        [],
    ],
)
def test_every_other_command_is_left_as_typed(argv: list[str]) -> None:
    assert with_flow_names(argv) == argv


def test_the_hook_rewrites_the_command_and_keeps_telemetry_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", [*RUN, "train-classifier"])
    result = setup_environment(ctx=None)  # type: ignore[arg-type]
    assert sys.argv == [*RUN, "train-classifier/train-classifier"]
    assert result.env == {"DO_NOT_TRACK": "1"}


def test_the_plugin_stays_small() -> None:
    assert len((ROOT / "flows" / "deployments" / "bare_names.py").read_text().splitlines()) < 40
