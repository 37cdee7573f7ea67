from pathlib import Path

import pytest

from warehouse.errors import Invalid
from warehouse.tables.taxonomy import Taxonomy, load_taxonomy, parse_taxonomy


def test_shipped_taxonomy_has_the_categories_of_the_challenge() -> None:
    taxonomy = load_taxonomy("wechat2022")
    assert (len(taxonomy), len(taxonomy.level1_ids)) == (200, 23)
    assert taxonomy.category_ids == sorted(taxonomy.category_ids)
    assert [taxonomy.index_of(category_id) for category_id in taxonomy.category_ids] == list(
        range(200)
    )
    assert all(
        category.category_id.startswith(category.level1_id) for category in taxonomy.categories
    )


def test_taxonomy_of_ones_own_is_sorted_and_written_back(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("\ufeffcategory_id, level1_id, name\nb,1,乙\na,1,甲\n", encoding="utf-8")
    taxonomy = load_taxonomy(path)
    assert (taxonomy.name, taxonomy.category_ids, taxonomy.level1_of("b")) == (
        "mine",
        ["a", "b"],
        "1",
    )
    assert parse_taxonomy(taxonomy.to_csv(), "mine", "copy") == taxonomy


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("category_id\n1\n", "no column level1_id"),
        ("category_id,level1_id,colour\na,1,red\n", "unexpected column 'colour'"),
        ("category_id,level1_id,name,name\na,1,x,y\n", "unexpected column 'name'"),
        ("category_id,level1_id\na,1\na,2\n", "row 2 repeats category_id 'a'"),
        ("category_id,level1_id\na,1\n,2\n", "row 2 has an empty category_id"),
        ("category_id,level1_id\na,1\nb\n", "row 2 has not 2 fields"),
        ("category_id,level1_id\na,1,2\n", "row 1 has not 2 fields"),
        ('category_id,level1_id\n"a,1\n', "not a CSV file at line"),
        ("category_id,level1_id\n", "has no rows"),
        ("", "no column category_id"),
    ],
)
def test_wrong_taxonomy_is_refused_with_its_row(text: str, problem: str) -> None:
    with pytest.raises(Invalid, match=rf"taxonomy mine\.csv.*{problem}"):
        parse_taxonomy(text.encode(), "mine", "mine.csv")


def test_unreadable_taxonomy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"nowhere\.csv cannot be read .*wechat2022"):
        load_taxonomy(tmp_path / "nowhere.csv")
    with pytest.raises(Invalid, match="not UTF-8 at byte 22"):
        parse_taxonomy("category_id,level1_id\n的,1\n".encode("gbk"), "mine", "mine.csv")


def test_unknown_category_is_refused(taxonomy: Taxonomy) -> None:
    assert "0000" in taxonomy
    assert "0200" not in taxonomy
    with pytest.raises(Invalid, match="'0200' is not in taxonomy letters"):
        taxonomy.level1_of("0200")
