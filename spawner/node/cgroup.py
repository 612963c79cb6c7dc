"""One cgroup above all sessions: whatever they do together, hub, proxy and node have their share.

It is a help, not a wall that anything rests on: each session has limits of its own. So no start
ever fails for it. Where it cannot be had or limited, the log says so once.
"""

from __future__ import annotations

import logging
from pathlib import Path

from spawner.errors import CarrelError
from spawner.node.config import NodeConfig
from spawner.node.engine import Answer, Call, Engine

log = logging.getLogger("carrel.node")

ROOT = Path("/sys/fs/cgroup")
_WEIGHT, _SHARES = 50, 512
"""Half of what everything else has, in v2's and v1's units: only where the processor is short."""


def parent(project: str, driver: str) -> str:
    """The cgroup's name for an engine with that cgroup driver; empty where there can be none.

    systemd takes the name of a slice, where a dash would mean one inside another.
    """
    return {"cgroupfs": f"/{project}_sessions", "systemd": f"{project}_sessions.slice"}.get(
        driver, ""
    )


def limits(name: str, memory_bytes: int, root: Path) -> dict[Path, int]:
    """The files of the cgroup, in v2 or v1, and what is to stand in them (cgroups(7))."""
    folder = name.lstrip("/")
    if (root / "cgroup.controllers").exists():
        return {
            root / folder / "memory.max": memory_bytes,
            root / folder / "cpu.weight": _WEIGHT,
        }
    return {
        root / "memory" / folder / "memory.limit_in_bytes": memory_bytes,
        root / "cpu" / folder / "cpu.shares": _SHARES,
    }


class SessionsCgroup:
    """What the engine calls it, and its limits."""

    def __init__(self, config: NodeConfig, engine: Engine, root: Path = ROOT) -> None:
        self._config = config
        self._engine = engine
        self._root = root
        self._name: str | None = None
        self._told = False

    async def name(self) -> str:
        """For ``CgroupParent``; empty, the engine's default, where it cannot be known."""
        if self._name is None:
            try:
                answer = await self._engine.ask(Call("GET", "/info"))
                driver = answer.json()["CgroupDriver"] if answer.status == 200 else None
            except (CarrelError, ValueError, KeyError, TypeError):
                driver = None
            if driver is None:
                return ""  # asked again for the next session
            self._name = parent(self._config.project, str(driver))
        return self._name

    def refused(self, answer: Answer) -> bool:
        """Whether the engine would have none of it; then it is left out from now on."""
        if answer.status < 400 or not self._name or b"cgroup" not in answer.content.lower():
            return False
        log.warning("Sessions have no cgroup of their own: %s", answer.content[:300])
        self._name = ""
        return True

    def limit(self) -> None:
        """Writes the limits where others stand: with its first session the cgroup is made anew."""
        if not self._name:
            return
        wanted = limits(self._name, self._config.limits.sessions_max_bytes, self._root)
        for path, value in wanted.items():
            try:
                if path.read_text().strip() != str(value):
                    path.write_text(str(value))
            except OSError as error:
                if not self._told:
                    log.warning("The cgroup of all sessions has no limits: %s", error)
                self._told = True
                return
