"""The command that compares encoders."""

# ruff: noqa: PLC0415 - a command imports what it runs

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.lookup import open_wanted_store
from flows.commands.terminal import Cell, Column, say_json, say_table, say_wrapped
from flows.settings import load_settings

if TYPE_CHECKING:
    from flows.operations.compare_encoders import ComparedEncoder, Comparison

app = typer.Typer()
_VIDEOS = 2000


@app.command("compare-encoders")
def compare_encoders_command(
    encoders: Annotated[
        list[str],
        typer.Argument(
            help="timm's names, each as NAME=FILE with a local file of its weights; a bare NAME is"
            " the settings' encoder."
        ),
    ],
    videos: Annotated[int, typer.Option(min=1, help="Embed so many labelled videos.")] = _VIDEOS,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare encoders by a linear probe on labelled videos, and by what they cost.

    Each is given the same videos, drawn by their digests. Differences are from the first encoder.
    Nothing is published.
    """
    from flows.commands.bar import TerminalReporter
    from flows.operations.compare_encoders import compare_encoders

    comparison = compare_encoders(
        open_wanted_store(), load_settings(), encoders, videos, TerminalReporter()
    )
    if as_json:
        say_json(asdict(comparison))
    else:
        _show(comparison)


def _show(comparison: "Comparison") -> None:
    unit = "GPU s" if comparison.device == "cuda" else "CPU s"
    headings: list[Cell] = [
        ("", "mean F1", "(95%)"),
        ("", "from the first", "(95%)"),
        ("", "pixels,", "width"),
        ("para-", "meters,", "disk"),
        ("", "decode,", "CPU s"),
        ("", "encode,", unit),
    ]
    say_table(
        f"linear probes on {comparison.compared:,} labelled videos of"
        f" {comparison.categories:,} categories",
        [Column("encoder"), *(Column(heading, is_figure=True) for heading in headings)],
        [_row(encoder, is_first=not place) for place, encoder in enumerate(comparison.encoders)],
    )
    failed = sum(comparison.failed.values())
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in comparison.failed.items())
    say_wrapped(
        f"{comparison.videos:,} videos were drawn, {failed:,} of them failed"
        + (f" ({reasons})" if failed else "")
        + "; nothing was published"
    )


def _row(compared: "ComparedEncoder", *, is_first: bool) -> list[Cell]:
    from flows.commands.amounts import size

    low, high = compared.mean_f1_interval
    lower, upper = compared.gain_interval
    gain = ("", "") if is_first else (f"{compared.gain:+.3f}", f"{lower:+.3f} to {upper:+.3f}")
    return [
        compared.encoder,
        (f"{compared.mean_f1:.3f}", f"{low:.3f} to {high:.3f}"),
        gain,
        (f"{compared.crop}", f"{compared.embedding_dim}"),
        (f"{compared.num_parameters / 1e6:.1f} M", size(compared.bytes_per_video)),
        f"{compared.decode_seconds:.3f}",
        f"{compared.encode_seconds:.3f}",
    ]
