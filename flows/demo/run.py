"""The whole job in one command: draw, ingest, extract, pretrain, train, score, evaluate, show."""

import importlib
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.commands import terminal
from flows.demo.corpus import Corpus, make_corpus
from flows.demo.encoder import shipped_encoder
from flows.demo.evaluation import Evaluation, evaluate, show
from flows.demo.outline import DEFAULT_SIZES, CorpusSizes
from flows.operations.site_building import build_site
from flows.settings import FILE_NAME, FILE_VARIABLE, load_settings
from modeling.models import stored_model
from modeling.promote import promote
from warehouse import commits
from warehouse.store import Store, open_existing_store, require_own_place

SEED = 20_221_120
MODELS = {"multimodal": ("frames", "text"), "text_only": ("text",), "vision_only": ("frames",)}


_ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "NO_PROXY": "127.0.0.1",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_PLUGINS_ENABLED": "false",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
}
"""What Prefect is told before it is imported: to be quiet, and to speak to this machine alone."""
_STARTUP_SECONDS = 120
_WHY_FORCED = "the demo shows its predictions, and has too few validation videos to tell"


@dataclass
class _Flows:
    """Runs flows one after the other, and sums the seconds that each took."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def run(self, flow: str, **parameters: Any) -> Any:
        started = time.monotonic()
        name = flow.replace("-", "_")
        module = importlib.import_module(f"flows.deployments.{name}")
        result = getattr(module, name)(**parameters, return_state=True).result()
        self.seconds[flow] += time.monotonic() - started
        return result


def run_demo(
    folder: Path | None = None,
    sizes: CorpusSizes = DEFAULT_SIZES,
    say: Callable[[str], None] = terminal.say,
) -> Path:
    """Run the demo; what an earlier run has drawn, ingested and extracted is not done again.

    Args:
        folder: Where corpus and store go; `demo` beside the settings file by default.
        sizes: Of the corpus.
        say: Takes each line of the account.

    Returns:
        The path of summary.json.
    """
    folder = (folder or load_settings().folder / "demo").resolve()
    require_own_place(folder / "store")
    folder.mkdir(parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith("REELSTORE_")]:
        del os.environ[name]  # a setting of the user's own store is none of the demo's
    os.environ["PREFECT_HOME"] = str(folder / "prefect")
    os.environ[FILE_VARIABLE] = str(folder / FILE_NAME)
    os.environ.update(_ENVIRONMENT)

    say(f"drawing the corpus in {folder / 'corpus'}")
    corpus = make_corpus(folder / "corpus", SEED, sizes)
    (folder / FILE_NAME).write_text(settings_of(corpus), encoding="utf-8")
    flows = _Flows()
    with _server():
        models = _make_models(flows, corpus, say)

    settings, store = load_settings(), _open_store()
    evaluation = evaluate(store, models, corpus.truth)
    site = build_site(store, settings.site, datetime.now(UTC), limits=settings.work_limits)
    summary = folder / "summary.json"
    told = _summary(evaluation, site.home, flows.seconds)
    summary.write_text(
        json.dumps(told, indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )
    show(evaluation)
    say(f"site {site.home}")
    return summary


def _server() -> AbstractContextManager[None]:
    """A Prefect server of this process, with a database that is forgotten with it."""
    from prefect.testing.utilities import (  # noqa: PLC0415 - after its variables are set
        prefect_test_harness,
    )

    return prefect_test_harness(server_startup_timeout=_STARTUP_SECONDS)


def _make_models(flows: _Flows, corpus: Corpus, say: Callable[[str], None]) -> dict[str, str]:
    """Run every flow, from files to predictions; returns the id of each model by its name."""
    for partition in corpus.partitions:
        listed = flows.run(
            "ingest-videos",
            source="manifest",
            annotations=partition.manifest,
            partition=partition.name,
            role=partition.role,
        )
        say(f"ingested {partition.name}: {listed.num_videos} videos")
    for view in flows.run("extract-features"):
        failed = [f"{count} {reason}" for reason, count in view.failed_by_reason.items()]
        outcome = ", ".join([f"{view.ok} of {view.videos} ok", *failed])
        say(f"extracted {view.view} of {view.partition}: {outcome}")
    say(f"pretrained encoder {flows.run('pretrain-encoder').model[:16]}")
    models = {}
    for name, views in MODELS.items():
        trained = flows.run("train-classifier", views=views)
        models[name] = trained.model
        say(f"trained {name} {trained.model[:16]}: mean F1 {trained.mean_f1:.3f} on validation")
        if name == "multimodal":
            _make_champion(trained.model)
            if experts := _newest_experts():
                models["experts"] = experts
    for name, model in models.items():
        for scored in flows.run("score-partitions", model=model):
            say(f"scored {scored.partition} by {name}: {scored.videos} predictions")
    return models


def _make_champion(model: str) -> None:
    """Let a model score, whatever the gate says of so few validation videos."""
    margin = load_settings().gate_margin
    promote(_open_store(), model, margin, datetime.now(UTC), force_reason=_WHY_FORCED)


def _newest_experts() -> str | None:
    """Find the experts that were to score until the first cross encoder was trained."""
    experts = [
        commit.id
        for commit in commits.commits(_open_store(), stored_model.MODELS)
        if commit.facts["recipe"] == "experts" and "held-out" in commit.facts["made_from"]
    ]
    return experts[-1] if experts else None


def _open_store() -> Store:
    settings = load_settings()
    return open_existing_store(settings.root, settings.catalog_url)


def settings_of(corpus: Corpus) -> str:
    """The settings file of a drawn corpus.

    Its store beside the file, the shipped encoder, the small recipe.
    """
    weights, card = shipped_encoder()
    kwargs = ", ".join(
        f"{name} = {json.dumps(value)}" for name, value in card.encoder_kwargs.items()
    )
    lines = {
        "root": json.dumps("store"),
        "encoder": json.dumps(card.encoder),
        "encoder_kwargs": f"{{{kwargs}}}",
        "encoder_weights": json.dumps(str(weights)),
        "resize_short_side": str(card.resize_short_side),
        "vocabulary": json.dumps(str(corpus.vocabulary)),
        "taxonomy": json.dumps(str(corpus.taxonomy)),
        "preset": json.dumps("demo"),
    }
    return "".join(f"{name} = {value}\n" for name, value in lines.items())


def _summary(evaluation: Evaluation, home: Path, seconds: Mapping[str, float]) -> dict[str, Any]:
    return {
        "videos": evaluation.num_videos,
        "failed_by_reason": evaluation.failed_by_reason,
        "metrics": evaluation.metrics,
        "intervals": evaluation.intervals,
        "seconds_by_flow": {flow: round(taken, 1) for flow, taken in seconds.items()},
        "site": str(home),
    }
