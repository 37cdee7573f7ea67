"""Preview strips as files of the site, named by their bytes: no name from outside is a path."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from featurestore import wanted
from featurestore.views.frames import frame_chunks
from featurestore.views.heads import address, present_head
from modeling.models import registry
from modeling.models.model_facts import ClassifierFacts
from warehouse.storage.files import sha256_bytes
from warehouse.store import Store

FOLDER = "previews"
_DIGEST_CHARS = 24


@dataclass(frozen=True)
class Strips:
    """The strips of some videos."""

    paths: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """From the site's folder, by partition and video id; a video without a strip has none."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The bytes by path."""


def collect_strips(
    store: Store, fingerprint: str | None, shown: Mapping[str, Collection[str]]
) -> Strips:
    """Read the strips of the videos that a page shows.

    Args:
        store: Where they are.
        fingerprint: Of the frames view; None where no recipe is known, and so no strip.
        shown: Video ids by partition.
    """
    paths: dict[tuple[str, str], str] = {}
    files: dict[str, bytes] = {}
    for partition, video_ids in shown.items():
        commit = fingerprint and present_head(store, address("frames", fingerprint, partition))
        if not commit:
            continue
        for video_id, strip in frame_chunks.previews(commit, video_ids):
            path = f"{FOLDER}/{partition}/{sha256_bytes(strip)[:_DIGEST_CHARS]}.jpg"
            paths[partition, video_id] = path
            files[path] = strip
    return Strips(paths, files)


def frames_fingerprint(store: Store) -> str | None:
    """Find the frames' recipe whose strips are shown: the champion's, else the wanted one."""
    champion = registry.champion(store)
    if champion is not None:
        return ClassifierFacts.of(champion).fingerprints["frames"]
    return wanted.wanted(store).get("frames")
