"""The command that compares what two models predict for a partition."""

# ruff: noqa: PLC0415 - a command imports what it runs

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.lookup import open_wanted_store
from flows.commands.terminal import Column, say, say_json, say_table, say_wrapped

if TYPE_CHECKING:
    from modeling.compare import ComparedModels, Score

app = typer.Typer()

_NUM_SHOWN = 20
_MOVES = (
    Column("first"),
    Column("second"),
    Column("videos", is_figure=True),
    Column("such as"),
)
_SCORES = (
    Column("measure"),
    Column("first", is_figure=True),
    Column("second", is_figure=True),
)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A model's id, the start of it, or an alias.")],
    second: Annotated[str, typer.Argument(help="Another model.")],
    partition: Annotated[str, typer.Option(help="A partition that both have scored.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Compare what two models, such as champion and challenger, predict for a partition.

    How often they agree, which categories become which, and both scores where videos are labelled.
    """
    from modeling.compare import compare_models

    compared = compare_models(open_wanted_store(), first, second, partition)
    if as_json:
        say_json(asdict(compared))
    else:
        _show(compared)


def _show(compared: "ComparedModels") -> None:
    say(f"first {compared.first[:16]}, second {compared.second[:16]}, {compared.partition}")
    share = compared.same_category / max(1, compared.videos)
    say_wrapped(
        f"{compared.same_category:,} of {compared.videos:,} videos ({share:.1%}) have the same"
        f" category, and {compared.same_group:,} the same level-1 group"
    )
    if compared.moves:
        shown = compared.moves[:_NUM_SHOWN]
        rows = [
            [move.first, move.second, f"{move.videos:,}", ", ".join(move.video_ids)]
            for move in shown
        ]
        title = f"{len(shown)} of {len(compared.moves):,} pairs of categories that differ"
        say_table(title, _MOVES, rows)
    if compared.score is None:
        say_wrapped("no video of it is labelled, so that neither model has a score here")
    else:
        _show_score(compared.score)


def _show_score(score: "Score") -> None:
    rows = [[name, f"{score.first[name]:.3f}", f"{score.second[name]:.3f}"] for name in score.first]
    say_table(f"on {score.videos:,} labelled videos", _SCORES, rows)
    low, high = score.gain
    say_wrapped(
        f"second minus first, mean F1: {low:+.3f} to {high:+.3f} (95%); a model that learned from"
        " these labels scores too high"
    )
