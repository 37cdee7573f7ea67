import pytest

from featurestore.progress.reasons import RETRYABLE, Reason, parse_retryable
from warehouse.errors import Invalid


def test_reasons_that_may_pass_are_accepted_once_each() -> None:
    asked = [Reason.WORKER_DIED, "decode_timeout", "worker_died"]
    assert parse_retryable(asked) == (Reason.DECODE_TIMEOUT, Reason.WORKER_DIED)
    assert parse_retryable(RETRYABLE) == RETRYABLE


@pytest.mark.parametrize(
    ("codes", "sentence"),
    [
        (
            ["decode_timeout", "not_media"],
            "not_media is permanent: it stands until the video's bytes, .* media_missing",
        ),
        (["timeout"], "no reason 'timeout'; those that may pass are media_missing"),
        (["ok"], "no reason 'ok'"),
        ([], "needs a reason"),
    ],
)
def test_any_other_gets_a_sentence_that_names_those_there_are(
    codes: list[str], sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        parse_retryable(codes)
