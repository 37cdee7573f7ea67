import numpy as np

from modeling.learning.inputs.blocks import draw


def test_rows_are_drawn_once_each_in_order_and_the_same_each_time() -> None:
    rows = np.arange(0, 3000, 3)
    drawn = draw(rows, 100)
    assert len(set(drawn.tolist())) == 100
    assert set(drawn.tolist()) < set(rows.tolist())
    assert drawn.tolist() == sorted(drawn.tolist()) == draw(rows, 100).tolist()
    assert draw(rows, 1000) is rows
