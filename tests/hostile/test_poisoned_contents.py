"""Media whose bytes, names or copies would decide the outcome of others.

Or keep a partition from being published.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from featurestore import wanted
from featurestore.extraction.jobs import Extraction, Request
from featurestore.progress.coverage import Coverage, view_coverage
from featurestore.progress.ledger import read as read_ledger
from featurestore.progress.plan import plan_view
from featurestore.progress.reasons import OK, Reason
from featurestore.views.frames import embeddings
from flows.demo.encoder import shipped_encoder
from flows.operations import wanted_specs
from flows.settings import load_settings
from tests.bad_paths import BAD_COPIES, spoil
from tests.hostile.test_worker_deaths import OBEDIENT
from tests.operations import ingest
from warehouse import commits, tables
from warehouse.commits import Commit
from warehouse.errors import Retryable
from warehouse.storage import files
from warehouse.store import Store, open_store

Record = Callable[[str, str], None]
Payloads = dict[str, bytes]


class House:
    """A store of its own, whose partitions are listed and extracted as users do it."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self.folder, self.now = folder, now
        self.store: Store = open_store(folder / "store")
        settings = load_settings()
        weights = {"weights.safetensors": settings.path_of("encoder_weights").read_bytes()}
        self.fingerprint = wanted.freeze(
            self.store, wanted_specs.frame_spec(settings), weights, now
        )

    def list(self, partition: str, payloads: Payloads) -> Path:
        """List media by their names, each video by its medium's; returns their folder."""
        folder = self.folder / partition
        folder.mkdir(exist_ok=True)
        for name, payload in payloads.items():
            (folder / name).write_bytes(payload)
        rows = [{"video_id": name, "path": name, "title": "文"} for name in payloads]
        (folder / "manifest.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        ingest(folder / "manifest.jsonl", partition, "unlabeled")
        return folder

    def run(self, partition: str, retry: tuple[Reason, ...] | None = None) -> Commit:
        """Extract a partition's frames by real decoding workers."""
        with Extraction(self.store, load_settings().runtime) as extraction:
            request = Request("frames", self.fingerprint, partition, retry)
            return extraction.run(request, self.now)

    def shown(self, partition: str) -> Coverage:
        listed, limits = tables.video_partition(self.store, partition), load_settings().work_limits
        assert plan_view(self.store, "frames", self.fingerprint, listed, limits).is_current
        return view_coverage(self.store, "frames", self.fingerprint, listed, limits)


def outcomes(commit: Commit) -> dict[str, str]:
    """What came of each video: its reason, or the digest of its embeddings."""
    ledger = read_ledger(commit)
    shard = embeddings.open_mapped(commits.verified_path(commit, "shard-00000.h5"))
    vectors = zip(shard.video_ids, shard.embeddings, strict=True)
    made = {
        video_id: files.sha256_bytes(np.asarray(found).tobytes()) for video_id, found in vectors
    }
    rows = ledger.select("video_id", "outcome").iter_rows()
    return {name: made[name] if outcome == OK else outcome for name, outcome in rows}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: datetime) -> Iterator[House]:
    weights, card = shipped_encoder()
    kwargs = ", ".join(
        f"{name} = {json.dumps(value)}" for name, value in card.encoder_kwargs.items()
    )
    (tmp_path / "reelstore.toml").write_text(
        f'root = "store"\nencoder = "{card.encoder}"\nencoder_kwargs = {{{kwargs}}}\ndecode_workers'
        f" = 2\nencoder_weights = {json.dumps(str(weights))}\n"
    )
    monkeypatch.setenv("REELSTORE_CONFIG", str(tmp_path / "reelstore.toml"))
    found = House(tmp_path, now)
    yield found
    found.store.engine.dispose()


def zipped(pictures: int) -> bytes:
    """A good zip of frames."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(pictures):
            picture = io.BytesIO()
            Image.new("RGB", (96, 64), (20 * number, 90, 200)).save(picture, "JPEG")
            archive.writestr(f"{number}.jpg", picture.getvalue())
    return buffer.getvalue()


def test_no_name_and_no_copy_decides_the_outcome_of_others(
    house: House, clips: dict[str, bytes], clip: bytes, full: bool, record: Record
) -> None:
    archive, both = zipped(9), clip + zipped(9)
    contents: Payloads = {
        "clip": clip,
        "archive": archive,
        "both": both,
        "noise": b"no media",
        **(clips if full else {}),
    }
    alone = {
        f"{name}.{kind}": outcomes(house.run(partition))[f"{name}.{kind}"]
        for name, payload in contents.items()
        for kind in ("mp4", "zip")
        if house.list(
            partition := f"alone-{name}-{kind}".replace(" ", "-"), {f"{name}.{kind}": payload}
        )
    }
    assert (
        len({alone[f"both.{kind}"] for kind in ("mp4", "zip")} - set(Reason)) == 2
    )  # a clip, and a zip too
    assert alone["clip.zip"] == alone["noise.zip"] == Reason.BAD_ARCHIVE
    # Reused from the partitions above, in one partition, and in one that knows nothing of others.
    every = {name: contents[name.split(".")[0]] for name in alone}
    house.list("together", every)
    assert outcomes(house.run("together")) == alone
    house.fingerprint = wanted.freeze(
        house.store,
        wanted_specs.frame_spec(load_settings()).model_copy(update={"resize_filter": "bilinear"}),
        {"weights.safetensors": load_settings().path_of("encoder_weights").read_bytes()},
        house.now,
    )
    house.list("anew", every)
    anew = outcomes(house.run("anew"))
    assert {name for name, found in anew.items() if found in set(Reason)} == {
        name for name, found in alone.items() if found in set(Reason)
    }
    # A listing that changes nothing but kinds is another input.
    swapped = {name[:-3] + ("zip" if name.endswith("mp4") else "mp4"): name for name in every}
    rows = [{"video_id": name, "path": other} for other, name in swapped.items()]
    folder = house.list("anew", {other: every[name] for other, name in swapped.items()})
    (folder / "manifest.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    ingest(folder / "manifest.jsonl", "anew", "unlabeled")
    found = outcomes(house.run("anew"))
    assert found == {name: anew[other] for other, name in swapped.items()}

    for name, make in BAD_COPIES.items():
        partition = f"copies-{name}"
        payload = zipped(len(partition))  # of its own, committed nowhere
        spoil(house.list(partition, {f"{place}.zip": payload for place in "abc"}) / "a.zip", make)
        assert len(set(outcomes(house.run(partition)).values()) - set(Reason)) == 1, name
    record(
        "poisoned contents",
        f"{len(contents)} contents, each under two kinds, alone, beside each other, in other"
        f" partitions and with kinds swapped: {len(alone)} outcomes, none of them the other kind's;"
        f" {len(BAD_COPIES)} bad copies of good contents ({', '.join(BAD_COPIES)}): 0 good copies"
        " lost",
    )


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that hang or abort where the first bytes of a medium say so.

    And little patience with them.
    """
    (tmp_path / "obedient_worker.py").write_text(OBEDIENT)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("featurestore.extraction.decoding.sandbox.PROGRAM", "obedient_worker")
    monkeypatch.setenv("REELSTORE_DECODE_MAX_SECONDS", "1.5")


@pytest.mark.usefixtures("hanging")
def test_no_file_blocks_its_partition_for_ever(
    house: House, clip: bytes, full: bool, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = {"good.mp4": clip}
    # One content under 21 ids is one failure: published at once.
    house.list("one", good | {f"copy{place:02}.mp4": b"hangs for good" for place in range(21)})
    assert house.run("one").facts["outcomes"] == {OK: 1, Reason.DECODE_TIMEOUT: 21}
    assert house.shown("one").retryable == 21
    # Of 21 contents that take their workers with them every time, the third run is the last that
    # waits.
    counts = {}
    for order, reason in ((b"hangs", Reason.DECODE_TIMEOUT), (b"abort", Reason.WORKER_DIED)):
        if not full and order == b"hangs":
            continue  # it takes a minute
        partition = order.decode()
        house.list(
            partition, good | {f"{place:02}.mp4": order + b"%02d" % place for place in range(21)}
        )
        for _ in range(2):
            with pytest.raises(
                Retryable, match=f"21 of 22 contents of {partition} failed .*21 {reason}"
            ):
                house.run(partition)
        house.run(partition)
        shown = house.shown(partition)
        assert (shown.ok, shown.retryable, shown.given_up) == (1, 0, {reason: 21})
        # A retry that names the reason tries them once more, and blocks nothing either.
        house.run(partition, retry=(reason,))
        shown = house.shown(partition)
        assert (shown.given_up, shown.attempts) == ({reason: 21}, {"4": 21})
        counts[reason] = 3
    later = ""
    if full:
        # More patience has what was given up tried once more, and no oftener.
        monkeypatch.setenv("REELSTORE_DECODE_MAX_SECONDS", "1.6")
        assert house.shown("hangs").raised == {Reason.DECODE_TIMEOUT: 21}
        house.run("hangs", retry=())
        assert house.shown("hangs").given_up == {Reason.DECODE_TIMEOUT: 21}
        assert house.shown("hangs").raised == {}
        later = ", and one more under a raised limit"
    shown_counts = " and ".join(
        f"21 contents that end in {reason}: {runs} runs" for reason, runs in counts.items()
    )
    record(
        "blocking files",
        "one content under 21 ids that times out every time: published by the first run;"
        f" {shown_counts} until their partition is published, and one more for a retry that names"
        f" the reason{later}",
    )
