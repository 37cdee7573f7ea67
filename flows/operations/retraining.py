"""The operation: pretrain where that is due, train a challenger, and let the gate judge it."""

from datetime import datetime

import polars as pl
from pydantic import BaseModel, ConfigDict

from featurestore import wanted
from featurestore.reading import snapshot
from flows.settings import Settings, recipe_of
from modeling.configuration import ALL_VIEWS, Recipe, Seed
from modeling.models import registry
from modeling.models.model_facts import EncoderFacts
from modeling.models.stored_model import MODELS, is_of_kind
from modeling.pretrain import PretrainParameters, pretrain_encoder
from modeling.promote import PromotionReport, promote
from modeling.train import TrainParameters, train_classifier
from warehouse import commits, tables
from warehouse.clock import running_from
from warehouse.commits import Commit
from warehouse.reporting import SILENT, Reporter
from warehouse.store import Store
from warehouse.tables.videos import VideoFacts


class RetrainParameters(BaseModel):
    """From which chance everything is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: Seed = 0


class RetrainReport(BaseModel):
    """What came of a retraining."""

    pretrained: str | None
    """The commit of the encoder that was pretrained first; None where none was due."""
    model: str
    """The commit of the classifier."""
    promotion: PromotionReport | None
    """What the gate decided; None where the same training has made the champion before."""


def retrain(
    store: Store,
    settings: Settings,
    parameters: RetrainParameters,
    now: datetime,
    *,
    reporter: Reporter = SILENT,
) -> RetrainReport:
    """Pretrain an encoder where that is due, train a classifier, and promote it if it is better.

    Args:
        store: Where the features are and the models go.
        settings: Name the recipe, and when pretraining and promotion are due.
        parameters: From which chance.
        now: The moment, in UTC.
        reporter: Is told of the steps.

    Raises:
        Invalid: There is nothing to learn from, or the recipe does not fit it.
    """
    clock, recipe, seed = running_from(now), recipe_of(settings), parameters.seed
    encoder = None
    if pretraining_is_due(store, recipe, settings.pretrain_growth):
        encoder = pretrain_encoder(
            store,
            recipe,
            PretrainParameters(seed=seed),
            clock(),
            language_model=settings.text_model,
            num_devices=settings.training_devices,
            reporter=reporter,
        )
    trained = train_classifier(
        store,
        recipe,
        TrainParameters(seed=seed),
        clock(),
        language_model=settings.text_model,
        num_devices=settings.training_devices,
        reporter=reporter,
    )
    promotion = promote(store, trained.model, settings.gate_margin, clock(), reporter=reporter)
    if promotion is None:
        reporter.warn(f"model {trained.model[:16]} is the champion already: nothing has changed")
    else:
        for sentence in promotion.sentences:
            reporter.warn(sentence)
    return RetrainReport(
        pretrained=encoder.model if encoder else None, model=trained.model, promotion=promotion
    )


def pretraining_is_due(store: Store, recipe: Recipe, growth: float) -> bool:
    """Tell whether a training should wait for a new encoder.

    Whoever has never pretrained is not made to. Else it is due where no encoder fits the wanted
    features and the recipe's sizes, or where the unlabelled contents have grown since.

    Args:
        store: Where the encoders are.
        recipe: Of the training.
        growth: The share by which distinct unlabelled contents must have grown.
    """
    encoders = [each for each in commits.commits(store, MODELS) if is_of_kind(each, "encoder")]
    if not encoders or not recipe.fusion.cross_encoder:
        return False
    fingerprints = wanted.require(store, None, ALL_VIEWS)
    encoder = registry.newest_encoder(store, fingerprints, recipe.model)
    if encoder is None:
        return True
    num_now = _count_contents([each.commit for each in tables.video_partitions(store)])
    num_then = _count_contents(_videos_of(store, encoder))
    return num_now >= (1 + growth) * num_then and num_now > num_then


def _videos_of(store: Store, encoder: Commit) -> list[Commit]:
    """The listings that an encoder learned from."""
    snapshot_id = EncoderFacts.of(encoder).made_from["snapshot"]
    pins = snapshot.load(commits.commit_by_id(store, snapshot_id)).pins
    return [commits.commit_by_id(store, pin.videos) for pin in pins]


def _count_contents(listings: list[Commit]) -> int:
    """Count the distinct contents of the unlabelled partitions among some."""
    unlabelled = [
        tables.scan_table(listing, "videos").select("content_sha256")
        for listing in listings
        if VideoFacts.of(listing).role == "unlabeled"
    ]
    if not unlabelled:
        return 0
    return int(pl.concat(unlabelled).select(pl.all().n_unique()).collect().item())
