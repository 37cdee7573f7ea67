"""The storage layer.

Immutable files, the catalog that publishes them, and tables of videos, labels and predictions.
"""

import os

# Read when polars is first imported. Its allocator keeps what was freed for a second, in four
# arenas for each processor, so that a process which reads tables block by block holds more the
# longer it goes on.
_SOON_FREED = (
    f"dirty_decay_ms:10,muzzy_decay_ms:0,narenas:{os.cpu_count() or 1},"
    "tcache_max:1024,tcache_nslots_small_max:20"
)
os.environ.setdefault("_RJEM_MALLOC_CONF", _SOON_FREED)
