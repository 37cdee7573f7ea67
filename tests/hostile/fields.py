"""Fields of a container (sizes, counts, times).

And mutants in which a few of them say something else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

Rng = np.random.Generator

_STAMP_BITS = 33


@dataclass(frozen=True)
class Field:
    """A number that stands in a file."""

    name: str
    offset: int
    size_bytes: int
    coding: str = "big"
    """`big`, `little`, or another of `CODINGS`."""
    ticks_per_second: float = 0
    """For a time that may jump; all such fields of a file jump together."""

    @property
    def bits(self) -> int:
        return CODINGS[self.coding].bits(self.size_bytes)

    def read(self, payload: bytes | bytearray) -> int:
        return CODINGS[self.coding].read(
            bytes(payload[self.offset : self.offset + self.size_bytes])
        )

    def write(self, payload: bytearray, value: int) -> None:
        place = slice(self.offset, self.offset + self.size_bytes)
        payload[place] = CODINGS[self.coding].write(value % (1 << self.bits), bytes(payload[place]))


@dataclass(frozen=True)
class Coding:
    """How a number lies in its bytes."""

    read: Callable[[bytes], int]
    write: Callable[[int, bytes], bytes]
    """Of a value and the bytes that stood there."""
    bits: Callable[[int], int] = lambda size_bytes: 8 * size_bytes


def _write_vint(value: int, old: bytes) -> bytes:
    return (1 << 7 * len(old) | value).to_bytes(len(old))


def _read_stamp(code: bytes) -> int:
    return (
        (code[0] >> 1 & 7) << 30 | code[1] << 22 | code[2] >> 1 << 15 | code[3] << 7 | code[4] >> 1
    )


def _write_stamp(value: int, old: bytes) -> bytes:
    first, second, third = value >> 30, value >> 15 & 0x7FFF, value & 0x7FFF
    return (
        bytes([old[0] & 0xF0 | first << 1 | 1])
        + (second << 1 | 1).to_bytes(2)
        + (third << 1 | 1).to_bytes(2)
    )


def _write_pcr(value: int, old: bytes) -> bytes:
    return (value << 15 | int.from_bytes(old) & 0x7FFF).to_bytes(6)


CODINGS = {
    "big": Coding(int.from_bytes, lambda value, old: value.to_bytes(len(old))),
    "little": Coding(
        lambda code: int.from_bytes(code, "little"),
        lambda value, old: value.to_bytes(len(old), "little"),
    ),
    # a length of EBML, whose first bit that is set says how many bytes it has
    "vint": Coding(
        lambda code: int.from_bytes(code) & (1 << 7 * len(code)) - 1,
        _write_vint,
        lambda size: 7 * size,
    ),
    # FLV's time: 24 bits, and the byte above them after them
    "flv": Coding(
        lambda code: int.from_bytes(code[3:] + code[:3]), lambda value, _: _flv_time(value)
    ),
    # MPEG's times: 33 bits, with marks between
    "stamp": Coding(_read_stamp, _write_stamp, lambda _: _STAMP_BITS),
    "pcr": Coding(lambda code: int.from_bytes(code) >> 15, _write_pcr, lambda _: _STAMP_BITS),
    "nibble": Coding(
        lambda code: code[0] & 15, lambda value, old: bytes([old[0] & 0xF0 | value]), lambda _: 4
    ),
    "digits": Coding(
        int,
        lambda value, old: f"{value % 10 ** len(old):0{len(old)}}".encode(),
        lambda size: 4 * size,
    ),
}


def _flv_time(value: int) -> bytes:
    code = value.to_bytes(4)
    return code[1:] + code[:1]


def mutate(payload: bytes, fields: Sequence[Field], rng: Rng) -> tuple[bytes, str]:
    """Change one field or a few.

    Returns:
        The mutant, and in words what was done.
    """
    while True:
        mutant = bytearray(payload)
        ways = [_change, _change, _change, _change_several, _exchange]
        if any(field.ticks_per_second for field in fields):
            ways += [_jump, _jump]
        recipe = ways[int(rng.integers(len(ways)))](mutant, fields, rng)
        if mutant != payload:
            return bytes(mutant), recipe


def _pick(fields: Sequence[Field], rng: Rng) -> Field:
    """Any name first, then any field of it, so that long tables don't have all the changes."""
    names = sorted({field.name for field in fields})
    name = names[int(rng.integers(len(names)))]
    named = [field for field in fields if field.name == name]
    return named[int(rng.integers(len(named)))]


def _change(mutant: bytearray, fields: Sequence[Field], rng: Rng) -> str:
    field = _pick(fields, rng)
    old, top = field.read(mutant), (1 << field.bits) - 1
    small = int(rng.integers(1, 17))
    values = [
        old + 1,
        old - 1,
        old + small,
        old - small,
        old * 2,
        old // 2,
        old * small,
        old + 1000 * small,
    ]
    values += [old ^ 1 << int(rng.integers(field.bits)) for _ in range(4)]
    values += [0, 1, top, top >> 1, (top >> 1) + 1, int.from_bytes(rng.bytes(8)) & top]
    value = values[int(rng.integers(len(values)))] & top
    field.write(mutant, value)
    return f"{field.name} at {field.offset}: {old} to {value}"


def _change_several(mutant: bytearray, fields: Sequence[Field], rng: Rng) -> str:
    return "; ".join(_change(mutant, fields, rng) for _ in range(int(rng.integers(2, 4))))


def _exchange(mutant: bytearray, fields: Sequence[Field], rng: Rng) -> str:
    """Exchange the values of a field and of the next one of its name."""
    pairs = [
        (one, other)
        for name in sorted({field.name for field in fields})
        for one, other in pairwise(field for field in fields if field.name == name)
        if one.read(mutant) != other.read(mutant)
    ]
    if not pairs:
        return _change(mutant, fields, rng)
    name = _pick([one for one, _ in pairs], rng).name
    named = [pair for pair in pairs if pair[0].name == name]
    one, other = named[int(rng.integers(len(named)))]
    first, second = one.read(mutant), other.read(mutant)
    one.write(mutant, second)
    other.write(mutant, first)
    return f"{name} at {one.offset} and {other.offset} exchanged"


def _jump(mutant: bytearray, fields: Sequence[Field], rng: Rng) -> str:
    """Let the clock jump, or begin again: all times from one place on are moved alike."""
    clock = [field for field in fields if field.ticks_per_second]
    first = clock[int(rng.integers(len(clock)))]
    jumps = [0.05, 0.15, 0.5, 5.0, 9.0, 11.0, 60.0, 3600.0, 10 * 3600.0]
    seconds = jumps[int(rng.integers(len(jumps)))] * (1 if rng.random() < 0.5 else -1)
    if rng.random() < 0.3:
        seconds = (clock[0].read(mutant) - first.read(mutant)) / first.ticks_per_second
    for field in clock:
        if field.offset >= first.offset:
            field.write(mutant, field.read(mutant) + round(seconds * field.ticks_per_second))
    return f"times from {first.offset} on moved by {seconds:g} s"
