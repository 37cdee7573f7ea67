"""The one door: what is published goes through `publish`.

And is found again by the names of this package.
"""

from warehouse.commits.addresses import Address
from warehouse.commits.commit import Commit
from warehouse.commits.committed_files import (
    read_bytes,
    read_provenance,
    verified_path,
    verify_commit,
)
from warehouse.commits.draft import Draft
from warehouse.commits.erasing import Eraser, Forgetting, Rest, forget, salted
from warehouse.commits.facts import Facts
from warehouse.commits.maintenance.backup import Copied, back_up
from warehouse.commits.maintenance.garbage import Garbage, collect_garbage
from warehouse.commits.maintenance.restoring import PassOver, Restored, restore
from warehouse.commits.maintenance.rollback import roll_back, roll_back_alias
from warehouse.commits.maintenance.verification import Damage, verify
from warehouse.commits.publishing import publish, publish_files
from warehouse.commits.records.aliases import alias, aliases, is_provisional, set_alias
from warehouse.commits.records.commit_folders import CHECKPOINTS
from warehouse.commits.records.forgotten import Forgotten, forgotten, forgotten_in
from warehouse.commits.records.history import (
    at_one_moment,
    attributes_of_heads,
    commit_by_id,
    commits,
    datasets,
    find,
    follow,
    head,
    head_attributes,
    head_moved_at,
    heads,
    replaced,
    size_bytes,
)
from warehouse.commits.records.journal import all_moves
from warehouse.commits.records.pending import BEAT_SECONDS, PendingWork, pending_work
from warehouse.commits.recovery.comparison import compare, set_aside
from warehouse.commits.recovery.rebuild import Rebuilt, rebuild_catalog
from warehouse.commits.recovery.settling import settle
from warehouse.commits.staging import Staging, in_the_making, stage
from warehouse.storage.files import FileEntry

__all__ = [
    "BEAT_SECONDS",
    "CHECKPOINTS",
    "Address",
    "Commit",
    "Copied",
    "Damage",
    "Draft",
    "Eraser",
    "Facts",
    "FileEntry",
    "Forgetting",
    "Forgotten",
    "Garbage",
    "PassOver",
    "PendingWork",
    "Rebuilt",
    "Rest",
    "Restored",
    "Staging",
    "alias",
    "aliases",
    "all_moves",
    "at_one_moment",
    "attributes_of_heads",
    "back_up",
    "collect_garbage",
    "commit_by_id",
    "commits",
    "compare",
    "datasets",
    "find",
    "follow",
    "forget",
    "forgotten",
    "forgotten_in",
    "head",
    "head_attributes",
    "head_moved_at",
    "heads",
    "in_the_making",
    "is_provisional",
    "pending_work",
    "publish",
    "publish_files",
    "read_bytes",
    "read_provenance",
    "rebuild_catalog",
    "replaced",
    "restore",
    "roll_back",
    "roll_back_alias",
    "salted",
    "set_alias",
    "set_aside",
    "settle",
    "size_bytes",
    "stage",
    "verified_path",
    "verify",
    "verify_commit",
]
