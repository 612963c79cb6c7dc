"""Removes what was kept long enough, in a thread beside the cycles, about once an hour."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from drivesync.faults import Fault

log = logging.getLogger("drivesync.tidying")

EVERY_S = 3600.0


class Tidying:
    """A big trash takes its time, and no cycle waits for it."""

    def __init__(
        self, tidy: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tidy, self._clock = tidy, clock
        self._begun_at = float("-inf")
        self._thread: threading.Thread | None = None

    def begin_if_due(self) -> None:
        """Called after each cycle; one that still runs is left to it."""
        running = self._thread is not None and self._thread.is_alive()
        if running or self._clock() - self._begun_at < EVERY_S:
            return
        self._begun_at = self._clock()
        self._thread = threading.Thread(target=self._run, name="tidy", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._tidy()
        except Fault as fault:
            log.warning("The trash could not be tidied: %s", type(fault).__name__)
