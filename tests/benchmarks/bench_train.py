"""How fast training and scoring are, compared with LXMERT padded to 388 tokens, and what they cost.

And how far arithmetic goes.

Prints a table and writes build/bench-train.json. Both models have the same weights, examples,
batches, loss and optimizer, and dropout of 0.1 everywhere; what is timed of both is the model and
the optimizer's step. Times are of turns: ours and the peer's, batch by batch, and the median of the
rounds' ratios counts. The bound is LXMERT's own operations at 388 tokens over those at the texts'
lengths: what leaving out padding can bring.

The network of the `default` preset, which also knows words and reads means, is timed in turns with
ours without them; its rate compared with LXMERT's is the product of both ratios.

    python -m tests.benchmarks.bench_train [memory] [small] [loading] [published] [gpu]

measures some of the rows; by default all, those of a GPU where there is one.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from featurestore.reading.examples import Examples
from modeling.configuration import ModelConfig, preset
from modeling.experts.scorer import Scorer
from modeling.learning.inputs.batching import Rows, epoch_batches, read_batch
from modeling.network.attention import Attention
from modeling.network.batch import Batch
from modeling.network.classifier import VideoClassifier
from tests.benchmarks.drawn_experts import draw_fusion
from tests.benchmarks.gpu_training import gpu_rows
from tests.benchmarks.lxmert import NUM_FRAMES, PADDED_TOKENS, PeerClassifier, operations, padded
from tests.benchmarks.report import Row, at_least, at_most, row, write
from tests.benchmarks.stored_examples import (
    VOCAB_SIZE,
    contest_lengths,
    make_store,
    make_vocabulary,
)
from tests.benchmarks.training_memory import memory_rows
from tests.benchmarks.turns import Learner, Turns, by_turns, score

EMBEDDING_DIM, NUM_CATEGORIES, NUM_EXAMPLES = 768, 200, 4096
MAX_LOGITS_APART = 1e-4
MAX_LOADING, MAX_FGM, MAX_WITH_EXPERTS = 0.05, 2.1, 1.1
GPU_BATCHES = 20
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Size:
    """A size of both models, and how it is measured."""

    name: str
    config: ModelConfig
    training_batch: int
    scoring_batch: int
    num_batches: int
    """Of like length each, spread evenly over the drawn lengths."""
    num_rounds: int
    training_target: float
    scoring_target: float


SMALL = Size(
    "2 + 2 layers of width 128",
    ModelConfig(
        width=128, num_heads=4, num_language_layers=2, num_cross_layers=2, feed_forward_width=512
    ),
    training_batch=26,
    scoring_batch=64,
    num_batches=5,
    num_rounds=4,
    training_target=4,
    scoring_target=5,
)
PUBLISHED = Size(
    "12 + 5 layers of width 768",
    ModelConfig(),
    training_batch=6,  # the peer's activations of 26 don't fit a small machine
    scoring_batch=8,
    num_batches=3,
    num_rounds=2,
    training_target=2,
    scoring_target=2.5,
)


def main() -> None:
    """Measure what is named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("groups", nargs="*", choices=GROUPS)
    groups = parser.parse_args().groups or list(GROUPS)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        write(measure(Path(folder), groups), "bench-train")


def measure(folder: Path, groups: Sequence[str]) -> Iterator[Row]:
    """Make each row in turn; memory first, while this process holds little of it."""
    if "memory" in groups:
        yield from memory_rows(folder)
    examples = Examples(
        *make_store(folder / "store", contest_lengths(NUM_EXAMPLES, seed=0), width=EMBEDDING_DIM)
    )
    for group, rows in GROUPS.items():
        if group in groups:
            yield from rows(examples)


def rows_on_gpu(examples: Examples) -> Iterator[Row]:
    """Time whole trainings, where there is a GPU."""
    if torch.cuda.is_available():
        pretraining, finetuning = (choose(examples, size, GPU_BATCHES) for size in (50, 26))
        yield from gpu_rows(examples, pretraining, finetuning, make_vocabulary())


def speed_rows(size: Size, examples: Examples) -> Iterator[Row]:
    """Time scoring, training and training with FGM, once the logits are known to be equal."""
    ours, with_words = make_classifier(size.config), make_classifier(with_all(size.config))
    peer = PeerClassifier(ours)
    rows = choose_rows(examples, size.scoring_batch, size.num_batches)
    scored = [read_labelled(examples, chosen) for chosen in rows]
    refuse_unequal(ours, peer, scored)
    plain = scoring_turns(size, ours, peer, scored)
    yield speed_row("scoring", scored, plain, size, size.scoring_target)
    turns = by_turns(
        lambda batch: score(with_words, batch),
        lambda batch: score(ours, batch),
        scored,
        size.num_rounds,
    )
    chained = chain(turns, plain)
    yield speed_row("scoring by the default network", scored, chained, size, size.scoring_target)
    yield experts_row(size, with_words, examples, rows)
    yield order_row(size, ours, scored)
    trained = choose(examples, size.training_batch, size.num_batches)
    plain = training_turns(size, ours, peer, trained)
    yield speed_row("training", trained, plain, size, size.training_target)
    mine, without = Learner(with_words), Learner(ours)
    turns = by_turns(mine.step, without.step, trained, size.num_rounds)
    chained = chain(turns, plain)
    yield speed_row("training the default network", trained, chained, size, size.training_target)
    yield fgm_row(size, ours, trained[len(trained) // 2 :][:1])


def with_all(config: ModelConfig) -> ModelConfig:
    """Add what the network of the `default` preset has besides its sizes."""
    model = preset("default").model
    return config.model_copy(update=model.model_dump(include={"whole_word_rows", "reads"}))


def chain(first: Turns, second: Turns) -> Turns:
    """Compare the first's ours with the second's peer, by what stands between them in both."""
    return Turns(first.ours, second.peer, first.ratio * second.ratio)


def make_classifier(config: ModelConfig) -> VideoClassifier:
    """Draw the weights of one of ours."""
    return VideoClassifier(
        config,
        vocab_size=VOCAB_SIZE,
        embedding_dim=EMBEDDING_DIM,
        num_categories=NUM_CATEGORIES,
    )


def scoring_turns(
    size: Size, ours: VideoClassifier, peer: PeerClassifier, batches: Sequence[Batch]
) -> Turns:
    """Time both models without gradients."""
    pairs = [(batch, padded(batch)) for batch in batches]
    return by_turns(
        lambda pair: score(ours, pair[0]), lambda pair: score(peer, pair[1]), pairs, size.num_rounds
    )


def experts_row(
    size: Size, network: VideoClassifier, examples: Examples, batches: Sequence[Rows]
) -> Row:
    """Time the network and experts, from the store to what is added up, and the network alone."""
    fused, alone = Scorer(network, draw_fusion(examples, NUM_CATEGORIES)), Scorer(network)

    def ask(scorer: Scorer, rows: Rows) -> None:
        said = scorer.say(examples, rows, batch_size=size.scoring_batch, device=CPU)
        scorer.add(said)
        examples.release()

    turns = by_turns(
        lambda rows: ask(fused, rows), lambda rows: ask(alone, rows), batches, size.num_rounds
    )
    seconds = turns.ours / len(batches), turns.peer / len(batches)
    name = f"seconds to score a batch with experts, compared with none, {size.name}"
    return row(name, *seconds, None, turns.ratio, *at_most(MAX_WITH_EXPERTS, turns.ratio))


def order_row(size: Size, ours: VideoClassifier, batches: Sequence[Batch]) -> Row:
    """Time scoring with weights multiplied into the frames, compared with the plain order."""

    def plainly(batch: Batch) -> None:
        with mock.patch.object(Attention, "_pays", return_value=False):
            score(ours, batch)

    turns = by_turns(lambda batch: score(ours, batch), plainly, batches, size.num_rounds)
    seconds = turns.ours / len(batches), turns.peer / len(batches)
    name = f"seconds to score a batch, compared with attention in the plain order, {size.name}"
    return row(name, *seconds, None, turns.ratio, *at_most(1, turns.ratio))


def training_turns(
    size: Size, ours: VideoClassifier, peer: PeerClassifier, batches: Sequence[Batch]
) -> Turns:
    """Time both models' plain steps."""
    mine, theirs = Learner(ours), Learner(peer)
    pairs = [(batch, padded(batch)) for batch in batches]
    return by_turns(
        lambda pair: mine.step(pair[0]), lambda pair: theirs.step(pair[1]), pairs, size.num_rounds
    )


def fgm_row(size: Size, ours: VideoClassifier, batches: Sequence[Batch]) -> Row:
    """Time a step with the second pass of FGM, and a plain one."""
    learner = Learner(ours)
    turns = by_turns(learner.step_with_fgm, learner.step, batches, size.num_rounds)
    seconds = turns.ours / len(batches), turns.peer / len(batches)
    return row(
        f"seconds of a step with FGM, compared with a plain one, {size.name}",
        *seconds,
        None,
        turns.ratio,
        *at_most(MAX_FGM, turns.ratio),
    )


def choose(examples: Examples, batch_size: int, num_batches: int) -> list[Batch]:
    """Read batches from a shuffled epoch, with labels drawn; arguments as for `choose_rows`."""
    return [
        read_labelled(examples, rows) for rows in choose_rows(examples, batch_size, num_batches)
    ]


def choose_rows(examples: Examples, batch_size: int, num_batches: int) -> list[Rows]:
    """Choose batches of a shuffled epoch, as training makes them, spread evenly over the lengths.

    Args:
        examples: Stored.
        batch_size: Examples of each.
        num_batches: How many are chosen.
    """
    rows = np.arange(len(examples))
    batches = epoch_batches(rows, examples.num_tokens, batch_size, seed=0, epoch=0)
    whole = sorted(
        (b for b in batches if len(b) == batch_size),
        key=lambda b: float(examples.num_tokens[b].mean()),
    )
    places = ((np.arange(num_batches) + 0.5) / num_batches * len(whole)).astype(int)
    return [whole[place] for place in places]


def read_labelled(examples: Examples, rows: Rows) -> Batch:
    """Read a batch, and draw its labels."""
    labels = torch.randint(NUM_CATEGORIES, (len(rows),))
    return replace(read_batch(examples, rows), labels=labels)


@torch.inference_mode()
def refuse_unequal(ours: VideoClassifier, peer: PeerClassifier, batches: Sequence[Batch]) -> None:
    """End the run where both don't compute the same logits: a ratio would say nothing."""
    ours.eval()
    peer.eval()
    for batch in batches:
        apart = (ours(batch) - peer(padded(batch))).abs().max().item()
        if not apart <= MAX_LOGITS_APART:
            raise SystemExit(
                f"our logits and LXMERT's are {apart:g} apart, more than {MAX_LOGITS_APART:g}"
            )


def speed_row(work: str, batches: Sequence[Batch], turns: Turns, size: Size, target: float) -> Row:
    """One row of examples a second."""
    lengths = torch.cat([batch.token_mask.sum(dim=1) for batch in batches]).tolist()
    padded_operations = len(lengths) * operations(size.config, PADDED_TOKENS, NUM_FRAMES)
    bound = padded_operations / sum(
        operations(size.config, length, NUM_FRAMES) for length in lengths
    )
    ours, peer = len(lengths) / turns.ours, len(lengths) / turns.peer
    ratio = 1 / turns.ratio
    return row(
        f"{work}, {size.name}, examples a second",
        ours,
        peer,
        bound,
        ratio,
        *at_least(target, ratio),
    )


def loading_row(examples: Examples) -> Row:
    """Time reading batches from the store, and a step of the small size, where it weighs most."""
    rows = np.arange(len(examples))
    batches = epoch_batches(rows, examples.num_tokens, SMALL.training_batch, seed=1, epoch=0)[
        : 2 * SMALL.num_batches
    ]
    for batch in batches:
        read_batch(examples, batch)  # every shard is checked when it is first read
    learner = Learner(make_classifier(SMALL.config))
    pairs = [(batch, read_labelled(examples, batch)) for batch in batches]
    turns = by_turns(
        lambda pair: read_batch(examples, pair[0]),
        lambda pair: learner.step(pair[1]),
        pairs,
        SMALL.num_rounds,
    )
    return row(
        f"seconds to load a batch, compared with a training step, {SMALL.name}",
        turns.ours / len(pairs),
        turns.peer / len(pairs),
        None,
        turns.ratio,
        *at_most(MAX_LOADING, turns.ratio),
    )


GROUPS: dict[str, Callable[[Examples], Iterator[Row]]] = {
    "memory": lambda _: iter(()),
    "small": lambda examples: speed_rows(SMALL, examples),
    "loading": lambda examples: iter([loading_row(examples)]),
    "published": lambda examples: speed_rows(PUBLISHED, examples),
    "gpu": rows_on_gpu,
}


if __name__ == "__main__":
    main()
