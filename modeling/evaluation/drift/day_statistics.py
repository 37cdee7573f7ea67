"""The numbers that describe a day, each with the noise that its number of videos gives it."""

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict


class Kind(StrEnum):
    """How a number varies from day to day."""

    SHARE = "share"
    """The mean of a number from 0 to 1 of each video."""
    MEAN = "mean"
    """Any other mean, or what behaves like one."""
    DISTANCE = "distance"
    """A squared distance from the training examples, by chance below 0; more of it is drift."""


KINDS: Final = {
    "text_length": Kind.MEAN,
    "token_mix": Kind.DISTANCE,
    "unknown_tokens": Kind.SHARE,
    "text_missing": Kind.SHARE,
    "ocr_missing": Kind.SHARE,
    "asr_missing": Kind.SHARE,
    "frames_missing": Kind.SHARE,
    "embedding_mean": Kind.DISTANCE,
    "embedding_spread": Kind.MEAN,
    "predicted_mix": Kind.DISTANCE,
    "confidence": Kind.SHARE,
}


GROUP_SHARE: Final = "predicted_group_"
"""With a level-1 group's id: the share of the videos that are predicted to be of that group."""


def kind_of(name: str) -> Kind:
    """How a number varies from day to day, by its name."""
    return Kind.SHARE if name.startswith(GROUP_SHARE) else KINDS[name]


class DayStatistic(BaseModel):
    """One number of a day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int
    """The videos that it was made from."""
    value: float
    variance: float
    """What the value varies by because these videos are a sample."""


DayStatistics = dict[str, DayStatistic]
"""By the names of `KINDS` and of groups; what a day has no videos for, or its model no reference,
is missing."""
