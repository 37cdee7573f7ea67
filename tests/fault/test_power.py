"""Power cuts: after any operation nothing that was promised is gone.

And no fsync can be left out.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fault import job
from tests.fault.power import Operation, Recorder, Stopped, Tree, lost_apart, make_faults, states
from tests.fault.steps import watching

Record = Callable[[str, str], None]

ROOT = "made/store"


@dataclass(frozen=True)
class Trace:
    """What one or two runs did to an empty disk."""

    operations: list[Operation]
    catalogs: list[bytes]

    def lost(self, without: int | None = None) -> list[str]:
        """What the first bad state lacks, with one operation left out."""
        faults = make_faults(ROOT, self.catalogs)
        operations = [one for place, one in enumerate(self.operations) if place != without]
        lost = next((found for state in states(operations) if (found := faults(*state))), [])
        return lost or lost_apart(ROOT, operations)

    def syncs(self) -> list[int]:
        return [place for place, one in enumerate(self.operations) if one.kind == "sync"]


@pytest.fixture(autouse=True)
def _known_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSTORE_GIT_REVISION", "0" * 40)


def traced(box: Path, stops: Sequence[int] = (), damaged: str = "nothing") -> Trace:
    """Record runs on one disk.

    Some stopped before an operation and what they left damaged, the last one not.
    """
    box.mkdir()
    recorder = Recorder(box, box / ROOT)
    for stop in (*stops, None):
        recorder.stop_before = stop
        try:
            with watching(recorder):
                job.run(box / ROOT)
        except Stopped:
            for path in (box / ROOT).glob(f"features/**/{damaged}"):
                path.write_bytes(b"damaged")
    return Trace(recorder.operations, recorder.catalogs)


def lay_out(box: Path, tree: Tree, catalog: bytes) -> None:
    """Make the disk of a state."""
    for path, payload in tree.items():
        if payload is None:
            (box / path).mkdir(parents=True)
        else:
            (box / path).write_bytes(payload)
    if catalog and (box / ROOT).is_dir():
        (box / ROOT / "catalog.db").write_bytes(catalog)


def test_every_state_of_a_power_cut_is_valid_and_run_to_the_same_bytes(
    memory_folder: Path, record: Record, full: bool
) -> None:
    trace = traced(memory_folder / "whole")
    stored = job.fingerprint_of(memory_folder / "whole" / ROOT)
    faults = make_faults(ROOT, trace.catalogs)
    found = list(states(trace.operations))
    assert [lost for state in found if (lost := faults(*state))] == []
    distinct = {(catalog, tuple(tree.items())): (catalog, tree) for catalog, tree in found}
    opened = list(distinct.values())[:: 1 if full else 4]
    for number, (catalog, tree) in enumerate(opened):
        box = memory_folder / str(number)
        box.mkdir()
        lay_out(box, tree, trace.catalogs[catalog])
        with job.opened(box / ROOT) as store:
            job.verify(store)
        job.run(box / ROOT)
        assert job.fingerprint_of(box / ROOT) == stored
        shutil.rmtree(box)
    record(
        "power, states",
        f"{len(found)} states after {len(trace.operations)} operations ({len(distinct)} distinct):"
        f" 0 lack a published, journaled or staged file; {len(opened)} opened by the store: 0"
        " damaged, 0 reruns that differ",
    )


def test_a_run_stopped_and_resumed_before_the_power_cut_loses_nothing_and_needs_every_fsync(
    memory_folder: Path, record: Record
) -> None:
    fresh = traced(memory_folder / "fresh")
    traces = [fresh]
    stops = [place for place in fresh.syncs() if fresh.operations[place - 1].kind == "name"]
    traces += [traced(memory_folder / f"stopped-{stop}", [stop]) for stop in stops]
    *_, recording, _discarding, _naming = [
        place for place, one in enumerate(fresh.operations) if one.kind == "catalog"
    ]
    traces.append(traced(memory_folder / "damaged", [recording], "manifest.json"))
    num_states = 0
    for trace in traces:
        assert trace.lost() == []
        num_states += sum(1 for _ in states(trace.operations))
    needed: dict[str, bool] = {}
    num_caught = 0
    for trace in traces:
        for place in trace.syncs():
            label = trace.operations[place].name
            if trace is fresh or not needed.get(label):
                caught = bool(trace.lost(without=place))
                needed[label] = needed.get(label, False) or caught
                num_caught += caught and trace is fresh
    assert [label for label, caught in needed.items() if not caught] == []
    record(
        "power, fsyncs",
        f"{len(traces)} runs, {len(traces) - 1} of them stopped and resumed first: {num_states}"
        f" states, 0 that lack a promised file; each of the {len(needed)} places that sync taken"
        f" away: caught ({num_caught} of the {len(fresh.syncs())} fsyncs of one run; the others"
        " sync again what a stopped run may have made)",
    )
