"""A flow's parameters as typed in a terminal, and the page that explains them."""

from typing import Any

import pytest

from flows.commands.flow_words import parse_words, typed_value
from flows.operations.calls import FLOWS, find_call
from tests.unit.flows.conftest import Run
from warehouse.errors import Invalid


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("20261120", "20261120"),
        ("12e45678", "12e45678"),
        ("labeled", "labeled"),
        ('["text"]', ["text"]),
        ("true", True),
        ("null", None),
        ("[broken", "[broken"),
    ],
)
def test_names_stay_text_and_only_lists_objects_and_constants_are_json(
    word: str, value: object
) -> None:
    assert typed_value(word) == value


@pytest.mark.parametrize(
    ("flow", "words", "values"),
    [
        ("score-partitions", "--partition 2026-11-20", {"partition": "2026-11-20"}),
        ("score-partitions", "--partition=2026-11-20", {"partition": "2026-11-20"}),
        ("score-partitions", "partition=2026-11-20", {"partition": "2026-11-20"}),
        ("train-classifier", "--views frames --seed 3", {"views": ["frames"], "seed": "3"}),
        ("train-classifier", "--views frames text", {"views": ["frames", "text"]}),
        ("train-classifier", "views=frames,text", {"views": ["frames", "text"]}),
        ("train-classifier", 'views=["text"]', {"views": ["text"]}),
        ("extract-features", "--retry decode_timeout", {"retry": ["decode_timeout"]}),
        ("ingest-videos", "--rehash --role score", {"rehash": True, "role": "score"}),
        ("train-classifier", "--as-of 2026-11-20T08:00Z", {"as_of": "2026-11-20T08:00Z"}),
    ],
)
def test_parameters_are_read_as_typed(flow: str, words: str, values: dict[str, Any]) -> None:
    assert parse_words(find_call(flow).parameters, words.split()) == values


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("2026-11-20", "'2026-11-20' is no parameter"),
        ("--partition", "'partition' has no value"),
        ("--partition a b", "'partition' has 2 values and takes one"),
    ],
)
def test_a_word_that_belongs_nowhere_is_named(words: str, named: str) -> None:
    with pytest.raises(Invalid, match=named):
        parse_words(find_call("score-partitions").parameters, words.split())


@pytest.mark.parametrize("flow", FLOWS)
def test_the_help_of_a_flow_has_every_parameter_with_its_meaning(run: Run, flow: str) -> None:
    status, out, _ = run("run", flow, "--help")
    assert status == 0
    for name, field in find_call(flow).parameters.model_fields.items():
        assert f"--{name.replace('_', '-')} (" in out
        assert str(field.description) in out


def test_the_help_of_run_names_every_flow(run: Run) -> None:
    status, out, _ = run("run", "--help")
    assert status == 0
    assert all(f"  {flow}: " in out for flow in FLOWS)
