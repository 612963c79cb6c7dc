"""Wakes the loop: a bell that threads and signal handlers may ring."""

from __future__ import annotations

import queue
from enum import Enum


class Ring(Enum):
    """Why it rang."""

    DISK = "disk"
    """Something may have changed below MyDrive."""
    FLUSH = "flush"
    """The session wants everything to be in Drive, now."""
    SETTINGS = "settings"
    STOP = "stop"
    """SIGTERM."""


class Bell:
    """A SimpleQueue may be put to from a signal handler, whatever the thread is just doing."""

    def __init__(self) -> None:
        self._rings: queue.SimpleQueue[Ring] = queue.SimpleQueue()

    def ring(self, why: Ring) -> None:
        self._rings.put(why)

    def wait(self, timeout_s: float) -> frozenset[Ring]:
        """Until it rings, at most ``timeout_s``; all rings until now."""
        rings = set()
        try:
            rings.add(self._rings.get(timeout=max(timeout_s, 0.001)))
        except queue.Empty:
            return frozenset()
        while True:
            try:
                rings.add(self._rings.get_nowait())
            except queue.Empty:
                return frozenset(rings)
