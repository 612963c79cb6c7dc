"""What housekeeping does: puts out who is not let in, removes homes, measures homes.

What one of these cannot do, it says in the log and tries again the next time. Unknown changes
nothing: where hub, node or database cannot be asked, all stays as it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hub import departures, homes, outsiders, sessions
from hub.audit import HOUSEKEEPING, By
from hub.departures import Departure
from hub.enums import Reason
from hub.hub_api import HubApi, WantedEnd, stop_timeout_s
from hub.node_api import NodeApi
from hub.outsiders import Outsider
from hub.settings import Settings
from hub.store import Store
from spawner.errors import CarrelError, Code
from spawner.names import escape

log = logging.getLogger("carrel.housekeeping")

AT_ONCE = 4
"""Sessions that are ended at the same time."""
KNOWN_WITHIN_S = 5.0
"""How long a hub that has begun anew may take to know a session again, before its user goes."""
NOT_LET_IN = "The account is not let in any more."
LOOKED_AT_FOR = timedelta(hours=1)
"""How long somebody who was found to have nothing is not looked at again."""


@dataclass
class Chores:
    """Each may be called at any time, and again."""

    settings: Settings
    store: Store
    hub: HubApi
    node: NodeApi
    _nothing: dict[Outsider, datetime] = field(default_factory=dict)

    async def remove_homes(self, now: datetime) -> None:
        """Removes the homes of departures that are due, and forgets those once node has."""
        for departure in await self.store.in_thread(self.store.read, departures.due, now):
            await _told(self._remove_home(departure, now), f"The home of {departure.name} stays")

    async def put_out(self, now: datetime) -> None:
        """Ends sessions and logins of those who are not let in any more."""
        self._nothing = {
            one: at for one, at in self._nothing.items() if now - LOOKED_AT_FOR < at <= now
        }
        turn = asyncio.Semaphore(AT_ONCE)

        async def one_of(one: Outsider) -> bool:
            async with turn:
                text = f"{one.name} may still have a session or a login"
                return await _told(self._put_out(one, now), text)

        found = await self.store.in_thread(self.store.read, outsiders.everyone)
        wanted = [one for one in found if one not in self._nothing]
        done = await asyncio.gather(*(one_of(one) for one in wanted))
        # A session's row ends a moment after its server: with one, it is looked at again.
        self._nothing |= {
            one: now for one, well in zip(wanted, done, strict=True) if well and not one.session
        }

    async def measure(self, now: datetime) -> None:
        """Measures one home after another, with as much rest as work between them."""
        names = await self.node.names()
        known = await self.store.in_thread(self.store.read, homes.sizes)
        used = await self.store.in_thread(self.store.read, homes.last_used, now)
        gone = known.keys() - set(names)
        if gone:
            await self.store.in_thread(self.store.decide, homes.forget, gone)
        for name in homes.to_measure(names, known, used, now):
            began = asyncio.get_running_loop().time()
            await _told(self._measure(name), f"The home of {name} is not measured")
            await asyncio.sleep(asyncio.get_running_loop().time() - began)

    async def _remove_home(self, departure: Departure, now: datetime) -> None:
        name = departure.name
        await self._end(Outsider(name, departure.deleted_at), now)
        there = await self.node.remove(name)
        await self.store.in_thread(
            self.store.decide, departures.forget, name, By(HOUSEKEEPING, now)
        )
        what = "is removed" if there else "was never made or is gone"
        log.info("The home of %s %s; its account was deleted %s.", name, what, departure.deleted_at)

    async def _put_out(self, one: Outsider, now: datetime) -> None:
        # Asked again: they may have been let in since.
        if await self.store.in_thread(self.store.read, outsiders.is_one, one.name):
            await self._end(one, now)

    async def _end(self, one: Outsider, now: datetime) -> None:
        if await asyncio.to_thread(self.hub.knows, one.name):
            limit_s = stop_timeout_s(self.settings)
            if one.session:
                await self._end_session(WantedEnd(one.name, one.session, Reason.ADMIN, NOT_LET_IN))
            await asyncio.to_thread(self.hub.remove_user, one.name, limit_s)
            log.info("%s is not let in any more: session and logins are ended.", one.name)
        elif one.session:
            # The hub has forgotten them; nobody but us would end it.
            container = f"{self.settings.project}-{escape(one.name)}-{one.session}"
            await self.node.remove_container(container)
            await self.store.in_thread(
                self.store.decide,
                sessions.close_session, one.session, Reason.ADMIN, now, NOT_LET_IN,
            )  # fmt: skip
            log.info("%s is not let in any more: the container %s is removed.", one.name, container)

    async def _end_session(self, wanted: WantedEnd) -> None:
        """By its id, where the hub has it; a place in the queue it may have forgotten."""
        limit_s = stop_timeout_s(self.settings)
        try:
            await asyncio.to_thread(self.hub.end_session, wanted, limit_s, KNOWN_WITHIN_S)
        except CarrelError as error:
            if error.code is not Code.UNAVAILABLE:
                raise
            log.info("%s: %s", wanted.user, error.message)

    async def _measure(self, name: str) -> None:
        began = datetime.now(UTC)
        size = await self.node.size(name)
        if size is not None:
            await self.store.in_thread(self.store.decide, homes.record, name, size, began)


async def _told(work: Awaitable[None], otherwise: str) -> bool:
    """Whether it worked; if not, the log says what follows, and why."""
    try:
        await work
    except CarrelError as error:
        log.warning("%s: %s", otherwise, error)
        return False
    except Exception:
        log.exception("%s", otherwise)
        return False
    return True
