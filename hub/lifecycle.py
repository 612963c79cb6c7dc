"""The policy that the spawner is handed: admission and the record of sessions, in threads."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime

import sqlalchemy as sa

from hub import accounts, course_groups, drive_links, sessions
from hub.admission import Offer, Refusal, decide
from hub.enums import Reason, State
from hub.queueing import House
from hub.sessions import Session
from hub.store import Store
from hub.waiting import Waiting
from spawner.confinement import MOST_COURSES
from spawner.ending import Cause, Ending
from spawner.errors import CarrelError, Code
from spawner.profiles import Grant, Request
from spawner.wait import Wait

REASONS = {
    Cause.STOPPED: Reason.STOPPED_BY_USER,
    Cause.EXITED: Reason.EXITED,
    Cause.OUT_OF_MEMORY: Reason.OUT_OF_MEMORY,
    Cause.GONE: Reason.ENGINE_LOST,
    Cause.START_FAILED: Reason.FAILED_TO_START,
    Cause.START_CANCELLED: Reason.STOPPED_BY_USER,
    Cause.START_INTERRUPTED: Reason.FAILED_TO_START,
}


ASKED_FOR = frozenset({Cause.STOPPED, Cause.START_CANCELLED})
"""Ends that do not come by themselves."""


class Lifecycle:
    """Implements ``spawner.policy.Policy`` on Carrel's database."""

    def __init__(
        self,
        store: Store,
        house: House,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._house = house
        self._clock = clock
        self._waiting = Waiting(store, house, clock)

    async def leftover(self, user: str) -> str | None:
        session = await self._store.in_thread(self._store.read, sessions.active_of, user)
        return session.id if session and session.state is not State.QUEUED else None

    async def enqueue(self, request: Request, ready_images: Collection[str]) -> Grant:
        answer = await self._store.in_thread(
            self._store.decide, self._enqueue, request, frozenset(ready_images)
        )
        if isinstance(answer, Refusal):
            raise CarrelError(Code.CONFLICT, answer.reason, answer.advice)
        image = self._house.catalog.reference(request.profile)
        seen, drive = await self._store.in_thread(self._store.read, _seen, request.user)
        return Grant(
            answer.id, request.user, request.profile, image, tuple(seen[:MOST_COURSES]), drive
        )

    async def turn(self, session_id: str, told: Callable[[Wait], None]) -> None:
        await self._waiting.turn(session_id, told)

    async def running(self, session_id: str, container_id: str, url: str) -> None:
        await self._store.in_thread(
            self._store.decide,
            sessions.mark_running, session_id, container_id, url, self._clock(),
        )  # fmt: skip
        self._waiting.wake()

    async def settle(self, ending: Ending) -> None:
        keeps_place = ending.cause is Cause.START_CANCELLED and self._waiting.hub_ends
        await self._store.in_thread(self._store.decide, self._settle, ending, keeps_place)
        self._waiting.wake()

    def reason(self, ending: Ending) -> Reason:
        """Why it ended, for the record: what we ended it for, unless it had ended by itself.

        JupyterHub's own API says nothing of who asks there, so that is the user.
        """
        if ending.ask is not None and ending.cause in ASKED_FOR:
            return Reason(ending.ask.reason)
        return REASONS[ending.cause]

    def _enqueue(
        self, tx: sa.Connection, request: Request, ready_images: Collection[str]
    ) -> Session | Refusal:
        # The hub also lets services start sessions: the account decides, whoever asks.
        accounts.require_enabled(tx, request.user)
        now = self._clock()
        house = self._house
        refusal = decide(request, Offer(house.catalog, ready_images, house.limits.room_bytes))
        kept = sessions.active_of(tx, request.user)
        if kept and kept.state is State.QUEUED:
            if refusal is None and kept.profile == request.profile.slug:
                return kept
            # Returned, not raised: the end of the place that was kept stays on record.
            why = f"{refusal.reason} {refusal.advice}" if refusal else "Asked for something else."
            reason = Reason.FAILED_TO_START if refusal else Reason.STOPPED_BY_USER
            sessions.close_session(tx, kept.id, reason, now, why)
        return refusal or sessions.open_session(tx, request.user, request.profile.slug, now)

    def _settle(self, tx: sa.Connection, ending: Ending, keeps_place: bool) -> None:
        if keeps_place and sessions.get(tx, ending.session_id).state is State.QUEUED:
            return
        sessions.close_session(
            tx, ending.session_id, self.reason(ending), self._clock(), self._detail(ending)
        )

    def _detail(self, ending: Ending) -> str:
        if ending.cause is Cause.START_INTERRUPTED:
            return ending.detail or "The hub ended during the start."
        asked = ending.ask.detail if ending.ask and ending.cause in ASKED_FOR else ""
        return ending.detail or asked


def _seen(tx: sa.Connection, user: str) -> tuple[list[str], bool]:
    """What a session sees beside its home: courses, and whether the user's Drive."""
    return course_groups.slugs_of(tx, user), drive_links.mounted(tx, user)
