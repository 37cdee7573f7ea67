"""The sentences of docs/scale.md."""

INTRODUCTION = """\
What each step costs against the size of a store, and what follows for larger ones. `make scale`
writes this page; this one is of {moment}, on {num_cores} cores. One part is measured anew by
`python -m tests.benchmarks.scale.run PART`.

Seconds are CPU time of the process and of its children, the least of a few runs. Waiting for a disk
is not in them. Other work on the machine changes them less than it changes wall time, though by up
to twice where it empties the caches. Rows and clips are drawn.

## Measured

The exponent is that of seconds = factor × size^exponent over all sizes; where small sizes cost
little but start-up, it is too low for what more would cost. The last one is between the two largest
sizes. n log n shows 1.1 there. Steps below {shortest:g} s have none."""
PARTS = {
    "days": """\
Stores of days of 20 videos, all extracted. `status` and `plan` are the operations, `reelstore
status` and `reelstore plan` the commands, imports included. An update finds one new day of 20
clips in a store that has its site.""",
    "examples": """\
Narrow embeddings (8 × 4) and texts of 40 to 119 tokens, in shards of 512. Every file was checked
before, as it is once in a process.""",
    "shards": """\
200 batches of 64 rows of 8 × 768, which were drawn before, from shards of 32 rows and from one
mapped file.""",
    "commits": """\
Commits of two files, one journal entry each. The folders of the commits are left out.""",
    "publish listings": """\
Listings in partitions of 250,000 rows with ledgers of both views, and a snapshot of them all.""",
    "score": """\
A model of width 16 with experts for 200 categories; opening the examples is left out.""",
    "extract": """\
Clips of one to three seconds, their text, and the demo's encoder, imports included.""",
}
"""What a table holds, by the unit of its sizes or by its first step."""
TARGETS = """\
The commands are mostly start-up; the operations in them grow with the days, as the tables above
show. Opening is compared with the wall time of the quickest opening of a million examples before
tables were read in one pass; what is left of it is mostly the decoding of the texts' shards. A
random read costs several calls of numpy for each shard; over as many shards it was 7,000 rows a
second before shards were mapped without an open file each."""
CARRIED = """\
Nothing of this was run. Cores are carried by the straight line through the two largest sizes above,
to partitions of {partition:,} videos; all else follows from the figures at the end, which are
stated. To put your own in their place, change `tests/benchmarks/scale/bill.py` and type
`python -m tests.benchmarks.scale.run --page`."""
MACHINES = """\
Evenly busy, that is {cores} machines of {cores_each} cores and {gpus} of {gpus_each} GPUs, and
{million:.2f} dollars for a million videos. Fetching the videos, the database, traffic between
regions and the people are not in it."""
BREAKS = """\
## What breaks first

1. **Contents that were seen before.** A plan with new videos, and an extraction, read the digests
   of all ledgers of the recipe, to take over what is there: the row `plan of listed videos and
   1,000 new ones` says what that costs after a year. What was done: one column is read, and whole
   ledgers only where a content is shared. An index of digests would end it, and is not made yet.
2. **Questions to all partitions.** `status` and `plan` look at the heads of each partition. What
   was done: the heads of a dataset are read at once, the moves of one head are found by an index,
   and a commit by its first digits. Up to about a thousand partitions the commands are mostly
   start-up; beyond, they cost in proportion.
3. **The listing of the journal.** Each publication looks four times, while no other run may write,
   for journal entries that the catalog does not know: see `publish one small commit`. What was
   done: a bucket is asked only for what comes after the last entry, which is one request. A folder
   still has all its names read. At this size that is not what breaks first, as there are few
   publications a day; in a store of many small partitions it would be. Folders of a thousand
   entries each would end it; they need a new version of the journal's format.
4. **Opening examples.** Each process that opens them decodes the texts' shards. An index that is
   kept would end it, and is not made yet.
5. **A day in one partition.** Rows of a listing are checked in memory: land such a day in parts.
"""
