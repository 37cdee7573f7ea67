"""The kinds of expert: what each reads, and how it is fitted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.configuration import ExpertName, View
from modeling.experts.likeness import likeness_of_means, likeness_of_units
from modeling.experts.logistic import Linear, fit_logistic
from modeling.experts.naive_bayes import fit_naive_bayes
from modeling.experts.prototypes import fit_prototypes
from modeling.experts.view_features import Features

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Lesson:
    """What an expert learns from."""

    features: Features
    """Of N examples."""
    targets: Floats
    """`[N, C]`, what each example counts for each category: a label, or a teacher's
    probabilities."""
    log_prior: Floats
    """`[C]`, of the labelled training examples."""
    group: npt.NDArray[np.int64]
    """`[C]`, the level-1 group of each category, counted from 0."""
    num_labelled: int
    """So many of them, the first ones, have labels; of the others a teacher speaks."""


@dataclass(frozen=True)
class Kind:
    """One kind of expert."""

    view: View
    """An example without it is judged by the prior alone, and is not learned from."""
    read: Callable[[Features], Any]
    """`[N, M]`, dense or sparse."""
    fit: Callable[[Any, Lesson, float, int, Linear | None], Linear]
    """From inputs, a lesson with their targets, strength, iterations and a start to scores."""
    strengths: tuple[float, ...]
    """What validation chooses among; one where there is nothing to choose."""


def _logistic(
    inputs: Any, lesson: Lesson, strength: float, iterations: int, start: Linear | None
) -> Linear:
    return fit_logistic(inputs, lesson.targets, strength, iterations=iterations, start=start)


def _bayes(inputs: Any, lesson: Lesson, *_: object) -> Linear:
    likeness = likeness_of_units(
        inputs[: lesson.num_labelled], lesson.targets[: lesson.num_labelled], lesson.group
    )
    return fit_naive_bayes(inputs, lesson.targets, lesson.group, lesson.log_prior, likeness)


def _prototypes(inputs: Any, lesson: Lesson, *_: object) -> Linear:
    likeness = likeness_of_means(
        inputs[: lesson.num_labelled], lesson.targets[: lesson.num_labelled], lesson.group
    )
    return fit_prototypes(inputs, lesson.targets, lesson.group, lesson.log_prior, likeness)


KINDS: Mapping[ExpertName, Kind] = {
    "text_logistic": Kind("text", lambda features: features.tfidf, _logistic, (3.0, 10.0, 30.0)),
    "text_bayes": Kind("text", Features.presence, _bayes, (1.0,)),
    "frames_logistic": Kind(
        "frames", lambda features: features.frames, _logistic, (0.01, 0.05, 0.25)
    ),
    "frames_prototypes": Kind("frames", lambda features: features.frames, _prototypes, (1.0,)),
}


def fit_kind(
    name: ExpertName, lesson: Lesson, strength: float, iterations: int, start: Linear | None = None
) -> Linear:
    """Fit one expert on the examples that have its view.

    Args:
        name: Of its kind.
        lesson: What it learns from.
        strength: One of the kind's.
        iterations: Of an iterative fit, at most.
        start: Where an iterative fit begins; None for zeros.
    """
    kind = KINDS[name]
    inputs, has_view = kind.read(lesson.features), lesson.features.has(kind.view)
    if not has_view.all():
        num_labelled = int(has_view[: lesson.num_labelled].sum())
        inputs = inputs[has_view]
        lesson = replace(lesson, targets=lesson.targets[has_view], num_labelled=num_labelled)
    return kind.fit(inputs, lesson, strength, iterations, start)


def opinion(name: ExpertName, linear: Linear, features: Features, log_prior: Floats) -> Floats:
    """What an expert says of N examples: log-probabilities `[N, C]`.

    Args:
        name: Of its kind.
        linear: As it was fitted.
        features: Of the examples.
        log_prior: `[C]`, what it says where the view is missing.
    """
    kind = KINDS[name]
    said = linear.log_probabilities(kind.read(features))
    return np.where(features.has(kind.view)[:, None], said, log_prior).astype(np.float32)
