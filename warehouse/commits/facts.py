"""What the files of a commit are: a frozen model for each kind, part of the commit's identity."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from warehouse.commits.commit import Commit
from warehouse.errors import Invalid


class Facts(BaseModel):
    """The root of all kinds; a kind adds its fields. By itself it says nothing of the files."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    made_from: dict[str, str] = {}
    """The commits that this one was made from: id by what the commit was to it."""

    @classmethod
    def of(cls, commit: Commit) -> Self:
        """Read the facts of a commit as those of this kind.

        Raises:
            Invalid: They are of another kind, or of a newer Reelstore.
        """
        try:
            return cls.model_validate(commit.facts)
        except ValidationError as error:
            problem = error.errors()[0]
            name = ".".join(str(part) for part in problem["loc"])
            raise Invalid(
                f"commit {commit.id[:16]} of {commit.address} has facts that this Reelstore does"
                f" not read ({name}: {problem['msg'].lower()}): name a commit of another kind, or"
                " upgrade Reelstore"
            ) from error

    def to_json(self) -> dict[str, Any]:
        """Write the facts as JSON; what was never given stays absent, so that ids never change."""
        return self.model_dump(mode="json", exclude_unset=True)
