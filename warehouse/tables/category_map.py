"""Which category of a new taxonomy each category of an older one has become."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from warehouse.errors import Invalid
from warehouse.identifiers import shown
from warehouse.tables.taxonomy import Taxonomy

_NUM_NAMED = 5


@dataclass(frozen=True)
class CategoryMap:
    """From one taxonomy to another: renamed and merged categories, none divided."""

    new: Taxonomy
    targets: Mapping[str, str]
    """The new category of each older one, by id."""

    def place_of(self, category_id: str) -> int:
        """The place in the new taxonomy of an older category."""
        return self.new.index_of(self.targets[category_id])


def parse_renamed(words: Iterable[str]) -> dict[str, str]:
    """Read pairs OLD=NEW.

    Raises:
        Invalid: A word is no such pair, or one category would become two.
    """
    renamed: dict[str, str] = {}
    for word in words:
        old, equals, new = (part.strip() for part in word.partition("="))
        if not (old and equals and new):
            raise Invalid(f"{shown(word)} is no pair of categories: write it as OLD=NEW")
        if renamed.get(old, new) != new:
            raise Invalid(
                f"category {shown(old)} would be split into {renamed[old]} and {shown(new)}, and no"
                " map tells which video is which: relabel its videos by reelstore ingest"
                " corrections, then train again"
            )
        renamed[old] = new
    return renamed


def map_categories(old: Taxonomy, new: Taxonomy, renamed: Mapping[str, str]) -> CategoryMap:
    """Say what each category becomes: what it is renamed to, or the new category of the same id.

    Args:
        old: The taxonomy that labels or a model are of.
        new: The one that they are to be of.
        renamed: New ids by old id.

    Raises:
        Invalid: A category has no place in the new taxonomy.
    """
    targets = {
        category_id: renamed.get(category_id, category_id) for category_id in old.category_ids
    }
    homeless = [category_id for category_id, target in targets.items() if target not in new]
    if homeless:
        names = ", ".join(homeless[:_NUM_NAMED])
        names += ", …" if len(homeless) > _NUM_NAMED else ""
        raise Invalid(
            f"taxonomy {new.name} has no place for {len(homeless)} categories of {old.name}"
            f" ({names}): say what each becomes by --map OLD=NEW"
        )
    return CategoryMap(new, targets)
