"""Durations and sizes as people read them."""

_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_STEP = 1000
_MINUTE, _HOUR = 60, 3600


def duration(seconds: float | None) -> str:
    """Write seconds with the unit that fits; `unknown` for None."""
    if seconds is None:
        return "unknown"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < _HOUR else f"{seconds / _HOUR:.1f} h"


def size(size_bytes: int | None) -> str:
    """Write bytes with the unit that fits, in thousands; `unknown` for None."""
    if size_bytes is None:
        return "unknown"
    amount, unit = float(size_bytes), 0
    while amount >= _STEP and unit < len(_UNITS) - 1:
        amount, unit = amount / _STEP, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"
