"""The deployment `extract-features`: media and text become the frames and text views of their partition."""

from datetime import UTC, datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from featurestore import wanted
from featurestore.reasons import OK
from featurestore.spec import VIEWS, View
from featurestore.views import current_commit
from flows import artifacts, wanted_specs
from flows.deployment import deployment
from flows.each import each, fail_with
from flows.parameters import Partition
from flows.settings import load_settings
from flows.view_jobs import ViewJob, view_job
from modeling import registry
from warehouse import tables
from warehouse.store import open_existing_store


@deployment("extract-features")
def extract_features(partition: Partition = None) -> list[dict[str, Any]]:
    """Make the features of every partition that lacks them, under the wanted recipe and the champion's."""
    settings = load_settings()
    store = open_existing_store(settings.root, settings.catalog_url)
    partitions = [tables.video_partition(store, partition)] if partition else tables.video_partitions(store)
    champion = registry.champion(store)
    recipes = [
        wanted.wanted(store) or wanted_specs.freeze(store, wanted_specs.prepare(store, settings), datetime.now(UTC))
    ]
    recipes += [champion.facts["fingerprints"]] if champion else []
    lacking = [
        (view, fingerprint, listed.name)
        for view in VIEWS
        for fingerprint in sorted({recipe[view] for recipe in recipes})
        for listed in partitions
        if current_commit(store, view, fingerprint, listed) is None
    ]
    rows, errors = each(lacking, lambda lack: _extract(*lack))
    summary = "\n".join(f"- {row['partition']} {row['view']}: {row['ok']} of {row['videos']} ok" for row in rows)
    artifacts.leave("extract", summary or "nothing to do: every partition has its features", rows)
    fail_with(errors)
    return rows


@task(name="extract-chunk", persist_result=False, cache_policy=NO_CACHE)
def extract_chunk(view: View, fingerprint: str, partition: str, index: int) -> int:
    """Make the files of one chunk; returns how many videos it has."""
    return _job(view, fingerprint, partition).make(index)


def _extract(view: View, fingerprint: str, partition: str) -> dict[str, Any]:
    job = _job(view, fingerprint, partition)
    with artifacts.progress(f"extract {view} {partition}") as show:
        done = 0
        for future in extract_chunk.map(view, fingerprint, partition, list(range(job.num_chunks))):
            done += future.result()
            show(done, job.num_videos)
    commit = job.publish(datetime.now(UTC))
    outcomes = commit.facts["outcomes"]
    failed = {reason: count for reason, count in outcomes.items() if reason != OK}
    return {
        "partition": partition,
        "view": view,
        "fingerprint": fingerprint,
        "videos": job.num_videos,
        "ok": commit.num_rows,
        "failed_by_reason": failed,
        "commit": commit.id,
    }


def _job(view: View, fingerprint: str, partition: str) -> ViewJob:
    settings = load_settings()
    store = open_existing_store(settings.root, settings.catalog_url)
    return view_job(store.root, view, fingerprint, partition, tables.video_partition(store, partition).commit.id)
