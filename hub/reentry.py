"""Has the hub go on with starts that it forgot when it was restarted: they are on record.

People close the page, and expect their session all the same. Those who waited find their old
place; who was called in the very moment when the hub died waits again, and until then would hold
a start slot for ever.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub import sessions
from hub.enums import Reason, State
from hub.hub_api import HubApi
from hub.sessions import Session
from hub.store import Store
from spawner.errors import CarrelError, Code

log = logging.getLogger("carrel.housekeeping")

AGAIN_AFTER = timedelta(seconds=60)
"""How long a place is not looked at again once the hub knows it."""
AT_ONCE = 100
"""Requests at a time: the hub answers one only after ten seconds when its session must wait."""


@dataclass
class Reentry:
    """``born`` is when this hub started: whoever asked since is in it by themselves."""

    store: Store
    hub: HubApi
    born: datetime
    _known: dict[str, datetime] = field(default_factory=dict)
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "reentry")
    )

    async def bring_back(self, now: datetime) -> None:
        """Asks for every start that the hub does not know, first come first."""
        queue = [s for s in await self._read(sessions.active) if self._is_unfinished(s)]
        self._known = {s.id: self._known[s.id] for s in queue if s.id in self._known}
        wanted = [s for s in queue if self._is_to_be_looked_at(s, now)]
        answers = await asyncio.gather(
            *(self._bring_back(session, now) for session in wanted), return_exceptions=True
        )
        for session, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, CarrelError):
                log.warning("%s is not back in the queue yet: %s", session.user, answer)
            elif isinstance(answer, BaseException):
                log.error("%s is not back in the queue yet.", session.user, exc_info=answer)

    def _is_unfinished(self, session: Session) -> bool:
        begun = session.state is State.STARTING and session.requested_at < self.born
        return begun or session.state is State.QUEUED

    def _is_to_be_looked_at(self, session: Session, now: datetime) -> bool:
        looked = self._known.get(session.id)
        if looked is None and session.requested_at >= self.born:
            looked = session.requested_at
        return looked is None or not timedelta(0) <= now - looked < AGAIN_AFTER

    async def _bring_back(self, session: Session, now: datetime) -> None:
        server = await self._ask(self.hub.server, session.user)
        if server is None and await self._stands_still(session):
            try:
                await self._ask(self.hub.resume_server, session.user, session.profile)
                log.info("%s is back in the queue.", session.user)
            except CarrelError as error:
                if error.code is not Code.REFUSED:
                    raise
                await self._given_up(session, error, now)
        elif server and server["pending"] != "spawn":
            return  # the hub is still clearing away what was before: asked again soon
        self._known[session.id] = now

    async def _given_up(self, session: Session, error: CarrelError, now: datetime) -> None:
        # The person may have been quicker, with a click.
        if await self._ask(self.hub.server, session.user) or not await self._stands_still(session):
            return
        await self.store.in_thread(
            self.store.decide, sessions.close_session,
            session.id, Reason.FAILED_TO_START, now, error.message,
        )  # fmt: skip
        log.warning("The place of %s in the queue is given up: %s", session.user, error.message)

    async def _stands_still(self, session: Session) -> bool:
        # Read after the hub was asked: a cancelled start is settled before the hub forgets it.
        there: Session = await self._read(sessions.get, session.id)
        return there.state is session.state

    async def _read(self, function: Any, *args: Any) -> Any:
        return await self.store.in_thread(self.store.read, function, *args)

    async def _ask(self, call: Any, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)
