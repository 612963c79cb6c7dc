"""Works on hostile data in a process of its own, with an end to its time, memory and output.

A notebook that takes for ever, or all memory, ends that process and nothing else: neither web's
event loop nor its other threads wait for it.
"""

from __future__ import annotations

import importlib
import os
import resource
import sys
import threading
from enum import Enum
from pathlib import Path

from hub.materials.bounded import Bounds, Done, run
from spawner.errors import CarrelError, Code

MEMORY_BYTES = 640 * 2**20
"""Of address space; programs map more than they use."""
AT_ONCE, PATIENCE_S = 2, 30
"""How many of them, and how long one more waits: together they fit into web's memory."""
_places = threading.BoundedSemaphore(AT_ONCE)
_ROOT = Path(__file__).resolve().parents[2]


class Job(Enum):
    """What can be done so: the module whose ``work`` turns bytes into bytes."""

    CELLS = "hub.materials.cells"
    PAGES = "hub.materials.pages"


def ask(job: Job, data: bytes, bounds: Bounds) -> Done:
    """What the job makes of it; ``code`` is 0 where it came to its end.

    Raises CarrelError(UNAVAILABLE) where others are before it for too long.
    """
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(_ROOT),
        "PYTHONSAFEPATH": "1",
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    command = [sys.executable, "-m", "hub.materials.limited", job.name, str(int(bounds.time_s) + 1)]
    if not _places.acquire(timeout=PATIENCE_S):
        raise CarrelError(
            Code.UNAVAILABLE, "Many notebooks are being looked at.", "Try again in a moment."
        )
    try:
        return run(command, environment, data, bounds)
    finally:
        _places.release()


def main(job: str, cpu_s: int) -> None:
    """The process: limits first, then what may need them."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(what, (most, most))
    # jsonschema would spend a second on a grammar of web addresses, which no notebook needs.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    work = importlib.import_module(Job[job].value).work
    sys.stdout.buffer.write(work(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
