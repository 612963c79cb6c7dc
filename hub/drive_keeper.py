"""Keeps a Drive sidecar beside each session that is to have one, and ends those that are not.

Does what ``hub.drive_keeping`` decides. Each start and each end is a task of its own, so that
nobody waits for somebody else's flush. What runs when we begin is taken on: all that is needed to
know stands in the engine's labels and in the tables.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import sqlalchemy as sa

from hub import drive_keeping, drive_links, drive_syncs
from hub.drive_bearers import Bearers
from hub.drive_keeping import Open, Scene, Setback, Sidecar
from hub.drive_links import Wanted
from hub.installation import Installation
from hub.reconciling import Stand
from hub.store import Store
from spawner.confinement import PROXY_VARIABLES
from spawner.errors import CarrelError, Code

log = logging.getLogger("carrel.housekeeping")

STARTS_AT_ONCE = 4
"""A class begins together, and its sessions' own starts matter more."""
QUIET_LOOKS = 30
"""Where nobody has a Drive, the engine is asked at every 30th look only."""


class Node(Protocol):
    """What is asked of node."""

    async def sidecars(self) -> Sequence[Sidecar]: ...
    async def start_sidecar(self, user: str, body: dict[str, object]) -> None: ...
    async def end_sidecar(self, user: str, session: str) -> bool: ...


@dataclass(frozen=True)
class Told:
    """What every sidecar is told: where in the hub it asks, and the site's proxies."""

    hub_url: str
    proxies: tuple[str, ...] = ()

    @classmethod
    def of(cls, ours: Installation) -> Told:
        given = ours.machine.environment
        return cls(
            # By its address: a sidecar is on the sessions' network, where the hub is no name.
            f"http://{ours.hub_address}:8081/hub/api/carrel/drive",
            tuple(f"{key}={given[key]}" for key in PROXY_VARIABLES if key in given),
        )


@dataclass
class DriveKeeper:
    """``look`` may be called at any time, and again."""

    store: Store
    node: Node
    told: Told
    bearers: Callable[[], Bearers]
    """Blocks; raises CarrelError where there is no key."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """By user."""
    _setbacks: dict[str, Setback] = field(default_factory=dict)
    _began: dict[str, datetime] = field(default_factory=dict)
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STARTS_AT_ONCE))
    _quiet: int = 0
    _silent: bool = False

    async def look(self, now: datetime) -> None:
        """Where node cannot be asked nothing is known, and nothing done."""
        # Before all else: what ends while we look is not in what we see.
        busy = frozenset(self._tasks)
        wanted, open_ = await self.store.in_thread(self.store.read, _records)
        if self._is_quiet(wanted, open_):
            return
        sidecars = await self._there()
        if sidecars is None:
            return
        self._quiet = 0 if sidecars or wanted or open_ else QUIET_LOOKS
        self._forget({one.session for one in (*wanted, *sidecars)})
        scene = Scene(wanted, sidecars, open_, busy | frozenset(self._tasks))
        todo = drive_keeping.decide(scene, self._setbacks, now)
        for one in todo.closed:
            await self.store.in_thread(self.store.decide, drive_syncs.end, one.session, now)
        sessions = {one.session for one in wanted}
        for sidecar in todo.ends:
            self._begin(sidecar.user, self._end(sidecar, crashed=sidecar.session in sessions))
        for start in todo.starts:
            self._begin(start.user, self._start(start))

    async def settled(self) -> None:
        """Returns when nothing is under way."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def _there(self) -> tuple[Sidecar, ...] | None:
        """None: unknown, which the log is told once."""
        try:
            found = tuple(await self.node.sidecars())
        except CarrelError as error:
            if not self._silent:
                log.warning("Drive sidecars are unknown, and kept: %s", error)
            self._silent = True
            return None
        self._silent = False
        return found

    def _is_quiet(self, wanted: Sequence[Wanted], open_: Sequence[Open]) -> bool:
        self._quiet -= 1
        return not wanted and not open_ and self._quiet > 0

    def _forget(self, kept: set[str]) -> None:
        self._setbacks = {key: one for key, one in self._setbacks.items() if key in kept}
        self._began = {key: at for key, at in self._began.items() if key in kept}

    def _begin(self, user: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks[user] = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._tasks.pop(user, None))

    async def _start(self, one: Wanted) -> None:
        try:
            async with self._turn:
                bearers = await self.store.in_thread(self.bearers)
                begin = (drive_syncs.begin, one.user, one.session, bearers, self.clock())
                bearer = await self.store.in_thread(self.store.decide, *begin)
                await self.node.start_sidecar(
                    one.user,
                    {
                        "session": one.session,
                        "bearer": bearer,
                        "hub_url": self.told.hub_url,
                        "proxies": list(self.told.proxies),
                    },
                )
        except Exception as error:
            self._set_back(one.session, f"The Drive of {one.user} does not begin", error)
            if isinstance(error, CarrelError) and error.code is Code.CONFLICT:
                await self._clear(one)
            return
        self._began[one.session] = self.clock()
        log.info("The Drive of %s is kept in step for session %s.", one.user, one.session)

    async def _clear(self, one: Wanted) -> None:
        """A start that was given up had come after all; its bearer was replaced just now."""
        try:
            await self.node.end_sidecar(one.user, one.session)
        except CarrelError as error:
            log.warning("The earlier sidecar of %s is not ended yet: %s", one.user, error)

    async def _end(self, one: Sidecar, *, crashed: bool) -> None:
        try:
            await self.node.end_sidecar(one.user, one.session)
            await self.store.in_thread(
                self.store.decide, drive_syncs.end, one.session, self.clock()
            )
        except Exception as error:
            self._set_back(one.session, f"The Drive sidecar of {one.user} is not ended yet", error)
            return
        if crashed and one.stand is not Stand.LIVE:
            why = CarrelError(Code.FAILED, f"It ended with code {one.exit_code}.")
            self._set_back(one.session, f"The Drive of {one.user} broke off", why)
        else:
            log.info("The Drive sidecar of %s has ended for session %s.", one.user, one.session)

    def _set_back(self, session: str, what: str, error: Exception) -> None:
        now = self.clock()
        began = self._began.pop(session, None)
        setback = drive_keeping.after_failure(
            self._setbacks.get(session), now - began if began else None, now
        )
        self._setbacks[session] = setback
        if isinstance(error, CarrelError):
            log.warning("%s; it is tried again: %s", what, error)
        else:
            log.error("%s; it is tried again.", what, exc_info=error)


def _records(tx: sa.Connection) -> tuple[tuple[Wanted, ...], tuple[Open, ...]]:
    open_ = tuple(Open(one.user, one.session) for one in drive_syncs.open_ones(tx))
    return tuple(drive_links.wanted(tx)), open_
