"""What processes use of the processor, as a share of one core."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from tests.bench.memory import Process

TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """Measures from its making on."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self._began = time.monotonic()
        self._used_s = {process: _used_s(process) for process in processes}

    def used_s(self, name: str) -> float:
        """Seconds of processor time of the processes of that name."""
        return sum(_used_s(p) - before for p, before in self._used_s.items() if p.name == name)

    def share(self, name: str) -> float:
        """In per cent of one core."""
        return 100 * self.used_s(name) / (time.monotonic() - self._began)


def _used_s(process: Process) -> float:
    """Its own, in user and kernel mode."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
