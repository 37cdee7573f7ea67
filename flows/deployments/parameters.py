"""The parameters of the deployments, as their schema shows them."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field


def _with_time_zone(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise ValueError(
            f"{moment.isoformat()} has no time zone: end it with Z or with an offset like +08:00"
        )
    return moment


Source = Annotated[Literal["wbdc", "manifest"], Field(description="The format of the annotations.")]
Annotations = Annotated[
    Path, Field(description="The annotation file, an absolute path where the worker runs.")
]
Media = Annotated[
    Path | None, Field(description="The folder of the media; by default that of the annotations.")
]
NewPartition = Annotated[str, Field(description="The partition's name, such as 2026-11-20.")]
Role = Annotated[
    Literal["unlabeled", "labeled", "score"], Field(description="What the partition is for.")
]
TaxonomyName = Annotated[
    str | None,
    Field(description="A shipped taxonomy's name or a CSV file; by default the settings' own."),
]
Rehash = Annotated[
    bool, Field(description="Read every medium again, also where size and time are unchanged.")
]
Strict = Annotated[
    bool,
    Field(
        description=(
            "Refuse the listing for one wrong row; by default wrong rows are set aside and named,"
            " as long as they are at most 5%, or at most 20."
        )
    ),
]
Partition = Annotated[
    str | None, Field(description="One partition; by default every one that lacks this.")
]
Retry = Annotated[
    list[str] | None,
    Field(
        description=(
            "Reason codes, such as decode_timeout: tries the published failures of these reasons"
            " again and keeps all else; by default published failures stand, and the partitions"
            " that lack features are made."
        )
    ),
]
ModelId = Annotated[
    str | None, Field(description="A model's id or the start of it; by default the champion.")
]
Views = Annotated[
    tuple[Literal["frames", "text"], ...],
    Field(min_length=1, description="What the classifier sees; both by default."),
]
Teachers = Annotated[
    tuple[str, ...],
    Field(
        description=(
            "Classifiers, by id or alias, whose stored predictions for the unlabeled partitions are"
            " averaged into soft labels; by default none, and labels alone are learned from."
        )
    ),
]
AsOf = Annotated[
    datetime | None,
    AfterValidator(_with_time_zone),
    Field(
        description=(
            "Learn from what was committed by this moment, ISO 8601 with a time zone; by default"
            " now."
        )
    ),
]
Seed = Annotated[
    int, Field(ge=0, description="Decides initial weights, masking and the order of examples.")
]
