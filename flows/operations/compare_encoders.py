"""Encoders compared on labelled videos: what a linear probe makes of each, and what each costs.

Nothing is published.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featurestore.extraction.encoding.frame_encoder import check_name, make_frame_spec
from featurestore.extraction.measuring import Measured, measure
from featurestore.progress.reasons import OK
from featurestore.views.frames.frame_spec import FrameSpec
from flows.operations.labelled_sample import draw_sample, is_paired
from flows.settings import Settings, resize_short_side_of
from modeling.evaluation import metrics
from modeling.evaluation.linear_probe import NUM_FOLDS, predict_out_of_fold
from warehouse.errors import Invalid
from warehouse.reporting import SILENT, Reporter
from warehouse.store import Store
from warehouse.tables.taxonomy import Taxonomy

_FLOAT16_BYTES = 2

Interval = tuple[float, float]
"""Of 95%, by bootstrap."""


@dataclass(frozen=True)
class ComparedEncoder:
    """One encoder's score and cost."""

    encoder: str
    """timm's name."""
    weights: str
    """The weights' file."""
    mean_f1: float
    """Of the probe's predictions, out of fold."""
    mean_f1_interval: Interval
    gain: float
    """Mean F1 above that of the first encoder."""
    gain_interval: Interval
    """On the same resamples for both."""
    crop: int
    """Pixels of each side of what the encoder reads."""
    embedding_dim: int
    num_parameters: int
    bytes_per_video: int
    """Of the embeddings on disk, float16."""
    decode_seconds: float
    """CPU time a video, with that of starting the workers."""
    encode_seconds: float
    """CPU time a video; on a GPU the time that passed."""


@dataclass(frozen=True)
class Comparison:
    """Encoders on the same videos."""

    videos: int
    """Distinct media that were drawn."""
    compared: int
    """Those that every encoder has frames of, and whose category has another one."""
    categories: int
    """Of the compared."""
    failed: dict[str, int]
    """How many have no frames, by reason, the commonest first."""
    device: str
    """Where the encoders ran: `cpu` or `cuda`."""
    encoders: list[ComparedEncoder]
    """In the order in which they were named."""


def compare_encoders(
    store: Store,
    settings: Settings,
    names: Sequence[str],
    num_videos: int,
    reporter: Reporter = SILENT,
) -> Comparison:
    """Embed the same labelled videos by several encoders, and fit a linear probe on each.

    Args:
        store: Has labelled partitions; left as it is.
        settings: Say how frames are decoded, and describe the encoder that they name.
        names: Of timm's models, each followed by `=` and its weights' file, which may be left out
            for the encoder of the settings.
        num_videos: How many to embed, at most.
        reporter: Is shown how far the embedding is.

    Raises:
        Invalid: A name is unknown, weights are missing or another model's, or there are too few
            labelled videos.
        Retryable: No decoding worker can be started, or there is too little memory to encode.
    """
    recipes = [_recipe(settings, name) for name in names]
    sample = draw_sample(store, num_videos)
    _check_enough(sample.category_ids, "drawn")
    measured = []
    for spec, weights in recipes:
        with reporter.progress(f"embed by {spec.encoder}") as show:
            measured.append(measure(spec, weights, sample.items, settings.runtime, show))
    reasons = _first_failures(measured)
    rows = _comparable(sample.category_ids, reasons)
    true_ids = [sample.category_ids[row] for row in rows]
    _check_enough(true_ids, "left with frames")
    predictions = [predict_out_of_fold(each.means[rows], true_ids) for each in measured]
    scores = [_score(true_ids, ids, predictions[0], sample.taxonomy) for ids in predictions]
    return Comparison(
        videos=len(sample.items),
        compared=len(rows),
        categories=len(set(true_ids)),
        failed=dict(Counter(reason for reason in reasons if reason != OK).most_common()),
        device=measured[0].device,
        encoders=[
            ComparedEncoder(
                encoder=spec.encoder,
                weights=str(weights),
                crop=spec.crop,
                embedding_dim=spec.embedding_dim,
                num_parameters=cost.num_parameters,
                bytes_per_video=spec.num_frames * spec.embedding_dim * _FLOAT16_BYTES,
                decode_seconds=cost.decode_seconds / len(sample.items),
                encode_seconds=cost.encode_seconds / cost.reasons.count(OK),
                **score,
            )
            for (spec, weights), cost, score in zip(recipes, measured, scores, strict=True)
        ],
    )


def _recipe(settings: Settings, name: str) -> tuple[FrameSpec, Path]:
    """Describe frames as the encoder's own configuration says, or the settings if it is theirs."""
    encoder, _, file = name.partition("=")
    check_name(encoder)
    is_of_settings = encoder == settings.encoder
    if not (file or is_of_settings):
        raise Invalid(
            f"no weights are named for {encoder}, and none are downloaded; write {encoder}=FILE"
        )
    weights = Path(file) if file else settings.path_of("encoder_weights")
    spec = make_frame_spec(
        encoder,
        settings.encoder_kwargs if is_of_settings else {},
        weights,
        settings.encoder_precision,
        settings.encoder_execution_mode,
        resize_short_side_of(settings) if is_of_settings else None,
    )
    return spec, weights


def _first_failures(measured: Sequence[Measured]) -> list[str]:
    """Why each video has no frames, as the first encoder without any found; `ok` where it has."""
    return [
        next((reason for reason in of_video if reason != OK), OK)
        for of_video in zip(*(each.reasons for each in measured), strict=True)
    ]


def _comparable(category_ids: Sequence[str], reasons: Sequence[str]) -> list[int]:
    """Find the videos with frames whose category another such video has as well."""
    with_frames = [row for row, reason in enumerate(reasons) if reason == OK]
    paired = is_paired([category_ids[row] for row in with_frames])
    return [row for row, is_kept in zip(with_frames, paired, strict=True) if is_kept]


def _check_enough(category_ids: Sequence[str], state: str) -> None:
    num_categories = len(set(category_ids))
    if num_categories < 2 or len(category_ids) < NUM_FOLDS:  # noqa: PLR2004 - to be told apart
        raise Invalid(
            f"too few labelled videos are {state} to compare encoders on ({len(category_ids)};"
            f" categories: {num_categories}): at least {NUM_FOLDS} of 2 categories are needed;"
            " label more, or raise --videos"
        )


def _score(
    true_ids: Sequence[str], predicted_ids: list[str], first_ids: list[str], taxonomy: Taxonomy
) -> dict[str, Any]:
    mean_f1, of_first = (
        metrics.evaluate(true_ids, ids, taxonomy)["mean_f1"] for ids in (predicted_ids, first_ids)
    )
    gains = metrics.gain_intervals(true_ids, predicted_ids, first_ids, taxonomy)
    return {
        "mean_f1": mean_f1,
        "mean_f1_interval": metrics.intervals(true_ids, predicted_ids, taxonomy)["mean_f1"],
        "gain": mean_f1 - of_first,
        "gain_interval": gains["mean_f1"],
    }
