"""Whether a challenger becomes champion: a verdict on measured evidence, and nothing else."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Outcome = Literal["promoted", "refused", "cannot_tell", "forced"]

LEAST_VALIDATION_VIDEOS = 50
"""With fewer labelled validation videos no verdict is given."""
LEAST_SLICE_VIDEOS = 20
"""A slice with fewer labelled validation videos has no floor."""


class Gain(BaseModel):
    """One measure of the challenger and of another classifier, on the same validation videos."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    challenger: float
    other: float
    low: float
    high: float
    """The interval of the difference, challenger minus other, by paired bootstrap."""

    @property
    def difference(self) -> float:
        """Challenger minus other."""
        return self.challenger - self.other

    def __str__(self) -> str:
        """Name both sides, their difference and its interval."""
        return (
            f"{self.challenger:.3f} against {self.other:.3f}, a difference of"
            f" {self.difference:+.3f} with interval {self.low:+.3f} to {self.high:+.3f}"
        )


class SliceGain(Gain):
    """The share of right predictions in a slice; its interval is wider, as slices are many."""

    name: str
    """A level-1 group as `level1/ID`, or `frames_missing`, `text_missing`, `tail`, `middle`,
    `head`."""
    num_videos: int


class Evidence(BaseModel):
    """All that a verdict is given on, measured by the held-out twins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    challenger: str
    """The commit of the model that may become champion."""
    champion: str | None
    """The commit of the model that it would replace; None where there is no other."""
    champion_is_provisional: bool
    snapshot: str
    """The commit of the examples that the challenger was trained and is compared on."""
    margin: float
    """How much worse than the champion the challenger may be, at the lower end of the interval."""
    num_validation: int
    """Labelled validation videos."""
    over_linear: Gain | None = None
    """Mean F1, compared with `multimodal_linear` that learned from the same examples; None where
    the model was published without."""
    over_champion: Gain | None = None
    """Mean F1, compared with the champion."""
    calibration: Gain | None = None
    """The expected calibration error, compared with the champion's: less is better."""
    slices: tuple[SliceGain, ...] = ()
    """Compared with the champion."""
    problem: str | None = None
    """Why the champion could not be compared; None where it was, or there is none."""


class Verdict(BaseModel):
    """What follows from the evidence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Literal["promoted", "refused", "cannot_tell"]
    reasons: tuple[str, ...]
    """Sentences for people; of a refusal each names something that stands against the
    challenger."""


def judge(evidence: Evidence) -> Verdict:
    """Give the verdict.

    The challenger is promoted where it is better than `multimodal_linear` for sure, better than the
    champion (than a provisional one for sure, than another one with a lower end above minus the
    margin), and neither worse in a slice nor worse calibrated for sure, by more than the margin.
    """
    if unknown := _unknown(evidence):
        return Verdict(outcome="cannot_tell", reasons=tuple(unknown))
    if against := [*_not_better(evidence), *_broken_floors(evidence)]:
        return Verdict(outcome="refused", reasons=tuple(against))
    return Verdict(outcome="promoted", reasons=tuple(_praise(evidence)))


def _unknown(evidence: Evidence) -> list[str]:
    unknown = []
    if evidence.num_validation < LEAST_VALIDATION_VIDEOS:
        unknown.append(
            f"a verdict needs {LEAST_VALIDATION_VIDEOS} labelled validation videos, and there are"
            f" {evidence.num_validation}: label more videos, extract their features and train again"
        )
    if evidence.over_linear is None:
        unknown.append(
            "the model was published without a comparison with multimodal_linear: train it again"
        )
    if evidence.problem is not None:
        unknown.append(f"the champion cannot be compared: {evidence.problem}")
    return unknown


def _not_better(evidence: Evidence) -> list[str]:
    against = []
    linear, champion = evidence.over_linear, evidence.over_champion
    if linear is not None and not linear.low > 0:
        against.append(
            f"its mean F1 is not above that of multimodal_linear for sure: {linear}, whose lower"
            " end must be above 0"
        )
    if champion is not None:
        least = 0.0 if evidence.champion_is_provisional else -evidence.margin
        if not (champion.difference > 0 and champion.low > least):
            which = "provisional champion" if evidence.champion_is_provisional else "champion"
            against.append(
                f"its mean F1 is not well enough above that of the {which}: {champion}; the"
                f" difference must be above 0 and its lower end above {least:g}"
            )
    return against


def _broken_floors(evidence: Evidence) -> list[str]:
    broken = [
        f"it breaks the floor of slice {each.name} ({each.num_videos} videos): its share of right"
        f" predictions is {each}, all of it below {-evidence.margin:g}"
        for each in evidence.slices
        if each.num_videos >= LEAST_SLICE_VIDEOS and each.high < -evidence.margin
    ]
    calibration = evidence.calibration
    if calibration is not None and calibration.low > evidence.margin:
        broken.append(
            f"it is worse calibrated: its expected calibration error is {calibration}, all of it"
            f" above {evidence.margin:g}"
        )
    return broken


def _praise(evidence: Evidence) -> list[str]:
    praise = [f"its mean F1 is above that of multimodal_linear: {evidence.over_linear}"]
    if evidence.over_champion is not None:
        praise.append(f"its mean F1 is above that of the champion: {evidence.over_champion}")
        praise.append("no slice breaks its floor, and it is calibrated as well")
    return praise
