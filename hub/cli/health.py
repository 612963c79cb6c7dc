"""Waits until Carrel's processes answer, and says which does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from hub.cli import look, shell, site
from hub.settings import Settings
from spawner.errors import CarrelError, Code

LAST_LINES = 15


@dataclass(frozen=True)
class Process:
    """One process as the engine sees it."""

    name: str
    state: str
    """`running`, `starting`, `unhealthy`, `restarting`, `stopped` or `absent`."""
    image: str
    since: str

    @property
    def well(self) -> bool:
        return self.state == "running"


def processes(settings: Settings) -> list[Process]:
    """All processes of this installation, present or not."""
    return [_process(settings, name) for name in site.processes(settings)]


def _process(settings: Settings, name: str) -> Process:
    found = look.container(site.container(settings, name))
    if found is None:
        return Process(name, "absent", "", "")
    if found["status"] != "running":
        state = "restarting" if found["status"] == "restarting" else "stopped"
        return Process(name, state, found["image"], "")
    state = {"starting": "starting", "unhealthy": "unhealthy"}.get(found["health"], "running")
    return Process(name, state, found["image"], found["started_at"])


def wait(settings: Settings, timeout_s: float, say: Callable[[str], None]) -> None:
    """Returns when every process is well.

    Raises CarrelError(FAILED) with the last lines of one that is not within ``timeout_s``.
    """
    until = time.monotonic() + timeout_s
    waiting: set[str] = set()
    while True:
        unwell = [process for process in processes(settings) if not process.well]
        if not unwell:
            return
        if names := {process.name for process in unwell} - waiting:
            say(f"waiting for {', '.join(sorted(names))}")
            waiting |= names
        if time.monotonic() > until:
            raise _not_well(settings, unwell[0])
        time.sleep(0.5)


def _not_well(settings: Settings, process: Process) -> CarrelError:
    name = site.container(settings, process.name)
    log = shell.run(["docker", "logs", "--tail", str(LAST_LINES), name])
    lines = "\n  ".join((log.out + log.err).strip().splitlines()[-LAST_LINES:])
    return CarrelError(
        Code.FAILED,
        f"{process.name} is {process.state}. Its last lines:\n  {lines}\n",
        f"More: ./carrel logs {process.name}. ./carrel doctor looks for the cause.",
    )
