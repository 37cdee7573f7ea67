from warehouse.errors import Conflict, Corrupt, Invalid, ReelstoreError, Rejected, Retryable


def test_every_error_has_one_root_and_a_code_of_its_own() -> None:
    kinds = (Rejected, Retryable, Conflict, Corrupt, Invalid)
    assert all(issubclass(kind, ReelstoreError) for kind in kinds)
    assert {kind.code for kind in kinds} == {
        "rejected",
        "retryable",
        "conflict",
        "corrupt",
        "invalid",
    }


def test_rejection_keeps_its_reason_beside_its_sentence() -> None:
    error = Rejected("decode_failed", "video 7 holds no frame")
    assert (error.reason, str(error)) == ("decode_failed", "video 7 holds no frame")
    assert str(Invalid("row 3 is wrong")) == "row 3 is wrong"
