import pytest

from flows.commands.work import typed_value


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
