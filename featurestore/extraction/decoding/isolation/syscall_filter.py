"""The list of system calls that decoding may make.

As a program that the kernel runs before each call (seccomp).

What is not on the list fails with EPERM, as if the system had denied it. Source: seccomp(2); the
numbers are those of the kernel's tables for x86-64 and for AArch64.
"""

import ctypes
import errno
import mmap
import os
import platform
import struct
import sys
from dataclasses import dataclass, field

# name: (x86-64, AArch64); -1 where there is none.
_ALLOWED = {
    # the channel to the parent, and the medium
    "read": (0, 63),
    "pread64": (17, 67),
    "readv": (19, 65),
    "write": (1, 64),
    "writev": (20, 66),
    "lseek": (8, 62),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "close": (3, 57),
    # memory
    "brk": (12, 214),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    # time, waiting, chance
    "clock_gettime": (228, 113),
    "gettimeofday": (96, 169),
    "time": (201, -1),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "futex": (202, 98),
    "sched_yield": (24, 124),
    "getrandom": (318, 278),
    # what a process knows of itself and its machine
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getrusage": (98, 165),
    "sched_getaffinity": (204, 123),
    "sysinfo": (99, 179),
    # signals, and the end
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
_MAPPING = {"mmap": (9, 222), "mprotect": (10, 226)}
"""Allowed for memory that is not to be executed."""
_TGKILL = (234, 131)
"""Allowed on the process itself, which abort() does."""

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""By the machine's name, its column above and its number in linux/audit.h."""

# Where struct seccomp_data has the call's number, the architecture and the low half of its
# arguments.
_NUMBER, _ARCHITECTURE = 0, 4
_FIRST_ARGUMENT, _THIRD_ARGUMENT = 16, 32
_LOAD, _IF_EQUAL, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_KILL, _DENY, _ALLOW = 0x80000000, 0x00050000 | errno.EPERM, 0x7FFF0000


def install() -> bool:
    """Put the filter on this thread, for ever.

    Returns:
        Whether it holds: not where the kernel has no seccomp, and on no other machine than x86-64
        and AArch64.
    """
    if platform.machine() not in _ARCHITECTURES or sys.byteorder != "little":
        return False
    code = _program(*_ARCHITECTURES[platform.machine()], os.getpid())
    set_seccomp, filter_mode = 22, 2
    libc = ctypes.CDLL(None, use_errno=True)
    program = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(program))
    )
    return bool(libc.prctl(set_seccomp, filter_mode, header, 0, 0) == 0)


@dataclass
class _Assembler:
    """Classic BPF: instructions that jump to labels further down."""

    instructions: list[tuple[int, str | None, str | None, int]] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)

    def label(self, name: str) -> None:
        self.labels[name] = len(self.instructions)

    def add(
        self, code: int, value: int, then: str | None = None, otherwise: str | None = None
    ) -> None:
        self.instructions.append((code, then, otherwise, value))

    def assemble(self) -> bytes:
        def jump(place: int, label: str | None) -> int:
            return self.labels[label] - place - 1 if label else 0

        return b"".join(
            struct.pack("HBBI", code, jump(place, then), jump(place, otherwise), value)
            for place, (code, then, otherwise, value) in enumerate(self.instructions)
        )


def _program(column: int, architecture: int, pid: int) -> bytes:
    program = _Assembler()
    program.add(_LOAD, _ARCHITECTURE)
    program.add(_IF_EQUAL, architecture, otherwise="kill")
    program.add(_LOAD, _NUMBER)
    for numbers in _ALLOWED.values():
        if numbers[column] >= 0:
            program.add(_IF_EQUAL, numbers[column], then="allow")
    for numbers in _MAPPING.values():
        program.add(_IF_EQUAL, numbers[column], then="mapping")
    program.add(_IF_EQUAL, _TGKILL[column], then="signal", otherwise="deny")
    program.label("mapping")
    program.add(_LOAD, _THIRD_ARGUMENT)
    program.add(_IF_ANY_BIT, mmap.PROT_EXEC, then="deny", otherwise="allow")
    program.label("signal")
    program.add(_LOAD, _FIRST_ARGUMENT)
    program.add(_IF_EQUAL, pid, then="allow", otherwise="deny")
    for label, verdict in (("deny", _DENY), ("kill", _KILL), ("allow", _ALLOW)):
        program.label(label)
        program.add(_RETURN, verdict)
    return program.assemble()
