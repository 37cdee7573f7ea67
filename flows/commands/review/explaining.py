"""The command that says why a video was given its label."""

# ruff: noqa: PLC0415 - a command imports what it runs

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.lookup import open_wanted_store
from flows.commands.review.reviewing import show_neighbours
from flows.commands.terminal import Column, say, say_json, say_table, say_wrapped

if TYPE_CHECKING:
    from modeling.explain import Candidate, Explanation

app = typer.Typer()

_NUM_NEAREST = 5
_CANDIDATES = (Column("category"), Column("name"), Column("probability", is_figure=True))
_SHARES = (Column("part of the model"), Column("log odds", is_figure=True))


@app.command()
def explain(
    partition: Annotated[str, typer.Argument(help="A scored partition.")],
    video: Annotated[str, typer.Option(help="A video that it lists.")],
    model: Annotated[
        str | None, typer.Option(help="The model that predicted; the champion.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Say why a video was given its label.

    What each part of the model does for it, the keywords and frames that the model read, the
    categories that came next, and the labelled videos that are most like it.
    """
    from modeling.explain import explain as explain_prediction

    explained = explain_prediction(
        open_wanted_store(), partition, video, model, _NUM_NEAREST, datetime.now(UTC)
    )
    if as_json:
        say_json(asdict(explained))
    else:
        _show(explained)


def _show(explained: "Explanation") -> None:
    chosen = explained.chosen
    group = f"{explained.level1_id} {explained.level1}".strip()
    say_wrapped(
        f"video {explained.video_id} of {explained.partition}: category {_named(chosen)} in group"
        f" {group}, probability {chosen.probability:.3f}"
    )
    say(f"model {explained.model[:16]}")
    say_wrapped(f"title {explained.title or '(none)'}")
    say_wrapped(f"medium {explained.media or '(none)'}")
    if explained.missing_views:
        say(f"the model had no {' and no '.join(explained.missing_views)}")
    say_wrapped(f"keywords {_keywords(explained)}")
    say_wrapped(f"frames at {_moments(explained)}")
    if explained.runners_up:
        rows = [
            [each.category_id, each.category, f"{each.probability:.3f}"]
            for each in explained.runners_up
        ]
        say_table("the next most probable categories", _CANDIDATES, rows)
    if explained.shares and explained.runners_up:
        shares = sorted(explained.shares.items(), key=lambda share: -share[1])
        say_table(
            f"what speaks for {chosen.category_id} against {explained.runners_up[0].category_id}",
            _SHARES,
            [[name, f"{share:+.2f}"] for name, share in shares],
        )
    if explained.why_none_nearest:
        say_wrapped(f"no labelled videos are named as like it: {explained.why_none_nearest}")
    else:
        show_neighbours("the labelled videos most like it", explained.nearest)


def _named(candidate: "Candidate") -> str:
    return f"{candidate.category_id} {candidate.category}".strip()


def _keywords(explained: "Explanation") -> str:
    words = [f"{word} {weight:.2f}" for word, weight in explained.keywords.items()]
    return ", ".join(words) or "(none)"


def _moments(explained: "Explanation") -> str:
    return ", ".join(f"{moment:.1f} s" for moment in explained.frames) or "(none)"
