"""The policy that the spawner is handed: admission and the record of sessions, in threads."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime

import sqlalchemy as sa

from hub import accounts, sessions
from hub.admission import House, decide
from hub.enums import Reason
from hub.store import Store
from spawner.ending import Cause, Ending
from spawner.errors import CarrelError, Code
from spawner.profiles import Catalog, Grant, Request

REASONS = {
    Cause.STOPPED: Reason.STOPPED_BY_USER,
    Cause.EXITED: Reason.EXITED,
    Cause.OUT_OF_MEMORY: Reason.OUT_OF_MEMORY,
    Cause.GONE: Reason.ENGINE_LOST,
    Cause.START_FAILED: Reason.FAILED_TO_START,
    Cause.START_CANCELLED: Reason.STOPPED_BY_USER,
    Cause.START_INTERRUPTED: Reason.FAILED_TO_START,
}


class Lifecycle:
    """Implements ``spawner.policy.Policy`` on Carrel's database."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        *,
        room_bytes: int,
        idle_limit_s: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._room_bytes = room_bytes
        self._idle_limit_s = idle_limit_s
        self._clock = clock

    async def leftover(self, user: str) -> str | None:
        session = await self._store.in_thread(self._store.read, sessions.active_of, user)
        return session.id if session else None

    async def admit(self, request: Request, ready_images: Collection[str]) -> Grant:
        return await self._store.in_thread(
            self._store.decide, self._admit, request, frozenset(ready_images)
        )

    async def running(self, session_id: str, container_id: str, url: str) -> None:
        await self._store.in_thread(
            self._store.decide,
            sessions.mark_running, session_id, container_id, url, self._clock(),
        )  # fmt: skip

    async def settle(self, ending: Ending) -> None:
        await self._store.in_thread(
            self._store.decide,
            sessions.close_session,
            ending.session_id, self.reason(ending), self._clock(), ending.detail,
        )  # fmt: skip

    def reason(self, ending: Ending) -> Reason:
        """Why it ended, for the record.

        Nobody tells the spawner who asked for a stop. One that nobody has used for the idle
        limit was asked for by the culler.
        """
        if ending.cause is Cause.STOPPED and ending.inactive_s >= self._idle_limit_s:
            return Reason.IDLE
        return REASONS[ending.cause]

    def _admit(self, tx: sa.Connection, request: Request, ready_images: Collection[str]) -> Grant:
        # The hub also lets services start sessions: the account decides, whoever asks.
        accounts.require_enabled(tx, request.user)
        running = tuple(session.profile for session in sessions.active(tx))
        refusal = decide(request, House(self._catalog, ready_images, self._room_bytes, running))
        if refusal is not None:
            raise CarrelError(Code.CONFLICT, refusal.reason, refusal.advice)
        now = self._clock()
        session = sessions.open_session(tx, request.user, request.profile.slug, now)
        sessions.mark_starting(tx, session.id, now)
        image = self._catalog.reference(request.profile)
        return Grant(session.id, request.user, request.profile, image)
