"""The most memory that processes have held, by name, as the kernel has kept count of it.

What is meant is VmHWM of /proc/PID/status: the process's largest resident set since its start,
pages of programs and libraries that it shares with others included. So nothing is missed
between two looks, and nothing is counted too low.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Figure

KIB = 1024
LIMITS_MB = {"JupyterHub": 200.0, "proxy": 80.0}
"""What is promised, in MB of 10^6 bytes."""

NAMES = {
    "jupyterhub_idle_culler": "culler",
    "hub.housekeeping": "housekeeping",
    "hub.web": "web",
    "spawner.node": "node",
    "start.mjs": "proxy",
    "bin/jupyterhub": "JupyterHub",
}
"""Name of a process by what its command line holds; what starts others on the way is left out."""


@dataclass(frozen=True)
class Process:
    """A running one."""

    pid: int
    name: str

    def peak_mb(self) -> float:
        """In MB of 10^6 bytes. Raises FileNotFoundError when it has ended."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        return int(found[1]) * KIB / 1e6 if found else 0.0


def of_containers(containers: Iterable[str]) -> list[Process]:
    """The named processes that run in these containers."""
    return [p for container in containers for pid in _pids(container) if (p := of_pid(pid))]


def of_pid(pid: int) -> Process | None:
    """The process if it is one of those that are looked at."""
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
    # Programs that only start and mind another: docker-init, and a package's start script.
    if "docker-init" in command or (re.search(r"python\S* \S*/node ", command)):
        return None
    return next((Process(pid, name) for part, name in NAMES.items() if part in command), None)


def figures(processes: Iterable[Process]) -> list[Figure]:
    """Of each process its peak so far."""
    return [
        Figure(f"{p.name}: most memory (VmHWM)", p.peak_mb(), "MB", LIMITS_MB.get(p.name))
        for p in processes
    ]


def _pids(container: str) -> list[int]:
    done = subprocess.run(
        ["docker", "top", container, "-eo", "pid"], capture_output=True, text=True, check=True
    )
    return [int(line) for line in done.stdout.split()[1:]]
