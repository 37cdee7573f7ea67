"""What the commits of models and of predictions say of themselves."""

from typing import Literal, Self

from featurestore.reading.snapshot import Pin
from warehouse.commits import Facts


class EncoderFacts(Facts):
    """What a commit of a pretrained encoder is."""

    kind: Literal["encoder"]
    recipe: str
    """The recipe's name."""
    fingerprints: dict[str, str]
    """Of the features that it learned from, by view."""


class ClassifierFacts(Facts):
    """What a commit of a classifier is."""

    kind: Literal["classifier"]
    recipe: str
    """The recipe's name."""
    fingerprints: dict[str, str]
    """Of the features that it learned from, and must be given, by view."""
    views: tuple[str, ...]
    """What it may see."""
    beats_majority: bool
    """Whether its mean F1 on validation is above that of the largest category."""
    taxonomy: str
    """The name of its categories' taxonomy."""


class PredictionFacts(Facts):
    """What a commit of predictions is: `made_from` names `model`, `videos` and each view."""

    @classmethod
    def of_pin(cls, model_id: str, pin: Pin) -> Self:
        """Say what predictions are made from.

        Args:
            model_id: Of the model that makes them.
            pin: The listing and the features that it reads.
        """
        return cls(made_from={"model": model_id, "videos": pin.videos, **pin.features})
