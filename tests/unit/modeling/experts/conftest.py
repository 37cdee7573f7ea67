from collections.abc import Callable

import numpy as np
import pytest

from modeling.experts.panel import Labelled
from tests.unit.modeling.conftest import SyntheticExamples

GROUP = np.array([0, 0, 1, 1])


@pytest.fixture(scope="session")
def make_labelled(
    make_examples: Callable[..., SyntheticExamples],
) -> Callable[..., Labelled]:
    """Examples of which three quarters are learned from and one chooses."""

    def make(num_examples: int = 200, **missing: tuple[int, ...]) -> Labelled:
        examples = make_examples(num_examples, **missing)
        return Labelled(
            examples,
            np.flatnonzero(~examples.is_validation),
            np.flatnonzero(examples.is_validation),
            GROUP,
        )

    return make
