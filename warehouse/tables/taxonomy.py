"""The categories that a label may name, in two levels."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from warehouse.errors import Invalid, cause_of
from warehouse.identifiers import shown

_SHIPPED = Path(__file__).parent / "taxonomies"
_REQUIRED = ("category_id", "level1_id")
_OPTIONAL = ("name", "level1_name", "label_count")


@dataclass(frozen=True)
class Category:
    """One category of the second level."""

    category_id: str
    """Its id, such as `0007`."""
    level1_id: str
    """The id of the first-level group that it belongs to, such as `00`."""
    name: str = ""
    """Its name for people, where the taxonomy gives one."""
    level1_name: str = ""
    """Its group's name for people, where the taxonomy gives one."""


@dataclass(frozen=True)
class Taxonomy:
    """All categories, sorted by id: their order is that of a model's outputs."""

    name: str
    """What it is called: a shipped name, or the file's."""
    categories: tuple[Category, ...]
    """The categories by category id."""

    def __len__(self) -> int:
        """Count the categories."""
        return len(self.categories)

    @property
    def category_ids(self) -> list[str]:
        """The ids in order."""
        return [category.category_id for category in self.categories]

    @property
    def level1_ids(self) -> list[str]:
        """The ids of the first level, sorted, each once."""
        return sorted({category.level1_id for category in self.categories})

    def __contains__(self, category_id: object) -> bool:
        """Tell whether a category is known."""
        return category_id in self._index

    def index_of(self, category_id: str) -> int:
        """Find a category's place among a model's outputs.

        Args:
            category_id: The category.

        Returns:
            Its index.

        Raises:
            Invalid: The taxonomy has no such category.
        """
        if category_id not in self._index:
            raise Invalid(
                f"category_id {shown(category_id)} is not in taxonomy {self.name}: correct it, or"
                " name its taxonomy"
            )
        return self._index[category_id]

    def ids_of(self, places: Iterable[int]) -> list[str]:
        """Name categories.

        Args:
            places: Their places among a model's outputs.

        Returns:
            Their ids.
        """
        return [self.categories[place].category_id for place in places]

    def level1_of(self, category_id: str) -> str:
        """Find a category's first-level group.

        Args:
            category_id: The category.

        Returns:
            The group's id.

        Raises:
            Invalid: The taxonomy has no such category.
        """
        return self.categories[self.index_of(category_id)].level1_id

    @cached_property
    def groups(self) -> tuple[int, ...]:
        """Which of `level1_ids` each category is in, counted from 0."""
        places = {level1_id: place for place, level1_id in enumerate(self.level1_ids)}
        return tuple(places[category.level1_id] for category in self.categories)

    def to_csv(self) -> bytes:
        """Write the taxonomy as it is kept beside labels and models.

        Returns:
            UTF-8 CSV with a header, the same bytes for the same categories.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("category_id", "level1_id", "name", "level1_name"))
        for category in self.categories:
            writer.writerow(
                (category.category_id, category.level1_id, category.name, category.level1_name)
            )
        return text.getvalue().encode()

    @cached_property
    def _index(self) -> dict[str, int]:
        return {category_id: index for index, category_id in enumerate(self.category_ids)}


def load_taxonomy(name_or_path: str | Path) -> Taxonomy:
    """Load a taxonomy that is shipped, or one's own.

    Args:
        name_or_path: `wechat2022`, or the path of a CSV file.

    Returns:
        The taxonomy.

    Raises:
        Invalid: There is no such file, or a row of it is wrong.
    """
    shipped = _SHIPPED / f"{name_or_path}.csv"
    try:
        path = shipped if shipped.parent == _SHIPPED and shipped.is_file() else Path(name_or_path)
        payload = path.read_bytes()
    except OSError as error:
        names = ", ".join(sorted(known.stem for known in _SHIPPED.glob("*.csv")))
        raise Invalid(
            f"taxonomy {name_or_path} cannot be read ({cause_of(error)}): give a CSV file, or one"
            f" of: {names}"
        ) from error
    return parse_taxonomy(payload, path.stem, str(path))


def parse_taxonomy(payload: bytes, name: str, source: str) -> Taxonomy:
    """Read a taxonomy's CSV.

    Args:
        payload: UTF-8 CSV with the columns category_id, level1_id and optionally name, level1_name,
            label_count.
        name: What the taxonomy is called.
        source: The file's name in messages.

    Returns:
        The taxonomy.

    Raises:
        Invalid: It is not such a CSV, or a row of it is wrong.
    """
    try:
        text = payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(
            f"taxonomy {source} is not UTF-8 at byte {error.start}: save it as UTF-8"
        ) from error
    found: dict[str, Category] = {}
    for row, fields in _rows(text, source):
        category = Category(
            *(
                fields.get(column, "")
                for column in ("category_id", "level1_id", "name", "level1_name")
            )
        )
        if not category.category_id or not category.level1_id:
            raise Invalid(
                f"taxonomy {source}, row {row} has an empty category_id or level1_id: give both"
            )
        if category.category_id in found:
            raise Invalid(
                f"taxonomy {source}, row {row} repeats category_id {shown(category.category_id)}:"
                " keep one row"
            )
        found[category.category_id] = category
    if not found:
        raise Invalid(f"taxonomy {source} has no rows: give one for each category")
    return Taxonomy(name, tuple(found[category_id] for category_id in sorted(found)))


def _rows(text: str, source: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = [column.strip() for column in reader.fieldnames or ()]
        _check_columns(columns, source)
        reader.fieldnames = columns
        for row, fields in enumerate(reader, start=1):
            if None in fields or None in fields.values():
                raise Invalid(
                    f"taxonomy {source}, row {row} has not {len(columns)} fields as the header has:"
                    " correct it"
                )
            yield row, {column: value.strip() for column, value in fields.items()}
    except csv.Error as error:
        raise Invalid(
            f"taxonomy {source} is not a CSV file at line {reader.line_num} ({error}): correct it"
        ) from error


def _check_columns(columns: list[str], source: str) -> None:
    for column in _REQUIRED:
        if column not in columns:
            raise Invalid(
                f"taxonomy {source} has no column {column}: its first line must name"
                f" {' and '.join(_REQUIRED)}"
            )
    for column in columns:
        if column not in _REQUIRED + _OPTIONAL or columns.count(column) > 1:
            known = ", ".join(_REQUIRED + _OPTIONAL)
            raise Invalid(
                f"taxonomy {source} has an unexpected column {shown(column)}: known are {known},"
                " each once"
            )
