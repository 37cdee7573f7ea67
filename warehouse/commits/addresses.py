"""Where a commit belongs: a dataset and, where it has them, one of its partitions."""

from dataclasses import dataclass
from pathlib import Path

from warehouse.identifiers import parse_dataset, parse_partition_name


@dataclass(frozen=True)
class Address:
    """A place that has a history of commits and at most one head."""

    dataset: str
    """The folder under the store's root, such as `tables/videos` or `models`."""
    partition: str | None = None
    """The partition's name; None where the dataset has no partitions."""

    def __post_init__(self) -> None:
        """Refuse names that are not safe in a path."""
        parse_dataset(self.dataset)
        if self.partition is not None:
            parse_partition_name(self.partition)

    def __str__(self) -> str:
        """Name the place in a sentence."""
        return (
            self.dataset
            if self.partition is None
            else f"{self.dataset} of partition {self.partition}"
        )

    @property
    def column(self) -> str:
        """The catalog's value for the partition.

        '' for none, as NULL would defeat its unique keys.
        """
        return self.partition or ""

    def folder(self, root: Path) -> Path:
        """Find the folder that holds this place's commits.

        Args:
            root: The store's folder.

        Returns:
            `root/dataset` or `root/dataset/partition=name`.
        """
        folder = root / self.dataset
        return folder if self.partition is None else folder / f"partition={self.partition}"

    def commit_key(self, commit_id: str) -> str:
        """Find the key of one commit's files, which ends in the first 16 digits of its id."""
        partition = "" if self.partition is None else f"/partition={self.partition}"
        return f"{self.dataset}{partition}/{commit_id[:16]}"

    def commit_folder(self, root: Path, commit_id: str) -> Path:
        """Find the folder of one commit.

        Args:
            root: The store's place.
            commit_id: The commit's id, 64 hexadecimal digits.

        Returns:
            The folder, named by the first 16 digits.
        """
        return root / self.commit_key(commit_id)


def address_of(dataset: str, column: str) -> Address:
    """Read an address back from the catalog's columns.

    Args:
        dataset: The dataset.
        column: The partition, '' for none.

    Returns:
        The address.
    """
    return Address(dataset, column or None)
