"""SIGTERM: the first begins the end and its deadline, a second one ends at once."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

from drivesync.bell import Bell, Ring

AT_ONCE = 130
"""Exit code of the second signal."""


class Stopping:
    """Only plain assignments: a signal handler may take no lock."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self.since: float | None = None
        """On the monotonic clock."""

    def install(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.since is not None:
            os._exit(AT_ONCE)  # whatever is under way: that is what a crash may do, too
        self.ask()

    def ask(self) -> None:
        self.since = time.monotonic()
        self._bell.ring(Ring.STOP)

    @property
    def asked(self) -> bool:
        return self.since is not None

    def left_s(self, flush_s: float) -> float:
        """Until the deadline."""
        if self.since is None:
            return flush_s
        return self.since + flush_s - time.monotonic()
