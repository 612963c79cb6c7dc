"""Calls those who wait in the queue when it is their turn: one look at it for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub import accounts, queueing, sessions
from hub.enums import Reason, State
from hub.queueing import House, Standing
from hub.sessions import Session
from hub.store import Store
from spawner.background import keep
from spawner.errors import CarrelError, Code
from spawner.wait import Wait

log = logging.getLogger("carrel.queue")

LOOK_EVERY_S = 2.0
"""How often the queue is looked at though nothing happened here: other processes end sessions
too."""
REST_S = 0.1
"""Between two looks, however much happens."""
HELD_FOR = timedelta(seconds=60)
"""How long a place is held for somebody who is not here: after a restart of the hub they come
back one after another."""


@dataclass
class _Waiter:
    """Somebody whose start waits in this process."""

    told: Callable[[Wait], None]
    turn: asyncio.Future[None]
    wait: Wait | None = None

    def tell(self, wait: Wait) -> None:
        if wait != self.wait:
            self.wait = wait
            self.told(wait)


@dataclass
class _Look:
    """What a look at the queue found about those who wait here."""

    called: list[str]
    """They may begin, and the record says so; who came first is first."""
    next: set[str] = field(default_factory=set)
    """Their turn has come, and nobody has called them yet."""
    waits: dict[str, Wait] = field(default_factory=dict)


class Waiting:
    """The waiters of this hub, by session id."""

    def __init__(self, store: Store, house: House, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._house = house
        self._clock = clock
        self._born = clock()
        self._waiters: dict[str, _Waiter] = {}
        self._changed = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    async def turn(self, session_id: str, told: Callable[[Wait], None]) -> None:
        """Returns when the session is on record as starting.

        Raises CarrelError when it ended while it waited.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = self._waiters[session_id] = _Waiter(told, turn)
        self.wake()
        if self._looking is None or self._looking.done():
            self._looking = keep(self._look_again_and_again())
        try:
            await turn
        finally:
            if self._waiters.get(session_id) is waiter:
                del self._waiters[session_id]

    def wake(self) -> None:
        """Something may have made room, or changed somebody's place."""
        self._changed.set()

    @property
    def hub_ends(self) -> bool:
        """Whether JupyterHub is ending: then it cancels every task, and only then this one."""
        return self._looking is not None and self._looking.cancelling() > 0

    async def _look_again_and_again(self) -> None:
        while self._waiters:
            self._changed.clear()
            try:
                await self._look()
            except Exception:
                # Waiting is never a failure: a database that is away is waited for as well.
                log.exception("The queue cannot be looked at; trying again.")
            await asyncio.sleep(REST_S)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def _look(self) -> None:
        here = frozenset(self._waiters)
        found = await self._store.in_thread(self._store.read, self._find, here)
        if found.next:
            found = await self._store.in_thread(self._store.decide, self._call, here)
        for session_id in (*found.called, *here.difference(found.called)):
            waiter = self._waiters.get(session_id)
            if waiter is None or waiter.turn.done():
                continue
            if session_id in found.called:
                waiter.turn.set_result(None)
            elif session_id in found.waits:
                waiter.tell(found.waits[session_id])
            elif session_id in found.next:
                self.wake()
            else:
                waiter.turn.set_exception(_lost())

    def _find(self, tx: sa.Connection, here: Collection[str]) -> _Look:
        active = sessions.active(tx)
        found = _Look([s.id for s in active if s.id in here and s.state is State.STARTING])
        for standing in self._standings(active, here):
            if standing.session.id not in here:
                continue
            if standing.wait is None:
                found.next.add(standing.session.id)
            else:
                found.waits[standing.session.id] = standing.wait
        return found

    def _call(self, tx: sa.Connection, here: Collection[str]) -> _Look:
        """Lets everybody begin whose turn it is."""
        now = self._clock()
        for standing in self._standings(sessions.active(tx), here):
            session = standing.session
            if standing.wait is not None or session.id not in here:
                continue
            account = accounts.find(tx, session.user)
            if account is None or not account.enabled:
                why = "The account is not let in any more."
                sessions.close_session(tx, session.id, Reason.ADMIN, now, why)
            else:
                sessions.mark_starting(tx, session.id, now)
        return self._find(tx, here)

    def _standings(self, active: list[Session], here: Collection[str]) -> list[Standing]:
        now = self._clock()
        there = [
            s
            for s in active
            if s.state is not State.QUEUED
            or s.id in here
            or now - max(s.requested_at, self._born) < HELD_FOR
        ]
        return queueing.decide(there, self._house, now)


def _lost() -> CarrelError:
    return CarrelError(
        Code.CONFLICT, "Your place in the queue was given up.", "Start again, or ask who ended it."
    )
