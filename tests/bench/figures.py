"""What a measurement says: figures, each with its limit where the project promises one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Say = Callable[[str], None]
"""Tells whoever waits what is being done."""


@dataclass(frozen=True)
class Figure:
    """One measured value; ``limit`` is the most that is promised, ``least`` the least; None where
    nothing is."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    least: float | None = None

    @property
    def kept(self) -> bool:
        most = self.limit is None or self.value <= self.limit
        return most and (self.least is None or self.value >= self.least)

    @property
    def promise(self) -> str:
        """In words; empty where there is none."""
        if self.limit is not None:
            return f"at most {self.limit:g}"
        return "" if self.least is None else f"at least {self.least:g}"

    def __str__(self) -> str:
        promise = f"  (promised: {self.promise})" if self.promise else ""
        mark = "" if self.kept else "  NOT KEPT"
        return f"{self.what:<66} {self.value:>9.3f} {self.unit}{promise}{mark}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def machine() -> str:
    """What it was measured on, in a line."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{cores} cores, {memory:.0f} GiB, Python {sys.version.split()[0]}"
