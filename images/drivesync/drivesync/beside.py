"""Names beside a name: what is kept when its own name is taken."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime

_MOST_BYTES = 255
_MOST_IN_ROW, _MOST_AT_RANDOM = 30, 30


def tries() -> Iterator[int]:
    """Numbers to try for a name, from 1; soon at random, so that a thousand that are taken are not
    tried one by one."""
    yield from range(1, _MOST_IN_ROW)
    for _ in range(_MOST_AT_RANDOM):
        yield _MOST_IN_ROW + secrets.randbelow(10**9)


def late_name(name: str, now: datetime, again: int) -> str:
    """For a file that was written into after it had been replaced; ``again`` from 1."""
    note = f" (written late, {now:%Y-%m-%d %H.%M})"
    return _noted(name, note if again == 1 else f"{note[:-1]}, {again})")


def numbered(name: str, again: int) -> str:
    """The name itself, then ``name (2).ext`` and so on."""
    return name if again == 1 else _noted(name, f" ({again})")


def _noted(name: str, note: str) -> str:
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending.encode()) > 16:
        stem, dot, ending = name, "", ""
    tail = note + dot + ending
    left = _MOST_BYTES - len(tail.encode())
    return stem.encode()[:left].decode(errors="ignore") + tail
