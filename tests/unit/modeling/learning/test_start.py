import pytest

from modeling.configuration import Recipe
from modeling.learning.start import check_sizes
from warehouse.errors import Invalid


def test_a_pretrained_encoder_of_other_sizes_is_refused(recipe: Recipe) -> None:
    check_sizes(recipe.model.model_copy(update={"reads": "pooled", "dropout": 0.3}), recipe.model)
    with pytest.raises(Invalid, match="the pretrained encoder has width 32 instead of 16"):
        check_sizes(recipe.model.model_copy(update={"width": 32}), recipe.model)
