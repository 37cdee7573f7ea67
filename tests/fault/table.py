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
# Reliability

The tests break things on purpose and count what comes of it. `make faults` makes every fault
again and writes this page; `make test` makes a small count. Seeds are fixed. Each row is of the
last full run of its test.

| test | what was shown |
|---|---|
{rows}

Measured on {machine}.

## What each test does

### Kill

A process forks children that list videos, encode frames, build chunks, check the ledger, publish,
and move an alias, with the code that users run. SIGKILL ends a child at one step: before each
write, fsync, new name and removal, half-way through each write, and before and after the begin
and the commit of each transaction of the catalog. Other children are killed at a random moment.

All that the catalog then names is verified. A second process resumes. The files of the store and
the answers of the catalog must then be those of a run that nobody stopped. Only three kinds of
leftovers are allowed, and `reelstore gc` removes them: staging folders without a pending row, the
marks of finished chunks of a run that was killed just after its commit, and a half-written
journal file whose name begins with a dot.

Further kills hit runs of the flow `extract-features` on a Prefect server, over and over until a
run ends.

### Kill, a training

A small training with adversarial gradients, a moving average, dropout, resampling, soft labels
and batches in two parts is killed before the gradients, the optimizer or the average of one of
its steps, or while it writes a checkpoint. A second process resumes it. Weights and history must
equal those of a training that nobody stopped, bit for bit, and no step from before the last
checkpoint may be done again.

### Kill, a train-classifier

A small `train-classifier` with two rounds of two seeds is killed in each of its phases: while
experts are fitted, in a step or a checkpoint of each cross encoder, while a model is judged,
published or named, in the training on all labels, and between two phases. A second process runs it
again. The store must then have the commits and names of a run that nobody stopped, no checkpoint
may be left, and no cross encoder that had ended may be trained again.

### Power

Every file-system call of a commit is recorded and played to a disk that forgets. The most
pessimistic reading of POSIX applies: a file's bytes are kept once the file was synced, and a
change of a name is kept once its folder was synced. What waits for its sync may be kept or lost.
After each call the test tries the states in which nothing of it is kept, all of it, and each part
alone is kept or lost. SQLite with `synchronous=FULL` is trusted.

In no state may a file be missing that the catalog calls published, journaled or staged. States
that are opened as stores are verified and run to the end, to the same bytes. Then one fsync at a
time is left out of the recording. If the test finds no state that lost something, it fails. Runs
that were killed and resumed before the power went are tested in the same way.

### Rot

Single bits are flipped, and files are shortened to every length, lengthened, swapped and removed.
The readers of training and flows must refuse each before `h5py.File`, `polars.read_parquet` or
`json.loads` is called. They run in a child process with a time limit.

### Full disk

One step after the other fails with ENOSPC or EIO, once or from then on: the calls of the system,
and each begin, change and commit of SQLite. In further runs the catalog may not grow by a page.
The run must do without the step, or end with one sentence that says what to do. The catalog must
answer as it did before or after one whole commit, and the next run must end with the same bytes.
An ingest publishes several tables, and its sentence must name those that are published and those
that are not.

### Wrong catalogs

A store is opened with a catalog that is not its own or knows less than its journal: an old copy,
an empty database, another store's, a file without a byte, and one that a refused ingest made
anew. Every sweep and every writer must refuse it with a sentence and change no file. After
`reelstore rebuild-catalog` the catalog must answer with every commit. Another store below the
root, and folders whose names are 16 digits, must outlive a sweep.

### Bucket

The commit of the kill test is made in a store in a bucket, on a server of localbucket that lets
requests fail. Each request fails once, or all fail from one request on: the server answers
"503 Slow Down" or "503 Service Unavailable", cuts the connection at once or in the middle of the
body, or does what it is asked and cuts the connection before its reply. Other runs are killed
before a request, and once it is answered.

What fails once is asked for again, and the run ends as if nothing had been. An outage ends the run
with a sentence that holds no key, and the next run resumes it. Before and after `gc`, all that the
catalog names is then read and verified, and the catalog answers as that of a run in a folder that
nobody stopped.

### Four workers

Four workers of a Prefect server run `extract-features` and `score-partitions` with `workers=4`, each
in a network namespace with a home, cache and temporary folder of its own; the store is a shared
folder, and the catalog is on PostgreSQL. When each has made one chunk, one worker is killed with all
that it has started, and the link of another one is taken down. Their parent must end with the commits
that one process makes in a copy of the store with a catalog on SQLite, and each chunk and block must
be made once, also after the lost worker has come back. The runs' heartbeats come every 30 s here, and
75 s of silence are taken for a crash, in place of ten minutes.

### Cut off

A machine of its own (a network namespace) begins a transaction of the catalog on PostgreSQL, and its
link is taken down. The next writer must be let in before it gives up.

### Race, accounting, old formats

Processes publish to one partition at once while others read and `gc` runs. Ledgers of generated
batches must add up, and tampered ledgers must be refused. A store of each format version must
still be readable.

### Hostile media

Jailed workers decode files made to do harm: playlists and references to other files or to the
network, mutated clips of five codecs, small files that ask for much work, crafted zips, damaged
texts and ids of any script, and planted caches of the word dictionary. Workers abort, hang and
eat memory. No other file may be opened, no connection may be made, every listed video must end in
the ledger, and its neighbours must come out as in a clean run.

### Lying workers, poisoned pictures, equal bytes

A worker that a medium has taken over gives answers that no decoding gives. Each must end as
`worker_died` for its own video alone. Small zips whose pictures ask for hours of work must be
rejected for good, and not by a timeout, which would hold their partition back. Files that are
broken in every way are extracted twice, by processes with other hash seeds, addresses and
folders, and must give the same commit.

### Poisoned contents, blocking files

One content is listed as a zip and as a video, or one of its copies is gone, changed or closed.
Each kind must have its own outcome, a whole copy must serve, and nothing may decide for another
partition. Contents that hang or kill their worker under many ids must not hold their partition
back for ever.

### Bad paths

A listing names folders, pipes, sockets, devices and files that cannot be read, between good
clips, and its reader has no privileges. The ingest must list each of them without waiting, only
the file may be opened, and each must end in one row of the ledger with its reason.

### Restart, Prefect's server

A training runs on a worker while its server is killed and started again. It must go on past the
next renewal of its lease, and must then obey a cancellation. The same is tried after the worker
was killed as well.

### A week

What runs by itself is killed outside this page too: `make week` lives a week of the daily loop on a
Prefect server and a worker, kills both, and compares heads, aliases and commits with those of a
week without kills. [Operating](operating.md#a-week-of-it) says what happens in it.

### Structural fuzz, clock discontinuities, promised ends

Clips whose frames show their own numbers are drawn as MP4, Matroska, FLV, MPEG-TS, MPEG-PS and
AVI. The fuzz changes one field of their structure or a few: a size, a count, a time, or all times
from one place on. A second reader, which shares no code with the decoder, decodes every packet in
order and lays the frames on the timeline. For a clip that is called `ok`, each frame must be the
one that this reader shows at its `pts_seconds`, the frames must be spread over the whole
timeline, and at least half of the decoded frames must have a time of their own. The other two
tests use clips whose right frames are known by their numbers.

## What "verified" means

A reader checks the size and sha256 of a file once in each process, and again when its inode,
modification time or size changes. Damage below the file system changes none of the three. A
process that has checked a file goes on reading it; the next process and `reelstore verify` find
the damage. Reading every byte before each batch would cost more than training does. The store
replaces files whole and never in place, so only somebody who writes into the store by hand could
change a file between its check and its use.
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
