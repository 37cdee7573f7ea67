"""What the page of likely mislabelled videos tells."""

from datetime import datetime

from featurestore import wanted
from featurestore.views.heads import address
from flows.operations.site_contents.strips import Strips, collect_strips
from modeling.evaluation.site.mistakes_page import MistakeRow, Mistakes
from modeling.mistakes import find_mistakes
from warehouse import commits, tables
from warehouse.errors import Invalid
from warehouse.reporting import Reporter
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy


def mistake_sources(store: Store) -> list[str]:
    """Name what the page is made from: listings, labels and features of the labelled partitions."""
    recipes = wanted.wanted(store)
    sources = [f"{view} {fingerprint}" for view, fingerprint in sorted(recipes.items())]
    for partition in tables.video_partitions(store, "labeled"):
        heads = [partition.commit, tables.labels_commit(store, partition.name)]
        heads += [
            commits.head(store, address(view, fingerprint, partition.name))
            for view, fingerprint in sorted(recipes.items())
        ]
        sources += ["-" if head is None else head.id for head in heads]
    return sources


def read_mistakes(store: Store, now: datetime, reporter: Reporter) -> tuple[Mistakes, Strips]:
    """Find the labels that the others contradict.

    Args:
        store: Where labels and features are.
        now: In UTC.
        reporter: Is told how far it is.
    """
    try:
        found = find_mistakes(store, now, reporter=reporter)
    except Invalid as error:
        return Mistakes(problem=f"Nothing can be said of the labels yet: {error}."), Strips()
    taxonomy = _taxonomy(store)
    if found.is_empty() or taxonomy is None:
        return Mistakes(), Strips()
    shown = {
        str(partition): set(rows["video_id"])
        for (partition,), rows in found.group_by("partition", maintain_order=True)
    }
    strips = collect_strips(store, wanted.wanted(store).get("frames"), shown)
    categories = {category.category_id: category for category in taxonomy.categories}
    rows = [
        MistakeRow(
            partition=row["partition"],
            video_id=row["video_id"],
            title=row["title"] or "",
            label=categories[row["category_id"]],
            proposed=categories[row["proposed_category_id"]],
            probability=row["probability"],
            annotator=row["annotator"],
            strip=strips.paths.get((row["partition"], row["video_id"])),
        )
        for row in found.iter_rows(named=True)
    ]
    return Mistakes(rows), strips


def _taxonomy(store: Store) -> Taxonomy | None:
    labels = {
        partition.name: commit
        for partition in tables.video_partitions(store, "labeled")
        if (commit := tables.labels_commit(store, partition.name)) is not None
    }
    return tables.shared_taxonomy(labels)
