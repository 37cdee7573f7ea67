"""Ways to train faster on a GPU, each compared with the rate of matrix products; 6 minutes at most.

    python -m tests.benchmarks.gpu_variants

A step of the published classifier (forward, backward, AdamW) on one batch, replayed: as the product
trains; with each kind of layer compiled, once for all layers of the kind; with weights and norms in
bfloat16 and AdamW on float32 copies; and with texts one after another instead of padded. Operations
are those that the texts' own lengths need, whatever a way adds to them. Then the rows of
`bench_encoding` that need a GPU.
"""

# ruff: noqa: T201 - a benchmark prints

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention.varlen import varlen_attn
from transformers import AttentionInterface
from transformers.models.bert.modeling_bert import BertLayer

from featurestore.reading.examples import Examples
from modeling.configuration import ModelConfig
from modeling.learning.replay import Losses, replayed
from modeling.learning.training_runtime import autocast
from modeling.network.attention import Attention
from modeling.network.batch import Batch
from modeling.network.classifier import VideoClassifier
from modeling.network.cross_encoder import CrossModalityLayer
from tests.benchmarks import bench_encoding
from tests.benchmarks.bench_frames import demo_encoder, some_clips
from tests.benchmarks.bench_train import (
    EMBEDDING_DIM,
    choose,
    make_classifier,
    read_labelled,
)
from tests.benchmarks.gpu_training import (
    MATRIX_SIZE,
    MAX_MINUTES,
    MIN_SHARE,
    Cost,
    matrix_rate,
    projected_minutes,
    resampled_share,
)
from tests.benchmarks.lxmert import operations
from tests.benchmarks.report import Row, at_least, at_most, row, write
from tests.benchmarks.stored_examples import contest_lengths, make_store
from tests.benchmarks.turns import seconds

NUM_EXAMPLES, BATCH_SIZES, NUM_WARM, NUM_STEPS = 2048, (50, 200), 3, 10
MAX_SECONDS = 240
"""After so long no other way is begun; encoding follows."""
_LEARNING_RATE = 4e-5


@dataclass(frozen=True)
class Variant:
    """A way to train."""

    name: str
    is_compiled: bool = False
    in_bfloat16: bool = False
    """Weights and norms too; else the products alone."""
    is_packed: bool = False
    """Without padding, and without dropout of attention."""


VARIANTS = (
    Variant("as the product trains"),
    Variant("layers compiled", is_compiled=True),
    Variant("all in bfloat16", in_bfloat16=True),
    Variant("layers compiled, all in bfloat16", is_compiled=True, in_bfloat16=True),
    Variant("compiled, bfloat16, packed", is_compiled=True, in_bfloat16=True, is_packed=True),
)


@dataclass(frozen=True)
class Packing:
    """Where the B texts and clips of a batch lie when they are put one after another."""

    places: Tensor
    """`[S]`, of the tokens among all padded ones"""
    frame_places: Tensor
    """`[V]`, likewise; V is not S"""
    token_ends: Tensor
    """`[B + 1]` int32, where each text begins and the last one ends"""
    frame_ends: Tensor
    longest: tuple[int, int]
    """Tokens of the longest text, frames of the longest clip"""

    @classmethod
    def of(cls, batch: Batch) -> "Packing":
        """Find the places of a batch in which each example has both views."""
        places, token_ends, longest_text = _packed(batch.token_mask)
        frame_places, frame_ends, longest_clip = _packed(batch.frame_mask)
        if len(places) == len(frame_places):
            raise ValueError("there are as many tokens as frames: which is which?")
        longest = longest_text, longest_clip
        return cls(places, frame_places, token_ends, frame_ends, longest)

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Let each example's places, `[S, H, D / H]`, see that example's alone."""
        (query_ends, most_queries), (key_ends, most_keys) = self._of(query), self._of(key)
        if query.is_cuda:
            attended = varlen_attn(query, key, value, query_ends, key_ends, most_queries, most_keys)
            return cast("Tensor", attended)
        parts = []
        for place in range(len(query_ends) - 1):
            asking, asked = (slice(*ends[place : place + 2]) for ends in (query_ends, key_ends))
            part = functional.scaled_dot_product_attention(
                query[asking].transpose(0, 1),
                key[asked].transpose(0, 1),
                value[asked].transpose(0, 1),
            )
            parts.append(part.transpose(0, 1))
        return torch.cat(parts)

    def _of(self, stream: Tensor) -> tuple[Tensor, int]:
        is_text = len(stream) == len(self.places)
        return (self.token_ends if is_text else self.frame_ends), self.longest[not is_text]


def _packed(mask: Tensor) -> tuple[Tensor, Tensor, int]:
    lengths = mask.sum(dim=1)
    ends = functional.pad(lengths.cumsum(0), (1, 0)).to(torch.int32)
    return mask.flatten().nonzero()[:, 0], ends, int(lengths.max())


def _attend_in_bert(
    _: nn.Module, query: Tensor, key: Tensor, value: Tensor, packing: Packing, **__: Any
) -> tuple[Tensor, None]:
    streams = (stream[0].transpose(0, 1) for stream in (query, key, value))
    return packing.attend(*streams)[None], None


def _attend_packed(self: Attention, hidden: Tensor, context: Tensor, packing: Any) -> Tensor:
    query, key, value = (
        dense(stream)[0].view(-1, self.num_heads, self.head_width)
        for dense, stream in ((self.query, hidden), (self.key, context), (self.value, context))
    )
    attended = self.output(packing.attend(query, key, value).flatten(1))[None]
    attended = functional.dropout(attended, self.dropout, self.training)
    return cast("Tensor", self.norm(hidden + attended))


def packed_logits(model: VideoClassifier, batch: Batch, packing: Packing) -> Tensor:
    """Compute what the model computes of a padded batch, `[B, C]`; inside `changed` alone."""
    encoder: Any = model.encoder
    language = encoder.embed_text(batch)[0].flatten(0, 1)[packing.places][None]
    vision = encoder.embed_frames(batch)[0].flatten(0, 1)[packing.frame_places][None]
    for layer in encoder.language.encoder.layer:
        language = layer(language, packing)
    for layer in encoder.layers:
        language, vision = layer(language, vision, packing, packing)
    pooled = torch.tanh(encoder.pooler(language[0, packing.token_ends[:-1].long()]))
    return cast("Tensor", model.categories(model.dropout(pooled))).float()


@contextmanager
def changed(variant: Variant, model: VideoClassifier) -> Iterator[None]:
    """Change the classes of the layers meanwhile."""
    with ExitStack() as changes:
        if variant.is_packed:
            AttentionInterface.register("packed", _attend_in_bert)
            config = model.encoder.language.config
            changes.callback(setattr, config, "_attn_implementation", "sdpa")
            config._attn_implementation = "packed"  # noqa: SLF001 - has no other name
            changes.enter_context(mock.patch.object(Attention, "forward", _attend_packed))
        for layer in (BertLayer, CrossModalityLayer) if variant.is_compiled else ():
            # The class's forward: one compilation serves all its layers.
            compiled = torch.compile(layer.forward, dynamic=False)
            changes.enter_context(mock.patch.object(layer, "forward", compiled))
        yield


class Steps:
    """Steps of a variant on batches of one shape."""

    def __init__(self, variant: Variant, model: VideoClassifier, batch: Batch) -> None:
        self._variant, self._model, self._batch = variant, model.train(), batch
        if variant.in_bfloat16:
            model.to(torch.bfloat16)
            halves = {
                name: getattr(batch, name).bfloat16() for name in ("embeddings", "pts_seconds")
            }
            self._batch = replace(batch, **halves)
        self._packing = Packing.of(batch) if variant.is_packed else None
        self._own: list[Tensor] = list(model.parameters())
        self._masters = self._own
        if variant.in_bfloat16:
            self._masters = [weight.detach().float() for weight in self._own]
        self._optimizer = torch.optim.AdamW(self._masters, lr=_LEARNING_RATE, fused=True)
        self._pass = replayed(self._run, batch.labels.device)

    def step(self, _: object = None) -> None:
        """Learn once."""
        self._pass(self._batch)
        if self._masters is not self._own:
            for master, weight in zip(self._masters, self._own, strict=True):
                master.grad = None if weight.grad is None else weight.grad.float()
        self._optimizer.step()
        with torch.no_grad():
            if self._masters is not self._own:
                torch._foreach_copy_(self._own, self._masters)
        self._model.zero_grad(set_to_none=False)

    def _run(self, batch: Batch) -> Losses:
        device = batch.labels.device
        with (
            torch.autocast(device.type, enabled=False)
            if self._variant.in_bfloat16
            else autocast(device)
        ):
            if self._packing is None:
                logits = self._model(batch)
            else:
                logits = packed_logits(self._model, batch, self._packing)
        loss = functional.cross_entropy(logits, batch.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return {"loss": loss.detach()}


def rate_of(variant: Variant, config: ModelConfig, batch: Batch) -> float:
    """Operations a second of a variant's steps, forward and backward, that the batch needs."""
    if variant.is_packed:
        config = config.model_copy(update={"attention_dropout": 0.0})
    model = make_classifier(config).to(batch.labels.device)
    with changed(variant, model):
        steps = Steps(variant, model, batch)
        for _ in range(NUM_WARM):
            steps.step()
        taken = statistics.median(seconds(steps.step, None) for _ in range(NUM_STEPS))
    return needed_operations(config, batch) / taken


def needed_operations(config: ModelConfig, batch: Batch) -> float:
    """Operations of forward and backward, without padding."""
    lengths = batch.token_mask.sum(dim=1).tolist()
    frames = batch.frame_mask.sum(dim=1).tolist()
    pairs = zip(lengths, frames, strict=True)
    return 3.0 * sum(operations(config, tokens, number) for tokens, number in pairs)


def variant_rows(
    examples: Examples, config: ModelConfig, sizes: Sequence[int], device: torch.device, rate: float
) -> Iterator[Row]:
    """Measure each way at each batch size, while there is time."""
    began = time.perf_counter()
    typical = read_labelled(examples, np.arange(min(len(examples), 256)))
    of_example = needed_operations(config, typical) / len(typical)
    for variant in VARIANTS:
        for size in sizes:
            if time.perf_counter() - began > MAX_SECONDS:
                print(f"no time was left for {variant.name}, batches of {size}")
                continue
            if variant.is_packed:
                batch = read_labelled(examples, np.arange(size))
            else:
                (batch,) = choose(examples, size, 1)
            try:
                achieved = rate_of(variant, config, batch.to(device))
            except Exception as error:  # noqa: BLE001 - it must not cost the other ways their time
                print(f"{variant.name}, batches of {size}, failed: {error}")
                continue
            title = f"{variant.name}, batches of {size}: operations a second"
            share = achieved / rate
            yield row(title, achieved, None, rate, share, *at_least(MIN_SHARE, share))
            once = of_example / achieved
            costs = Cost(of_example, once), Cost(2 * of_example, 2 * once)
            minutes = projected_minutes(*costs, resampled_share())
            title = f"{variant.name}, batches of {size}: minutes of the published work, projected"
            yield row(title, minutes, None, None, minutes, *at_most(MAX_MINUTES, minutes))


def rows_of(folder: Path, device: torch.device) -> Iterator[Row]:
    """Measure training, then encoding."""
    lengths = contest_lengths(NUM_EXAMPLES, seed=0)
    examples = Examples(*make_store(folder / "store", lengths, width=EMBEDDING_DIM))
    rate = matrix_rate(device, MATRIX_SIZE)
    yield from variant_rows(examples, ModelConfig(), BATCH_SIZES, device, rate)
    torch.cuda.empty_cache()
    spec, weights = demo_encoder()
    items = bench_encoding.put(some_clips(), folder)
    yield from bench_encoding.precisions(items, spec, weights)
    with mock.patch.object(bench_encoding, "ROUNDS", 1):
        yield from bench_encoding.overlap(items, spec, weights)


def main() -> None:
    """Measure, where there is a GPU."""
    if not torch.cuda.is_available():
        print("There is no GPU here: nothing was measured.")
        return
    with tempfile.TemporaryDirectory() as folder:
        write(rows_of(Path(folder), torch.device("cuda")), "gpu-variants")


if __name__ == "__main__":
    main()
