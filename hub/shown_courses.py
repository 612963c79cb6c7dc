"""Takes from running sessions what they see of courses that their users are not in any more.

A session is given the courses of the moment at its start, and others as its user joins them. Who
may see what is asked of the tables every few seconds; node is asked about a session when that has
changed since it was asked last, and once about each. Archived courses are seen by nobody, as after
a start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from hub.enums import Reason, State
from hub.hub_api import WantedEnd
from hub.models import courses, members, sessions
from hub.store import Store
from spawner.errors import CarrelError, Code
from spawner.names import escape

log = logging.getLogger("carrel.housekeeping")

AT_ONCE = 4
KNOWN_WITHIN_S = 5.0
HELD_ON = "It kept a course by force that its user is not in any more."


class Hub(Protocol):
    """What is asked of the hub."""

    def end_session(self, ending: WantedEnd, timeout_s: float, known_within_s: float) -> bool: ...


class Node(Protocol):
    """What is asked of node."""

    async def keep_courses(self, container: str, slugs: Collection[str]) -> None: ...


@dataclass(frozen=True)
class Sight:
    """A session that runs, and the courses that it may see."""

    session: str
    user: str
    courses: frozenset[str]


@dataclass
class ShownCourses:
    """``look`` may be called at any time, and again."""

    store: Store
    hub: Hub
    node: Node
    project: str
    stop_s: float
    _kept: dict[str, Sight] = field(default_factory=dict)
    """What each session was last held to, by its id."""

    async def look(self, now: datetime) -> None:
        """Raises the first CarrelError of those whom it could not be done for, after the others."""
        found = await self.store.in_thread(self.store.read, sights)
        there = {one.session for one in found}
        self._kept = {id_: sight for id_, sight in self._kept.items() if id_ in there}
        turn = asyncio.Semaphore(AT_ONCE)
        changed = [one for one in found if self._kept.get(one.session) != one]
        done = await asyncio.gather(
            *(self._keep(one, turn) for one in changed), return_exceptions=True
        )
        for error in done:
            if error is not None:
                raise error

    async def _keep(self, one: Sight, turn: asyncio.Semaphore) -> None:
        container = f"{self.project}-{escape(one.user)}-{one.session}"
        async with turn:
            try:
                await self.node.keep_courses(container, one.courses)
            except CarrelError as error:
                if error.code is not Code.CONFLICT:
                    raise
                log.warning("The session of %s is ended: %s", one.user, error)
                await self._end(one)
            self._kept[one.session] = one

    async def _end(self, one: Sight) -> None:
        wanted = WantedEnd(one.user, one.session, Reason.ADMIN, HELD_ON)
        await asyncio.to_thread(self.hub.end_session, wanted, self.stop_s, KNOWN_WITHIN_S)


def sights(tx: sa.Connection) -> list[Sight]:
    """Every session that runs, oldest first."""
    in_course = (
        sa.select(members.c.user, members.c.course)
        .join(courses, courses.c.slug == members.c.course)
        .where(courses.c.archived_at.is_(None))
        .subquery()
    )
    query = (
        sa.select(sessions.c.id, sessions.c.user, in_course.c.course)
        .outerjoin(in_course, in_course.c.user == sessions.c.user)
        .where(sessions.c.state.in_((State.RUNNING, State.DRAINING)))
        .order_by(sessions.c.requested_at, sessions.c.id)
    )
    seen: dict[tuple[str, str], set[str]] = {}
    for id_, user, course in tx.execute(query):
        seen.setdefault((id_, user), set()).update(filter(None, (course,)))
    return [Sight(id_, user, frozenset(slugs)) for (id_, user), slugs in seen.items()]
