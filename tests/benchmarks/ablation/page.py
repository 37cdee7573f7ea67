"""The page about what each part of the default recipe is worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.ablation.outcomes import Run
from tests.benchmarks.ablation.scores import COLUMNS, Interval, over_examples, over_seeds
from tests.benchmarks.ablation.systems import DEFAULT, FEW, MATCHING, PARTS, Part

TODAY = "full"
"""What CPU time is compared with: the published recipe with all of its helpful tricks."""
HELPS, HARMS, UNCLEAR = "helps", "harms", "cannot be told apart from nothing"


@dataclass(frozen=True)
class Target:
    """What world A is to show, on the mean of all seeds."""

    what: str
    name: str
    """Of what was scored."""
    mean_f1: float
    cpu_share: float | None = None
    """At most, of the CPU time of `TODAY`."""


TARGETS = (
    Target("`experts`", "experts", 0.72, 0.2),
    Target("cross encoder alone", "default: cross_encoder", 0.67),
    Target("`default`", "default", 0.725, 1),
    Target("five labels a class, `default`", "default, five labels", 0.70),
    Target("reach for: `default`", "default", 0.75, 3),
)

Gains = dict[str, dict[str, Interval | None]]
"""What each part adds to the mean F1, by world and part."""

_MATCHING_TARGET = 0.7
_CHANCE = 0.5

_PAGE = """\
# What each part of the default recipe is worth

`make ablation` writes this page, in about an hour on two cores. Nothing here is real but the headlines of world D;
each world shows what the others cannot.

| world | text | frames | test examples |
|---|---|---|---|
| A | topics of words, common words, words of sibling topics | scenes in normal noise; in a third of the categories their order matters | 22,480 |
| B | three registers that share synonyms, words in bursts, misread OCR | mixtures of four sights, in Student's noise that goes on from frame to frame | 22,480 |
| D | 10,000 real headlines of ten classes, tokenised as the text view does it | as in A | 5,000 |

A and B have 200 categories with the counts of the 2022 WeChat data scaled down: 2,810 labelled examples, 562 for
validation and 8,000 unlabelled. D has 1,000 labelled, 200 for validation and 2,800 unlabelled. In A and B neither view
suffices, and what is best possible is exact: the category that is most probable by the world's own probabilities. In B
linear classifiers of words or of mean frames stay far below what each view can tell, even when they know the world's
averages (`tests/property/test_ablation_corpus.py`). All were drawn before anything was trained on them.

Seeds: {seeds}. Each draws its own examples, weights and order; the test examples are the same for all seeds. What is
scored is the mean of level-1 and level-2, micro and macro F1. Differences are in points (hundredths), paired.
"By seed" is Student's 95% interval over the seeds, "by example" a bootstrap over the test examples, in each of whose
resamples the mean is taken over the seeds. Settings were chosen on validation examples, and on seeds and test examples
that are not reported; the seeds of this page were run once.

The models are small: {layers} layers of width {width}. `published` is the preset at that size, and `full` the recipe of
[the other page](ablation-published.md), which has all of its tricks that helped.

## Targets, on world A

Mean F1, but for matching: there every second test example got the frames of another one. CPU is the time of a whole
training, pretraining too, as a share of that of `full`.

| what | wanted | reached | by seed | CPU, at most | CPU |
|---|---|---|---|---|---|
{targets}

## `default` compared

| world | compared with | difference | by seed | by example | `default` is better |
|---|---|---|---|---|---|
{comparisons}

The best expert is the one of the four that scores highest on the test examples.

## Parts

Each part is compared on the first seed (those of what a target is set for, on all). The intervals are by example: they
do not know that another draw and other first weights would give other figures. On world A the four seeds of `default`
differ by {spread} points (standard deviation), so a smaller difference of a part says little.

{verdicts}

| part | in `default` | with it | without it | {part_worlds} |
|---|---|---|---|{part_lines}|
{parts}

With five labels, each category keeps {few} training examples; validation stays.

## All that was scored

The four baselines (`majority`, one regression of each view, both added up) are fitted together; the CPU seconds of each
are those of all.

{scores}
"""
_SCORES = """\
### World {world}

| what | level 1 micro | level 1 macro | level 2 micro | level 2 macro | mean F1 | CPU | seeds |
|---|---|---|---|---|---|---|---|
{rows}
"""
_NOT_SCORED = "not scored"


def write(runs: Sequence[Run]) -> str:
    """Write docs/ablation.md; the same runs give the same text."""
    worlds = sorted({run.world for run in runs})
    of_world = {world: [run for run in runs if run.world == world] for world in worlds}
    gains = {
        world: {name: difference(part, of_world[world]) for name, part in PARTS.items()}
        for world in worlds
        if world != "D"
    }
    model = DEFAULT.model
    return _PAGE.format(
        seeds=", ".join(str(seed) for seed in sorted({run.seed for run in runs})) or "none yet",
        layers=f"{model.num_language_layers} + {model.num_cross_layers}",
        width=model.width,
        targets=_targets(of_world.get("A", [])),
        comparisons="\n".join(row for world in worlds for row in _comparisons(of_world[world])),
        verdicts=_verdicts(gains),
        spread=_spread(of_world.get("A", [])),
        part_worlds=" | ".join(f"{world}: difference | by example" for world in gains),
        part_lines="|".join(["---"] * 2 * len(gains)),
        parts="\n".join(_part(name, part, gains) for name, part in PARTS.items()),
        few=FEW,
        scores="\n".join(_scores(world, of_world[world]) for world in worlds),
    )


def difference(part: Part, runs: Sequence[Run]) -> Interval | None:
    """Give what a part adds to the mean F1, by example; None where no seed has both sides."""
    both = [run for run in runs if {part.with_it, part.without_it} <= run.outcomes.keys()]
    if not both:
        return None
    return over_examples(
        both[0].true,
        [run.outcomes[part.with_it].predicted for run in both],
        [run.outcomes[part.without_it].predicted for run in both],
        both[0].group,
    )


def verdict(gain: Interval) -> str:
    """Say what an interval shows."""
    if gain.low > 0:
        return HELPS
    return HARMS if gain.high < 0 else UNCLEAR


def _mean_f1(run: Run, name: str) -> float:
    return run.outcomes[name].scores["mean_f1"]


def _targets(runs: Sequence[Run]) -> str:
    rows = [_target(target, runs) for target in TARGETS]
    what = f"reach for: matching accuracy {MATCHING}, share of the way from chance to the best"
    shares = [
        (run.matching[MATCHING] - _CHANCE) / (run.matching["best possible"] - _CHANCE)
        for run in runs
        if MATCHING in run.matching
    ]
    reached = f"{np.mean(shares):.4f}" if shares else _NOT_SCORED
    by_seed = ", ".join(f"{share:.4f}" for share in shares)
    rows.append(f"| {what} | ≥ {_MATCHING_TARGET:.3f} | {reached} | {by_seed} | | |")
    return "\n".join(rows)


def _target(target: Target, runs: Sequence[Run]) -> str:
    scored = [run for run in runs if target.name in run.outcomes]
    wanted = f"≥ {target.mean_f1:.3f}"
    most = "" if target.cpu_share is None else f"{target.cpu_share:g}"
    if not scored:
        return f"| {target.what} | {wanted} | {_NOT_SCORED} | | {most} | |"
    scores = [_mean_f1(run, target.name) for run in scored]
    share = "" if target.cpu_share is None else f"{_cpu_share(scored, target.name):.2f}"
    by_seed = ", ".join(f"{score:.4f}" for score in scores)
    return f"| {target.what} | {wanted} | {np.mean(scores):.4f} | {by_seed} | {most} | {share} |"


def _cpu_share(runs: Sequence[Run], name: str) -> float:
    return _cpu_seconds(runs, name) / _cpu_seconds(runs, TODAY)


def _cpu_seconds(runs: Sequence[Run], name: str) -> float:
    """Average CPU seconds; not a number where nothing was trained by that name."""
    seconds = [run.outcomes[name].cpu_seconds for run in runs if name in run.outcomes]
    measured = [one for one in seconds if one is not None]
    return float(np.mean(measured)) if measured else float("nan")


def _comparisons(runs: Sequence[Run]) -> list[str]:
    """Compare `default` with what it must beat, in one world."""
    experts = [f"default: {expert}" for expert in DEFAULT.fusion.experts]
    scored = [name for name in experts if all(name in run.outcomes for run in runs)]
    others = ["multimodal_linear", *_best(scored, runs), "published", TODAY]
    return [
        _comparison(other, runs)
        for other in others
        if all({"default", other} <= run.outcomes.keys() for run in runs)
    ]


def _best(names: Sequence[str], runs: Sequence[Run]) -> list[str]:
    def mean(name: str) -> float:
        return float(np.mean([_mean_f1(run, name) for run in runs]))

    return [max(names, key=mean)] if names else []


def _comparison(other: str, runs: Sequence[Run]) -> str:
    gains = [_mean_f1(run, "default") - _mean_f1(run, other) for run in runs]
    intervals = [over_seeds(gains)] if len(runs) > 1 else []
    intervals += [
        by_example for by_example in [difference(Part("default", other), runs)] if by_example
    ]
    is_better = "yes" if all(gain.low > 0 for gain in intervals) else "not shown"
    shown = " | ".join(_bounds(gain) for gain in intervals)
    return f"| {runs[0].world} | `{other}` | {100 * np.mean(gains):+.2f} | {shown} | {is_better} |"


def _bounds(gain: Interval) -> str:
    return f"{100 * gain.low:+.2f} to {100 * gain.high:+.2f}"


def _spread(runs: Sequence[Run]) -> str:
    """How far one seed's `default` is from another's, in points."""
    scores = [_mean_f1(run, "default") for run in runs if "default" in run.outcomes]
    return f"{100 * np.std(scores, ddof=1):.2f}" if len(scores) > 1 else "an unknown number of"


def _verdicts(gains: Gains) -> str:
    """List the parts by what each world shows of them."""
    lines = []
    for world, of_part in gains.items():
        for said in (HELPS, HARMS, UNCLEAR):
            names = [name for name, gain in of_part.items() if gain and verdict(gain) == said]
            lines.append(f"- world {world}, {said}: {', '.join(names) or 'none'}")
    return "\n".join(lines)


def _part(name: str, part: Part, gains: Gains) -> str:
    cells = []
    for of_part in gains.values():
        gain = of_part[name]
        cells.append(f"{100 * gain.mean:+.2f} | {_bounds(gain)}" if gain else f"{_NOT_SCORED} |")
    is_in = "yes" if part.is_in_default else "no"
    return f"| {name} | {is_in} | {part.with_it} | {part.without_it} | {' | '.join(cells)} |"


def _scores(world: str, runs: Sequence[Run]) -> str:
    names = dict.fromkeys(name for run in runs for name in run.outcomes)
    rows = {name: [run for run in runs if name in run.outcomes] for name in names}
    in_order = sorted(rows, key=lambda name: -np.mean([_mean_f1(run, name) for run in rows[name]]))
    return _SCORES.format(
        world=world, rows="\n".join(_score(name, rows[name]) for name in in_order)
    )


def _score(name: str, scored: Sequence[Run]) -> str:
    means = [np.mean([run.outcomes[name].scores[column] for run in scored]) for column in COLUMNS]
    seconds = _cpu_seconds(scored, name)
    cpu = "" if np.isnan(seconds) else f"{seconds:.0f} s"
    cells = " | ".join(f"{mean:.4f}" for mean in means)
    return f"| {name} | {cells} | {cpu} | {len(scored)} |"
