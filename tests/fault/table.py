"""Writes docs/reliability.md from the counts that the fault tests leave in build/faults."""

import json
import os
import platform
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COUNTS = ROOT / "build" / "faults"
PAGE = ROOT / "docs" / "reliability.md"

_PAGE = """\
# What was broken on purpose, and what came of it

The full count of each fault, a row for the last run of each test that was made whole. `make faults` makes them all
again and writes this page; `make test` makes a small count. Seeds are fixed.

| test | shown |
|---|---|
{rows}

Seen on {machine}.

## What each test does

**kill.** A process that holds torch and a small encoder forks children. Each lists videos, encodes frames, builds
chunks, checks the ledger, publishes and moves an alias, by the code that users run. SIGKILL ends it at one step:
before each write, fsync, new name and removal, half-way through each write, before and after the begin and the commit
of each of the catalog's transactions; or at a moment drawn at random. First all that the catalog then names is
verified. A second process resumes; the store's files and the catalog's answers must then be those of a run that
nobody stopped. Times come from one given clock, so that they agree too. What may be left over lies in `staging/`,
under names that no pending row holds; or it is the folder of marks for finished chunks, where a run was killed
between its commit and their removal; or it is a half-written file of the journal under a name that begins with a dot.
`reelstore gc` sweeps them. Other kills hit real runs of the flow extract-features on a Prefect server, at a random
moment after the flow has begun, over and over until a run ends.

**kill, a training.** A small training with adversarial gradients, a moving average, dropout, resampling, soft labels
and batches in two parts is killed before the gradients, before the optimizer or before the average of one of its
steps; or at one step of the file system while it writes a checkpoint. A second process resumes it. Weights and
history must be those of a training that nobody stopped, bit for bit, and no step from before the last checkpoint is
done again.

**power.** A trace of every file-system call of the commit is played to a disk that forgets. By the most pessimistic
reading of POSIX a file's bytes are kept once the file was synced, and a name that was made, renamed, linked or
removed is kept once its folder was synced. What waits for its sync may have been kept or not: nothing of it, all of
it, each thing alone lost, each alone kept, after every operation. SQLite with `synchronous=FULL` is trusted. No state
may lack a file that the catalog then says is published, journaled or staged; and states opened as stores are verified
and run to the end, to the same bytes. Then each fsync is taken out of the trace: the test must find a state that lost
something, else it fails. The same holds where a run was killed and resumed before the power went.

**rot.** Single bits are flipped, files cut and lengthened at every length, swapped with each other and taken away.
The readers that training and flows use must refuse each before `h5py.File`, `polars.read_parquet` or `json.loads` is
called. A child process does it under a time limit.

**full disk.** Each step in turn fails with ENOSPC or EIO, once or from then on: the calls of the system, and begin,
each change and commit of SQLite; and a catalog that may not grow by a page. The run must end with one sentence that
says what to do, or do without the step. The catalog must answer as before or after one of the job's whole commits,
and the next run must end with the same bytes. An ingest publishes several tables: its sentence must name those that
are published and those that are not, as the catalog has them.

**wrong catalogs.** A store is looked at with a catalog that is not its own or knows less than its journal: restored
from before the last commits, of a mistyped or an empty URL, another store's, without a byte, deleted and made anew by
an ingest that was refused. Sweeps without a grace, dry or not, and every kind of writer must refuse it with a
sentence and change no file; a catalog that is made again must answer with every commit. Another store below the root
and folders with names of 16 digits must outlive a sweep.

**race, accounting, old formats.** Processes publish to one partition at once while others read and gc runs; ledgers
of generated batches must add up, and tampered ones be refused; a store of each format version must still read.

**hostile media.** Files made to do harm are decoded in the jailed workers: playlists and references that point at
other files or at the network, mutated clips of five codecs, small files that ask for much, crafted zips, workers that
abort, hang or eat memory, damaged text and ids of any script, planted caches of the word dictionary. No other file
may be opened and no connection made, every listed video must end in the ledger, and its neighbours must come out as
from a clean run.

**lying workers, poisoned pictures, equal bytes.** A worker that a medium has taken over gives answers and frames that
no decoding gives: each must end as `worker_died` for its own video. Small zips whose pictures ask for hours must be
rejected for good and never by a timeout, which would hold their partition back. Files broken in every way are
extracted twice, by processes with other hash seeds, addresses and folders, and must give the same commit.

**poisoned contents, blocking files.** One content is listed as a zip and as a video, or one copy of it is gone, changed
or closed: each kind has its own outcome, a whole copy serves, and nothing decides for another partition. Contents that
hang or kill their worker under many ids must not hold their partition back for ever.

**bad paths.** A listing names what is no medium, made for real, between good clips, and its reader has no privileges.
The ingest lists each of them without waiting for any, only the closed file is opened, and each ends in one row of the
ledger with its reason.

**restart, Prefect's server.** A training runs on a worker when its server is killed and started again; it must go on
past the next renewal of its lease, and then be cancelled. So must another one, after the worker was killed too.

**structural fuzz, clock discontinuities, promised ends.** Clips whose frames show their numbers are drawn in the
forms of MP4, Matroska, FLV, MPEG-TS, MPEG-PS and AVI. In the fuzz one field of their structure says something else,
or a few do: a size, a count, a time, or all times from one place on. A second reader, which shares no code with the
decoder, decodes every packet in order and lays the frames on the timeline. Each frame of a clip that is called `ok`
must be the one that this reader shows at its `pts_seconds`, the frames must be spread over all of the timeline, and
at least half of those that come out must have a time of their own. The other two rows are of clips for which the
right frames are known by their numbers.

## What "verified" means

A reader checks a file's size and sha256 once in each process, and again when its inode, modification time or size
changes. Rot below the file system changes none of the three: a process that has checked a file already goes on
reading it, the next process and `reelstore verify` find it. Reading every byte again before each batch would cost
more than training does. A file is opened by its path after it was checked; the store replaces files whole and never
in place, so only somebody who writes into the store by hand could change it in between.
"""


def page() -> str:
    """Write the page; equal counts on the same kind of machine give equal text."""
    counts = [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(COUNTS.glob("*.json"))
    ]
    rows = sorted({(count["test"], count["shown"]) for count in counts})
    return _PAGE.format(
        rows="\n".join(f"| {test} | {shown.replace('|', '/')} |" for test, shown in rows),
        machine=_machine(),
    )


def _machine() -> str:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{platform.system()}, {python}, {os.cpu_count()} cores, {_file_system(ROOT)}"


def _file_system(path: Path) -> str:
    """The kind of file system below a path."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    below = [(len(mount[1]), mount[2]) for mount in mounts if path.is_relative_to(mount[1])]
    return max(below)[1]


if __name__ == "__main__":
    if not list(COUNTS.glob("*.json")):
        sys.exit(f"there are no counts in {COUNTS.relative_to(ROOT)}: run make faults")
    PAGE.write_text(page(), encoding="utf-8")
