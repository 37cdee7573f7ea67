"""A disk that forgets what was not synced.

A trace of file-system calls, and the states that a power cut may leave.

The rules are the most pessimistic ones that POSIX allows. A file's bytes are kept once the file was
synced; a name that was made, renamed, linked or removed is kept once its folder was synced; what
was not synced may be there or not, each thing apart. SQLite is trusted: the catalog is as it was
after its last transaction.
"""

import itertools
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fault.steps import Watch, changes, place
from warehouse.commits.recovery.comparison import SET_ASIDE
from warehouse.storage import files

Tree = dict[str, bytes | None]
"""Bytes by path below the box, None for a folder."""


class Stopped(BaseException):
    """Stands for a kill: nothing may catch it, and nothing works after it."""


@dataclass(frozen=True)
class Operation:
    """One thing that happened to the disk."""

    kind: str
    """`folder`, `file`, `bytes`, `name`, `sync` or `catalog`."""
    inode: int = 0
    name: str = ""
    """Of a `name`, in the folder `inode`; of a `sync`, who asked for it and of which folder."""
    target: int | None = None
    """What a name stands for from now on, None once it is removed."""
    payload: bytes = b""


class Recorder(Watch):
    """Writes down what happens below a folder, the box.

    May stop the run before one operation, as a kill would.

    Args:
        box: the folder that holds the store; it is empty, and on disk.
        root: the store.
    """

    def __init__(self, box: Path, root: Path) -> None:
        self.operations: list[Operation] = []
        self.catalogs: list[bytes] = [b""]
        self.stop_before: int | None = None
        self._box, self._root = box, root
        self._names: dict[Path, int] = {box: 0}
        self._open: dict[int, int] = {}
        self._inodes = itertools.count(1)

    def before(self, step: str, *arguments: Any, **_: Any) -> None:
        """Stop here, if it was asked for."""
        if (
            self.stop_before is not None
            and len(self.operations) >= self.stop_before
            and changes(step, arguments)
        ):
            raise Stopped

    def after(self, step: str, result: Any, *arguments: Any, **named: Any) -> None:
        """Write the operation down."""
        if step == "commit":
            self._note_catalog()
        elif step == "open":
            self._opened(result, place(arguments[0], named.get("dir_fd")), arguments[1])
        elif step == "write" and arguments[0] in self._open:
            payload = bytes(arguments[1][:result])
            self.operations.append(Operation("bytes", self._open[arguments[0]], payload=payload))
        elif step == "fsync" and arguments[0] in self._open:
            self.operations.append(
                Operation("sync", self._open[arguments[0]], self._asked_by(arguments[0]))
            )
        elif step in ("rename", "link"):
            self._named(place(arguments[0]), place(arguments[1]), moved=step == "rename")
        elif step == "mkdir":
            self._made(place(arguments[0]), "folder")
        elif step in ("unlink", "rmdir"):
            self._removed(place(arguments[0], named.get("dir_fd")))

    def _opened(self, descriptor: int, path: Path, flags: int) -> None:
        self._open.pop(descriptor, None)
        if path.name.startswith("catalog."):
            return
        if flags & os.O_CREAT:
            self._made(path, "file")
        if path in self._names:
            self._open[descriptor] = self._names[path]

    def _made(self, path: Path, kind: str) -> None:
        if path.parent in self._names:
            self._names[path] = inode = next(self._inodes)
            self.operations += [
                Operation(kind, inode),
                Operation("name", self._names[path.parent], path.name, inode),
            ]

    def _named(self, source: Path, target: Path, *, moved: bool) -> None:
        if source not in self._names:
            return
        inode = self._names[source]
        self.operations.append(Operation("name", self._names[target.parent], target.name, inode))
        if moved:
            self.operations.append(Operation("name", self._names[source.parent], source.name, None))
            below = [path for path in self._names if path == source or source in path.parents]
            for path in below:
                self._names[target / path.relative_to(source)] = self._names.pop(path)
        else:
            self._names[target] = inode

    def _removed(self, path: Path) -> None:
        if path in self._names:
            del self._names[path]
            self.operations.append(Operation("name", self._names[path.parent], path.name, None))

    def _note_catalog(self) -> None:
        with (
            closing(sqlite3.connect(self._root / "catalog.db")) as live,
            closing(sqlite3.connect(":memory:")) as copy,
        ):
            live.backup(copy)
            self.catalogs.append(copy.serialize())
        self.operations.append(Operation("catalog", len(self.catalogs) - 1))

    def _asked_by(self, descriptor: int) -> str:
        callers, frame = [], sys._getframe()  # noqa: SLF001 - the only way to see who calls
        while (outer := frame.f_back) is not None:
            frame = outer
            if "/warehouse/" in frame.f_code.co_filename and frame.f_code.co_name not in callers:
                callers.append(frame.f_code.co_name)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        depth = len(path.relative_to(self._box).parts) if path.is_dir() else "file"
        return f"{' < '.join(caller for caller in callers if caller not in _PASSAGES)} at {depth}"


_PASSAGES = {
    *("sync_folder", "_reported", "writing", "reading"),
    *("publish", "publish_files", "publish_videos", "_record", "_move_head", "set_alias"),
}


@dataclass
class Disk:
    """What is durable, and what is waiting for its sync."""

    durable_names: dict[int, dict[str, int]] = field(default_factory=lambda: {0: {}})
    durable_bytes: dict[int, bytes] = field(default_factory=dict)
    bytes_now: dict[int, bytes] = field(default_factory=dict)
    waiting: list[tuple[int, str | None, int | None]] = field(default_factory=list)
    """(folder, name, what it stands for), or (file, None, None) for its bytes."""

    def do(self, operation: Operation) -> None:
        """Let one operation happen."""
        inode = operation.inode
        if operation.kind == "folder":
            self.durable_names[inode] = {}
        elif operation.kind == "file":
            self.durable_bytes[inode] = self.bytes_now[inode] = b""
        elif operation.kind == "bytes":
            self.bytes_now[inode] += operation.payload
            if (inode, None, None) not in self.waiting:
                self.waiting.append((inode, None, None))
        elif operation.kind == "name":
            self.waiting.append((inode, operation.name, operation.target))
        elif operation.kind == "sync":
            if inode in self.durable_bytes:
                self.durable_bytes[inode] = self.bytes_now[inode]
            for waiting in [one for one in self.waiting if one[0] == inode]:
                self._keep(self.durable_names, waiting)
                self.waiting.remove(waiting)

    def states(self) -> Iterator[Tree]:
        """What a power cut may leave now.

        Nothing of what waits, all of it, each alone lost, each alone kept.
        """
        everything = range(len(self.waiting))
        yield self._tree(())
        if self.waiting:
            yield self._tree(everything)
        if len(self.waiting) > 1:
            for one in everything:
                yield self._tree([one])
                yield self._tree([other for other in everything if other != one])

    @staticmethod
    def _keep(
        names: dict[int, dict[str, int]], waiting: tuple[int, str | None, int | None]
    ) -> None:
        folder, name, target = waiting
        if name is not None and target is not None:
            names[folder][name] = target
        elif name is not None:
            names[folder].pop(name, None)

    def _tree(self, kept: Iterable[int]) -> Tree:
        names = {folder: dict(entries) for folder, entries in self.durable_names.items()}
        whole = dict(self.durable_bytes)
        for place_ in kept:
            inode, name, _ = self.waiting[place_]
            if name is None:
                whole[inode] = self.bytes_now[inode]
            else:
                self._keep(names, self.waiting[place_])
        tree: Tree = {}

        def walk(folder: int, path: str) -> None:
            for name, inode in names[folder].items():
                tree[path + name] = whole.get(inode)
                if inode in names:
                    walk(inode, f"{path}{name}/")

        walk(0, "")
        return tree


def states(operations: Sequence[Operation]) -> Iterator[tuple[int, Tree]]:
    """All states that a power cut after any operation may leave, each with its catalog's number."""
    disk, catalog = Disk(), 0
    for operation in operations:
        disk.do(operation)
        if operation.kind == "catalog":
            catalog = operation.inode
        for tree in disk.states():
            yield catalog, tree


def lost_apart(root: str, operations: Sequence[Operation]) -> list[str]:
    """Journal files that a power cut would take while they are set aside."""
    folders = {one.target for one in operations if one.kind == "name" and one.name == SET_ASIDE}
    moved = {
        one.name
        for one in operations
        if one.kind == "name" and one.inode in folders and one.name[0] != "."
    }
    disk, removed = Disk(), set[str]()
    for one in operations:
        disk.do(one)
        if one.kind == "name" and one.target is None and one.name in moved:
            removed.add(one.name)
        for tree in disk.states() if removed else ():
            for name in removed:
                if not any(
                    tree.get(f"{root}/{folder}/{name}") for folder in ("journal", SET_ASIDE)
                ):
                    return [name]
    return []


def make_faults(root: str, catalogs: Sequence[bytes]) -> Callable[[int, Tree], list[str]]:
    """Make the question what a catalog promises and a tree does not hold.

    Args:
        root: The store's path below the box.
        catalogs: As recorded.
    """
    promises = [_promises(catalog) for catalog in catalogs]
    digests: dict[bytes, str] = {}

    def digest(tree: Tree, path: str) -> str | None:
        payload = tree.get(f"{root}/{path}")
        if payload is None:
            return None
        if payload not in digests:
            digests[payload] = files.sha256_bytes(payload)
        return digests[payload]

    def faults(catalog: int, tree: Tree) -> list[str]:
        return [
            " or ".join(paths)
            for paths, sha256 in promises[catalog]
            if all(digest(tree, path) != sha256 for path in paths)
        ]

    return faults


def _promises(catalog: bytes) -> list[tuple[list[str], str]]:
    """Digest by the paths of which one must have it.

    Of each published, journaled and staged file.
    """
    if not catalog:
        return []
    with closing(sqlite3.connect(":memory:")) as copy:
        # A copy in memory cannot keep a write-ahead log: its header says so.
        copy.deserialize(catalog[:18] + b"\1\1" + catalog[20:])
        if not copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'commits'").fetchone():
            return []

        def folder(dataset: str, partition: str, commit: str) -> str:
            return f"{dataset}/{f'partition={partition}/' if partition else ''}{commit[:16]}"

        promises = [
            ([f"{folder(*row[:3])}/{name}"], digest)
            for row in copy.execute("SELECT dataset, partition, id, provenance_sha256 FROM commits")
            for name, digest in (("manifest.json", row[2]), ("provenance.json", row[3]))
        ]
        published = (
            "SELECT dataset, partition, id, name, sha256 FROM commits JOIN files ON commit_id = id"
        )
        promises += [([f"{folder(*row[:3])}/{row[3]}"], row[4]) for row in copy.execute(published)]
        moves = copy.execute("SELECT number, sha256 FROM journal")
        promises += [
            ([f"journal/{number:08d}-{digest[:16]}.json"], digest) for number, digest in moves
        ]
        staged = (
            "SELECT dataset, partition, commit_id, id, name, sha256 FROM staged_files JOIN pending"
            " ON pending_id = id"
        )
        for dataset, partition, commit, pending, name, digest in copy.execute(staged):
            places = [f"staging/{pending}/{name}"]
            places += [f"{folder(dataset, partition, commit)}/{name}"] if commit else []
            promises.append((places, digest))
        return promises
