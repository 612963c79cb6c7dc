"""One sidecar at a time for one user's state."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

NAME = "lock"
WAIT_S = 90.0
"""An earlier sidecar has 60 s for its last flush."""
STEP_S = 0.25


def take(state: Path, give_up: Callable[[], bool], wait_s: float = WAIT_S) -> int | None:
    """A descriptor that holds it until it is closed, or until the process ends in any way. None:
    another sidecar still held it after ``wait_s``, or ``give_up`` said so."""
    file = os.open(state / NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    end = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if give_up() or time.monotonic() >= end:
                os.close(file)
                return None
            time.sleep(STEP_S)
        else:
            return file
