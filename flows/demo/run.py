"""The whole job in one command: draw, ingest, extract, pretrain, train, score, evaluate, report."""

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows import terminal
from flows.demo.corpus import Corpus, make_corpus
from flows.demo.encoder import shipped_encoder
from flows.demo.evaluation import Evaluation, evaluate, show
from flows.demo.outline import DEFAULT_SIZES, CorpusSizes
from flows.embedded import call, use_embedded_server
from flows.settings import FILE_NAME, FILE_VARIABLE, load_settings
from warehouse.store import open_existing_store, require_own_place

SEED = 20_221_120
MODELS = {"multimodal": ("frames", "text"), "text_only": ("text",), "vision_only": ("frames",)}


@dataclass
class _Clock:
    """Sums the seconds that each flow took."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def run(self, flow: str, **parameters: Any) -> Any:
        started = time.monotonic()
        result = call(flow, parameters)
        self.seconds[flow] += time.monotonic() - started
        return result


def run_demo(
    folder: Path | None = None,
    sizes: CorpusSizes = DEFAULT_SIZES,
    say: Callable[[str], None] = terminal.say,
) -> Path:
    """Run the demo; what an earlier run has drawn, ingested and extracted is not done again.

    Args:
        folder: where corpus and store go; `demo` beside the settings file by default.
        sizes: of the corpus.
        say: takes each line of the account.

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
    use_embedded_server()
    clock = _Clock()

    say(f"drawing the corpus in {folder / 'corpus'}")
    corpus = make_corpus(folder / "corpus", SEED, sizes)
    (folder / FILE_NAME).write_text(settings_of(corpus), encoding="utf-8")
    for partition in corpus.partitions:
        row = clock.run(
            "ingest-videos",
            source="manifest",
            annotations=partition.manifest,
            partition=partition.name,
            role=partition.role,
        )
        say(f"ingested {partition.name}: {row['num_videos']} videos")
    for row in clock.run("extract-features"):
        failed = [f"{count} {reason}" for reason, count in row["failed_by_reason"].items()]
        outcome = ", ".join([f"{row['ok']} of {row['videos']} ok", *failed])
        say(f"extracted {row['view']} of {row['partition']}: {outcome}")
    say(f"pretrained encoder {clock.run('pretrain-encoder')['model'][:16]}")
    models = {}
    for name, views in MODELS.items():
        row = clock.run("train-classifier", views=views)
        models[name] = row["model"]
        say(f"trained {name} {row['model'][:16]}: mean F1 {row['mean_f1']:.3f} on validation")
    for name, model in models.items():
        for row in clock.run("score-partitions", model=model):
            say(f"scored {row['partition']} by {name}: {row['videos']} predictions")

    settings = load_settings()
    evaluation = evaluate(
        open_existing_store(settings.root, settings.catalog_url),
        models,
        corpus.truth,
        datetime.now(UTC),
    )
    summary = folder / "summary.json"
    summary.write_text(
        json.dumps(_summary(evaluation, clock), indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )
    show(evaluation)
    say(f"report {evaluation.report}")
    return summary


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


def _summary(evaluation: Evaluation, clock: _Clock) -> dict[str, Any]:
    return {
        "videos": evaluation.num_videos,
        "failed_by_reason": evaluation.failed_by_reason,
        "metrics": evaluation.metrics,
        "intervals": evaluation.intervals,
        "seconds_by_flow": {flow: round(seconds, 1) for flow, seconds in clock.seconds.items()},
        "report": str(evaluation.report),
    }
