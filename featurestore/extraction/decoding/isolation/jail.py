"""The jail of a decoding worker.

What the kernel takes away from a process before it reads the first byte of a medium.

Landlock, seccomp and the limits each keep files shut by themselves, so that they still hold when
one of them has a hole. A process locks itself, for ever: while it has one thread, and after it has
imported all that it will use.
"""

import ctypes
import os
import resource
from collections.abc import Callable, Collection
from enum import StrEnum

from featurestore.extraction.decoding.isolation import syscall_filter

MEMORY_BYTES = 2**30
"""Address space of a worker: its own libraries, and what one video may take."""


class Layer(StrEnum):
    """One thing that the kernel takes away, as the settings and provenance name it.

    In the order they are locked.
    """

    NO_NEW_PRIVS = "no_new_privs"
    """No program that is run gains rights."""
    NO_CAPABILITIES = "no_capabilities"
    """Root's rights are given up, where the process has them."""
    LANDLOCK_FILES = "landlock_files"
    """Landlock: no path is opened, made, cut, renamed, removed or run (Linux 5.13)."""
    LANDLOCK_TCP = "landlock_tcp"
    """Landlock: no TCP port is bound or connected to (Linux 6.7)."""
    LANDLOCK_SCOPES = "landlock_scopes"
    """Landlock: no signal or abstract Unix socket reaches a process outside (Linux 6.12)."""
    LIMITS = "limits"
    """Bounded memory, no new descriptor, no file that grows, no child, no core file."""
    SECCOMP = "seccomp"
    """Only the system calls that decoding makes: none that opens, connects, forks, runs or
    traces."""

    @property
    def required(self) -> bool:
        """Whether a run stops without it.

        The other two need new kernels, and seccomp shuts the same doors.
        """
        return self not in {Layer.LANDLOCK_TCP, Layer.LANDLOCK_SCOPES}


_libc = ctypes.CDLL(None, use_errno=True)


def lock(wanted: Collection[Layer] = tuple(Layer)) -> list[Layer]:
    """Lock this process; what it has open stays open.

    Args:
        wanted: the layers to try; Landlock and seccomp need `Layer.NO_NEW_PRIVS`.

    Returns:
        Those that hold.

    Raises:
        RuntimeError: the process has several threads, of which only this one would be locked.
    """
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208 - the kernel's list of threads
        raise RuntimeError("a process with several threads cannot be locked")
    return [layer for layer in Layer if layer in wanted and _STEPS[layer]()]


def _give_up_new_privileges() -> bool:
    set_no_new_privs = 38
    return bool(_libc.prctl(set_no_new_privs, 1, 0, 0, 0) == 0)


def _give_up_capabilities() -> bool:
    """Empty all three sets, which leaves an unprivileged process as it is.

    Source: capset(2), with version 3 of its header.
    """
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    return bool(_libc.capset(header, (ctypes.c_uint32 * 6)()) == 0)


def _limit_resources() -> bool:
    """Set soft and hard limits.

    The memory file of frames is written through its mapping, which no limit counts.
    """
    limits = {
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 0,
        resource.RLIMIT_NPROC: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    return True


_CREATE_RULESET, _RESTRICT_SELF = 444, 446
# How many rights each version of Landlock's interface knows, as bits from the lowest on; source:
# linux/landlock.h.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
_TCP_RIGHTS = {4: 2}
_SCOPES = {6: 2}


def _deny_by_landlock(place: int, rights_by_version: dict[int, int]) -> bool:
    """Deny all rights of one kind that the running kernel knows.

    Args:
        place: of the kind in `struct landlock_ruleset_attr`: 0 files, 1 TCP, 2 scopes.
        rights_by_version: how many such rights there are, from which version of the interface on.
    """
    ask_version = 1
    version = _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ask_version)
    known = [rights for since, rights in rights_by_version.items() if since <= version]
    if not known:
        return False
    attributes = (ctypes.c_uint64 * 3)()
    attributes[place] = (1 << max(known)) - 1
    ruleset = _libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(8 * (place + 1)), 0)
    if ruleset < 0:
        return False
    held = bool(_libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    os.close(ruleset)
    return held


_STEPS: dict[Layer, Callable[[], bool]] = {
    Layer.NO_NEW_PRIVS: _give_up_new_privileges,
    Layer.NO_CAPABILITIES: _give_up_capabilities,
    Layer.LANDLOCK_FILES: lambda: _deny_by_landlock(0, _FILE_RIGHTS),
    Layer.LANDLOCK_TCP: lambda: _deny_by_landlock(1, _TCP_RIGHTS),
    Layer.LANDLOCK_SCOPES: lambda: _deny_by_landlock(2, _SCOPES),
    Layer.LIMITS: _limit_resources,
    Layer.SECCOMP: syscall_filter.install,
}
