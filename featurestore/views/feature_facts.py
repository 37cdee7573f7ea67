"""What the commits of features and of their recipes say of themselves."""

from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from warehouse.commits import Facts


class FeatureFacts(Facts):
    """What a commit of a view of a partition is, or a refused ledger; a view may add its own."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="allow")

    fingerprint: str = ""
    """Of the recipe, 64 hexadecimal digits."""
    input_sha256: str = ""
    """Of what the view reads of the listing that it was made from."""
    outcomes: dict[str, int] = Field(default_factory=dict)
    """How many listed videos ended in `ok` and in each reason."""

    def own(self, name: str, default: Any) -> Any:
        """A fact that the view has added; the default where an older version did not."""
        return (self.model_extra or {}).get(name, default)


class SpecFacts(Facts):
    """What the commit of a recipe is."""

    fingerprint: str
