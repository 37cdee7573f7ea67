"""Commands that keep a store in order: verify, gc, forget, rebuild-catalog, rollback."""

# ruff: noqa: PLC0415 - a command imports what it runs

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.lookup import open_wanted_store
from flows.commands.terminal import console, say
from flows.settings import Settings, load_settings
from warehouse.errors import Corrupt, Invalid

if TYPE_CHECKING:
    from warehouse.store import Store

app = typer.Typer()

_GRACE_DAYS = 7


@app.command()
def verify() -> None:
    """Read every byte of the store again, and name each file that is not what was published."""
    from rich.progress import track

    from featurestore.forgetting import traces
    from warehouse import commits

    store, terminal = open_wanted_store(), console(err=True)
    if (problem := commits.compare(store).problem) is not None:
        raise Corrupt(problem)
    damages = [
        *track(commits.verify(store), "verify", console=terminal, disable=not terminal.is_terminal),
        *traces(store),
    ]
    for damage in damages:
        say(f"{damage.path} {damage.problem}")
    if damages:
        raise Corrupt(
            f"not what was published: {len(damages)} of the store's files, named above; restore"
            " them from a copy, or delete their commits' folders and make them again"
        )
    known = [
        commit for dataset in commits.datasets(store) for commit in commits.commits(store, dataset)
    ]
    size_bytes = sum(entry.size_bytes for commit in known for entry in commit.files.values())
    say(
        f"{len(known)} commits with {sum(len(c.files) for c in known)} files, {_mib(size_bytes)}:"
        " all whole"
    )
    if (sentence := commits.compare(store).sentence) is not None:
        say(sentence)
    for path in commits.set_aside(store):
        say(f"{path} is a move that was interrupted and could not be followed any more")


@app.command()
def gc(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go, and remove nothing.")
    ] = False,
    grace_days: Annotated[
        float,
        typer.Option(min=0, help="How long a superseded commit or an abandoned run is left alone."),
    ] = _GRACE_DAYS,
) -> None:
    """Remove superseded commits that nothing needs, and what abandoned runs have left."""
    from warehouse import commits

    store = open_wanted_store()
    garbage = commits.collect_garbage(
        store, datetime.now(UTC), timedelta(days=grace_days), dry_run=dry_run
    )
    for folder in garbage.folders:
        say(str(folder))
    verb = "would go" if dry_run else "removed"
    say(
        f"{verb}: {len(garbage.commits)} commits, {garbage.num_pending} abandoned runs, "
        f"{len(garbage.folders)} folders, {_mib(garbage.size_bytes)}"
    )


@app.command()
def forget(
    video_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The videos' ids.")],
) -> None:
    """Remove videos for good: from listings, features, predictions and previews, past ones too.

    Each commit that holds one gives way to one without it, and goes at once. The journal keeps
    which commit took the place of which, as the proof, and a salted digest of each id, by which
    ingest passes the video over from now on. The digest hides the id from whoever reads the store,
    not from whoever can guess it. Another video with the same content stays. Pages of the site
    are made again without it.

    What was learned from the video stays: the weights of models, the statistics beside them, the
    TF-IDF terms and weights of text recipes, and the salt of the split. So do other files outside
    the store: media, listings, exports, backups, and what Prefect has logged.
    """
    from featurestore.forgetting import forget_videos

    store, settings = open_wanted_store(), load_settings()
    done = forget_videos(store, video_ids, datetime.now(UTC))
    for place, num_commits in done.num_by_place.items():
        say(f"{place}: {num_commits} commits replaced")
    for commit_id in done.built_upon:
        say(f"{commit_id[:16]} keeps its id, and reads the rest from now on")
    for name in done.checkpoints:
        say(f"checkpoints/{name}: the saved training had read the video and was discarded")
    for video_id in done.unknown:
        say(f"no commit lists video {video_id}; ingest passes it over from now on")
    say(
        f"forgotten: {len(done.video_ids)} videos; models, their statistics and the TF-IDF terms"
        " stay as they were learned"
    )
    _rebuild_site(store, settings)


def _rebuild_site(store: "Store", settings: Settings) -> None:
    """Take what was forgotten from the pages, where there are any."""
    from flows.commands.bar import TerminalReporter
    from flows.operations.landing_notes import landing_notes
    from flows.operations.site_building import build_site
    from flows.operations.site_folder import is_site

    if not is_site(settings.site):
        return
    now = datetime.now(UTC)
    built = build_site(
        store,
        settings.site,
        now,
        limits=settings.work_limits,
        landing_notes=landing_notes(settings, store, now),
        reporter=TerminalReporter(),
    )
    say(f"{len(built.rewritten)} of {built.num_pages} pages of the site were made again")


@app.command("rebuild-catalog")
def rebuild_catalog() -> None:
    """Make a lost catalog again from the store's files."""
    from warehouse import commits
    from warehouse.store import has_journal, open_store

    settings = load_settings()
    if not has_journal(settings.root):
        raise Invalid(f"there is no journal at {settings.root}: name the root of a store")
    rebuilt = commits.rebuild_catalog(open_store(settings.root, settings.catalog_url))
    say(
        f"{rebuilt.num_commits} commits from {rebuilt.num_moves} journal entries; run reelstore"
        " verify next"
    )
    for sentence in rebuilt.lost:
        say(sentence)
    if rebuilt.lost:
        raise Corrupt(f"not found: {len(rebuilt.lost)} commits, named above; make them again")


@app.command()
def rollback(
    name: Annotated[
        str,
        typer.Argument(help="An alias such as wanted/frames, or a dataset such as tables/labels."),
    ],
    partition: Annotated[str | None, typer.Option(help="The dataset's partition.")] = None,
    to: Annotated[
        str | None, typer.Option(help="The commit to go back to, by its first digits.")
    ] = None,
) -> None:
    """Move an alias or the head of a partition back to what it was before."""
    from warehouse import commits
    from warehouse.commits import Address

    store, now = open_wanted_store(), datetime.now(UTC)
    if commits.alias(store, name) is None:
        commit = commits.roll_back(store, Address(name, partition), to, now)
        say(f"{commit.address}: {commit.id}")
    elif partition or to:
        raise Invalid(
            f"{name} is an alias, which has no partitions and goes one step back: leave the"
            " options out"
        )
    else:
        say(f"{name}: {commits.roll_back_alias(store, name, now)}")


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.1f} MiB"
