"""Looks at rows, containers and the hub together, and does what ``hub.reconciling`` decides.

Unknown changes nothing: a look at which engine, hub or database cannot be asked ends there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from hub import reconciling, sessions
from hub.reconciling import Abandoned, Container, Denied, Scene, Stand
from hub.sessions import Session
from hub.store import Store
from spawner.errors import CarrelError

log = logging.getLogger("carrel.housekeeping")

AT_ONCE = 4
"""Containers that are ended at the same time."""


class Hub(Protocol):
    """What is asked of the hub."""

    def sessions(self) -> Collection[str]: ...


class Node(Protocol):
    """What is asked of node."""

    async def containers(self) -> list[Container]: ...
    async def end_container(self, name: str, grace_s: int) -> None: ...


@dataclass
class Reconciler:
    """``began`` is when this hub began."""

    store: Store
    hub: Hub
    node: Node
    grace_s: int
    began: datetime
    _vouched: set[str] = field(default_factory=set)
    _denied: dict[str, Denied] = field(default_factory=dict)

    async def look(self, now: datetime) -> None:
        """Removes containers that no session has and ends sessions that nobody has."""
        containers = tuple(await self.node.containers())
        rows = tuple(await self.store.in_thread(self.store.read, sessions.active))
        scene = Scene(containers, rows)
        there = {row.id for row in rows}
        self._vouched &= there
        self._denied = {id_: no for id_, no in self._denied.items() if id_ in there}

        turn = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._remove(one, turn) for one in reconciling.strays(scene)))
        await self._ask(rows, now)
        lost = reconciling.abandoned(scene, self._denied, now)
        await asyncio.gather(*(self._end(one, now, turn) for one in lost))

    async def _ask(self, rows: Sequence[Session], now: datetime) -> None:
        """One question about all of them: also a hub that vouched for a session may lose it."""
        known = set(await asyncio.to_thread(self.hub.sessions))
        for row in reconciling.hubs_own(rows):
            if row.id in known:
                self._vouched.add(row.id)
                self._denied.pop(row.id, None)
            elif row.id not in self._denied:
                before = reconciling.is_of_before(row, self.began, self._vouched)
                self._denied[row.id] = Denied(now, before)

    async def _remove(self, container: Container, turn: asyncio.Semaphore) -> None:
        async with turn:
            if await self._ended(container):
                log.info("%s is removed: no session on record has it.", container.name)

    async def _end(self, lost: Abandoned, now: datetime, turn: asyncio.Semaphore) -> None:
        async with turn:
            if lost.container is not None and not await self._ended(lost.container):
                return
            await self.store.in_thread(
                self.store.decide,
                sessions.close_session,
                lost.row.id, lost.reason, now, lost.detail,
            )  # fmt: skip
            log.info("Session %s of %s is ended: %s", lost.row.id, lost.row.user, lost.detail)

    async def _ended(self, container: Container) -> bool:
        grace_s = self.grace_s if container.stand is Stand.LIVE else 0
        try:
            await self.node.end_container(container.name, grace_s)
        except CarrelError as error:
            log.warning("%s is not removed yet: %s", container.name, error)
            return False
        return True
