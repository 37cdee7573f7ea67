"""Forgetting a video, in children of a parent that has all of it in memory."""

from pathlib import Path
from typing import Any

from featurestore.forgetting import forget_videos, traces
from tests.fault import job
from tests.fault.steps import watching
from tests.fault.warm import Begin, Killer, serve
from warehouse import commits
from warehouse.commits import Address

VIDEO = "v002"


def _answer(request: dict[str, Any], begin: Begin) -> Any:
    begin()
    root = Path(request["root"])
    if request["do"] == "prepare":
        return _prepare(root)
    if request["do"] == "resume":
        return _resume(root)
    killer = Killer(request.get("step"))
    with watching(killer):
        _forget(root, VIDEO)
    return killer.steps


def _prepare(root: Path) -> None:
    job.run(root)
    _forget(root, "v001")  # which draws the salt


def _forget(root: Path, video_id: str) -> None:
    with job.opened(root) as store:
        forget_videos(store, [video_id], job.NOW)


def _resume(root: Path) -> tuple[str, str]:
    """Let a writer come by that has nothing to do with it, then forget once more."""
    with job.opened(root) as store:
        commits.stage(store, Address("tables/other"), "key", job.NOW).discard()
        known = VIDEO in commits.forgotten(store)
        assert not known or list(traces(store)) == []
    _forget(root, VIDEO)
    files = [path for path in root.rglob("*") if path.is_file()]
    named = [path.name for path in files if VIDEO.encode() in path.read_bytes()]
    return job.fingerprint_of(root), ", ".join(named)


if __name__ == "__main__":
    serve(_answer)
