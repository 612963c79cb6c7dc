"""Sessions by their id, in the hub's API: how one is, all that the hub has, and their one end.

    GET    /hub/api/carrel/sessions
    GET    /hub/api/carrel/users/<name>/sessions/<id>
    DELETE /hub/api/carrel/users/<name>/sessions/<id>     may hold {"reason": …, "detail": …}

What of Carrel's ends a session ends it here. JupyterHub's own DELETE names a user, not a session:
one that comes late stops what was started since. Two ways are left beside it: putting somebody out
ends whatever they start meanwhile by that call, before the hub's user goes; and a session whose
user the hub has forgotten is ended by housekeeping itself.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from jupyterhub.scopes import Scope, needs_scope
from tornado import web

from hub import reach, sessions
from hub.endings import Asker, Wish
from hub.enums import State
from hub.handlers.api import Api
from hub.reach import Reach
from hub.sessions import Session
from spawner.ending import Ask
from spawner.errors import CarrelError, Code

CANCEL_S = 1.0
"""How long a start that is cancelled may take to leave; ours leave at once."""


def _look(tx: sa.Connection, session_id: str) -> tuple[Session, Reach | None]:
    return sessions.get(tx, session_id), reach.last(tx)


class SessionsApi(Api):
    """What the hub has, in one answer."""

    @needs_scope("read:servers")
    def get(self) -> None:
        if self.parsed_scopes["read:servers"] is not Scope.ALL:
            raise web.HTTPError(403, "This is for those who may see everybody's sessions.")
        found = [
            {"user": user.name, "session": spawner.session_id, "pending": spawner.pending}
            for user in self.users.values()
            for spawner in user.spawners.values()
            if spawner.active and spawner.session_id
        ]
        self.write({"sessions": found})


class SessionApi(Api):
    """One session of somebody."""

    @needs_scope("read:servers")
    async def get(self, user_name: str, session_id: str) -> None:
        """How it is: JupyterHub's word for it, and whether that can be known at the moment."""
        store, now = self.authenticator.store, datetime.now(UTC)
        session, reach_ = await store.in_thread(store.read, _look, session_id)
        if session.user != user_name:
            raise CarrelError(Code.NOT_FOUND, f"{user_name} has no session {session_id}.")
        spawner = self._spawner(self.find_user(user_name))
        here = spawner is not None and spawner.session_id == session_id and spawner.active
        why = reach.unknown(session, reach_, now)
        self.write(
            {
                "state": session.state.value,
                "unknown": why.value if why else None,
                "pending": spawner.pending if here else None,
                "ready": bool(here and spawner.ready),
            }
        )

    @needs_scope("delete:servers")
    async def delete(self, user_name: str, session_id: str) -> None:
        ask = Wish(self.get_json_body(), self._asker(user_name)).ask()
        user = self.find_user(user_name)
        spawner = self._spawner(user)
        if spawner is None or spawner.session_id != session_id:
            raise await self._why_not(user_name, session_id)
        # Nothing else runs from the comparison until the end has begun: no await in between.
        if spawner.pending == "check":
            raise CarrelError(
                Code.CONFLICT,
                "The hub was restarted and is still looking at this session.",
                "Try again in a moment.",
            )
        if not spawner._stop_pending:
            self.log.info("Session %s of %s is ended: %s", session_id, user_name, ask.reason.value)
            await self._end(user, spawner, ask)
        self.set_status(202 if spawner._stop_pending else 204)

    async def _end(self, user: Any, spawner: Any, ask: Ask) -> None:
        spawner.end_for(ask)
        if spawner.pending == "spawn":
            # So that it is neither taken for ready nor started anew while it is cancelled.
            spawner._stop_pending = True
            await self._cancel(spawner)
            if self._spawner(user) is not spawner or not spawner.session_id:
                return
            spawner._spawn_pending = spawner._stop_pending = False
        stop = await self.stop_single_user(user)
        # JupyterHub says nothing when it cannot take the route away, and leaves it at that.
        stop.add_done_callback(lambda _: spawner.ready and spawner.asked.take_back())
        if stop.done() and spawner.ready:
            raise CarrelError(
                Code.UNAVAILABLE, "It was not stopped: the proxy does not answer.", "Try again."
            )

    async def _cancel(self, spawner: Any) -> None:
        start = spawner._spawn_future
        if start is not None:
            start.cancel()
            await asyncio.wait([start], timeout=CANCEL_S)

    def _spawner(self, user: Any) -> Any:
        # get: an item that is not there would be made.
        return None if user is None else user.spawners.get("")

    def _asker(self, user_name: str) -> Asker:
        if self.current_user.kind == "service":
            return Asker.SERVICE
        return Asker.OWNER if self.current_user.name == user_name else Asker.OTHER

    async def _why_not(self, user_name: str, session_id: str) -> CarrelError:
        store = self.authenticator.store
        try:
            session = await store.in_thread(store.read, sessions.get, session_id)
        except CarrelError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            session = None
        if session is None or session.user != user_name:
            return CarrelError(Code.NOT_FOUND, f"{user_name} has no session {session_id}.")
        if session.state is State.ENDED:
            return CarrelError(Code.NOT_FOUND, "This session has ended already.")
        return CarrelError(
            Code.CONFLICT,
            "The hub does not have this session at the moment.",
            "Try again: after a restart it goes on with it within half a minute.",
        )
