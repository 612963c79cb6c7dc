"""The most memory that processes hold while they are watched, by name.

Two numbers of /proc/PID/status. *Own*: RssAnon, what the process made for itself, looked at four
times a second; it is what a process costs, and what is promised. *Resident*: VmHWM, the kernel's
own record since the process began, pages of program files included, which are shared and can be
dropped at any time: of Node.js alone they are 50 MB.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Figure

KIB = 1024
LOOK_EVERY_S = 0.25
LIMITS_MB = {"JupyterHub": 200.0, "proxy": 80.0}
"""What is promised, in MB of 10^6 bytes."""

NAMES = {
    "jupyterhub_idle_culler": "culler",
    "hub.housekeeping": "housekeeping",
    "hub.web": "web",
    "bench.web_process": "web",
    "spawner.node": "node",
    "start.mjs": "proxy",
    "bin/jupyterhub": "JupyterHub",
    "-m jupyterhub ": "JupyterHub",
}
"""Name of a process by what its command line holds; what starts others on the way is left out."""


@dataclass(frozen=True)
class Process:
    """A running one."""

    pid: int
    name: str

    def read_mb(self, field: str) -> float:
        """In MB of 10^6 bytes; 0 when it has ended."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return 0.0
        found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
        return int(found[1]) * KIB / 1e6 if found else 0.0


class Watch:
    """Looks at processes for as long as its ``with`` block lasts."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self._own = dict.fromkeys(processes, 0.0)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Watch:
        self._task = asyncio.create_task(self._look_again_and_again())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()

    def figures(self) -> list[Figure]:
        """Of each process its peaks so far."""
        return [
            figure
            for process, own_mb in self._own.items()
            for figure in (
                Figure(f"{process.name}: own memory, most", own_mb, "MB",
                       LIMITS_MB.get(process.name)),
                Figure(f"{process.name}: resident, most", process.read_mb("VmHWM"), "MB"),
            )
        ]  # fmt: skip

    async def _look_again_and_again(self) -> None:
        while True:
            for process, most_mb in self._own.items():
                self._own[process] = max(most_mb, process.read_mb("RssAnon"))
            await asyncio.sleep(LOOK_EVERY_S)


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


def _pids(container: str) -> list[int]:
    done = subprocess.run(
        ["docker", "top", container, "-eo", "pid"], capture_output=True, text=True, check=True
    )
    return [int(line) for line in done.stdout.split()[1:]]
