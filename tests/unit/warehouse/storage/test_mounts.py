from pathlib import Path, PurePosixPath

import pytest

from warehouse.errors import Invalid
from warehouse.storage import mounts
from warehouse.storage.mounts import file_system_of, is_network, network_file_system
from warehouse.store import open_store

# In the form that Linux writes: a laptop with a Windows share, an automounted home and disks of its
# own.
MOUNTS = r"""
22 29 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:13 - proc proc rw
29 1 252:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
24 29 0:22 / /run rw,nosuid,nodev shared:4 - tmpfs tmpfs rw,inode64
60 29 0:49 / /home rw,relatime shared:31 - autofs systemd-1 rw,fd=50,pgrp=1,timeout=0,minproto=5,maxproto=5,direct
61 60 0:50 / /home rw,relatime shared:33 - nfs4 files:/home rw,vers=4.2,rsize=1048576,wsize=1048576,hard,proto=tcp
70 29 0:52 / /mnt/my\040share\134x rw,relatime - cifs //server/share rw,vers=3.1.1,cache=strict
71 61 0:53 /data /home/me/fast rw,relatime master:5 - xfs /dev/nvme0n1p1 rw,attr2,inode64
72 29 0:54 / /mnt/me rw,nosuid,nodev,relatime shared:40 - fuse.sshfs me@far:/ rw,user_id=1000,group_id=1000
73 29 0:55 / /mnt/disk rw,relatime - fuseblk /dev/sdb1 rw,user_id=0
80 29 0:60 / /lustre rw,flock - lustre 10.0.0.1@o2ib:/work rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/srv/store", "ext4", False),
        ("/home", "nfs4", True),
        ("/home/me/store", "nfs4", True),
        ("/home/me/fast/store", "xfs", False),
        ("/home/me/faster", "nfs4", True),
        ("/mnt/my share\\x/store", "cifs", True),
        ("/mnt/me", "fuse.sshfs", True),
        ("/mnt/men", "ext4", False),
        ("/mnt/disk/store", "fuseblk", False),
        ("/lustre/a/b", "lustre", True),
        ("/run/x", "tmpfs", False),
    ],
)
def test_deepest_and_last_mount_holds_a_path(path: str, kind: str, network: bool) -> None:
    assert file_system_of(PurePosixPath(path), MOUNTS) == kind
    assert is_network(kind) is network


def test_unreadable_lines_tell_nothing() -> None:
    assert file_system_of(PurePosixPath("/a"), "") is None
    assert file_system_of(PurePosixPath("/a"), "29 1 252:1 /\nnonsense\n - ext4\n") is None


def test_file_systems_of_this_machine_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert file_system_of(PurePosixPath("/proc/self"), mounts._MOUNTS.read_text()) == "proc"  # noqa: SLF001
    assert network_file_system(Path("/proc")) is None
    monkeypatch.setattr(mounts, "_MOUNTS", tmp_path / "nowhere")
    assert network_file_system(tmp_path) is None


@pytest.fixture
def on_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, through a symbolic link, that the system says is on a network file system."""
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(tmp_path / "far")
    (tmp_path / "mounts").write_text(
        f"1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / {tmp_path / 'far'} rw - nfs4 b:/ rw\n"
    )
    monkeypatch.setattr(mounts, "_MOUNTS", tmp_path / "mounts")
    return tmp_path / "near"


def test_sqlite_on_a_network_file_system_is_refused_and_nothing_is_made(on_a_network: Path) -> None:
    for url in (None, f"sqlite:///{on_a_network}/other.db"):
        with pytest.raises(
            Invalid, match=r"network file system \(nfs4\).*local disk, or give a PostgreSQL URL"
        ):
            open_store(
                on_a_network / "store" if url is None else on_a_network.parent / "store", url
            )
    assert list(on_a_network.iterdir()) == []
    assert not (on_a_network.parent / "store").exists()


def test_files_may_lie_on_a_network_file_system_where_the_catalog_does_not(
    on_a_network: Path, postgresql_url: str
) -> None:
    for url in (f"sqlite:///{on_a_network.parent}/catalog.db", postgresql_url):
        assert open_store(on_a_network / "store", url).root.is_dir()
