"""Which file system a folder is on.

SQLite's locks and shared memory do not hold across a network.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs"),
    *("afs", "auristorfs", "coda", "davfs"),
    *("ceph", "glusterfs", "lustre", "beegfs", "gpfs", "orangefs", "pvfs2", "panfs", "wekafs"),
    *("gfs2", "ocfs2"),
    *(
        "sshfs",
        "ceph-fuse",
        "moosefs",
        "mfs",
        "juicefs",
        "curlftpfs",
        "rclone",
        "s3fs",
        "gcsfuse",
        "goofys",
    ),
    *("blobfuse", "blobfuse2", "mount-s3", "seaweedfs"),
}
_ESCAPED = re.compile(r"\\([0-7]{3})")


def network_file_system(folder: Path) -> str | None:
    """Tell whether a folder is on a network file system.

    Args:
        folder: Any folder; it may not have been made yet.

    Returns:
        The file system's type, such as `nfs4`; None for a local one, and where the system does not
        say.
    """
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    kind = file_system_of(PurePosixPath(folder.resolve()), mounts)
    return kind if kind is not None and is_network(kind) else None


def file_system_of(path: PurePosixPath, mounts: str) -> str | None:
    """Find the file system that holds a path.

    Args:
        path: An absolute path without symbolic links.
        mounts: The text of `/proc/self/mountinfo`.

    Returns:
        The type of the deepest mount above the path, the last one where several are on one folder;
        None for none.
    """
    above = [
        (len(point.parts), number, kind)
        for number, (point, kind) in enumerate(_parse(mounts))
        if _holds(point, path)
    ]
    return max(above)[2] if above else None


def is_network(kind: str) -> bool:
    """Tell whether a type of file system is shared between machines.

    Args:
        kind: The type as Linux names it, such as `nfs4` or `fuse.sshfs`.

    Returns:
        True for those that are known to be.
    """
    return kind.removeprefix("fuse.") in _NETWORK


def _parse(mounts: str) -> Iterator[tuple[PurePosixPath, str]]:
    # "36 35 98:0 /root /mount/point options [optional fields] - type source options", see
    # proc_pid_mountinfo(5).
    for line in mounts.splitlines():
        match [part.split(" ") for part in line.split(" - ", 1)]:
            case [[_, _, _, _, point, *_], [kind, *_]]:
                yield (
                    PurePosixPath(_ESCAPED.sub(lambda code: chr(int(code[1], 8)), point)),
                    kind,
                )


def _holds(point: PurePosixPath, path: PurePosixPath) -> bool:
    return path == point or point in path.parents
