import pytest

from warehouse.errors import Invalid
from warehouse.shares import cut, refuse_shares


def test_items_of_several_parts_are_cut_into_shares_of_equal_size_each_item_once() -> None:
    assert cut([5, 0, 3], 2) == [[(0, range(4))], [(0, range(4, 5)), (2, range(3))]]
    sizes = [7, 1, 0, 12, 3]
    for num_shares in (1, 2, 5, 40):
        shares = cut(sizes, num_shares)
        items = [(place, index) for share in shares for place, part in share for index in part]
        assert items == [
            (place, index) for place, size in enumerate(sizes) for index in range(size)
        ]
        lengths = [sum(map(len, (part for _, part in share))) for share in shares]
        assert max(lengths) - min(lengths) <= 1
        assert len(shares) == num_shares


def test_work_cannot_be_shared_where_there_are_no_other_processes() -> None:
    with pytest.raises(Invalid, match="no 3 workers here to share the work: leave"):
        refuse_shares("extract-chunks", [1, 2, 3], print)
