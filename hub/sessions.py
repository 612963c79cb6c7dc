"""The table of sessions: the truth about what runs, and for whom.

A row is opened once and closed once; after that it is never edited. JupyterHub's own idea of
ready and pending is an input, not the record.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.enums import Reason, State
from hub.models import sessions as rows
from spawner.errors import CarrelError, Code

MAX_DETAIL = 2000
"""How much of an explanation is kept, in characters."""


@dataclass(frozen=True)
class Session:
    """A user's notebook server, now or in the past."""

    id: str
    user: str
    profile: str
    state: State
    container_id: str | None
    url: str | None
    requested_at: datetime
    started_at: datetime | None
    ready_at: datetime | None
    ended_at: datetime | None
    reason: Reason | None
    detail: str
    paused_at: datetime | None = None
    """While its container is paused."""


def open_session(tx: sa.Connection, user: str, profile: str, now: datetime) -> Session:
    """A new session, queued. ``user`` is canonical, ``profile`` a slug.

    Raises CarrelError(CONFLICT) while the user has one that has not ended.
    """
    if active_of(tx, user):
        raise CarrelError(
            Code.CONFLICT,
            f"{user} has a session already.",
            "Open it, or stop it before you start another.",
        )
    id_ = secrets.token_hex(6)
    tx.execute(
        rows.insert().values(
            id=id_, user=user, profile=profile, state=State.QUEUED, requested_at=now
        )
    )
    return get(tx, id_)


def mark_starting(tx: sa.Connection, id_: str, now: datetime) -> Session:
    """Its container is being made. Said twice, the first time counts."""
    return _move(tx, id_, State.STARTING, {State.QUEUED}, {"started_at": now})


def mark_running(
    tx: sa.Connection, id_: str, container_id: str, url: str, now: datetime
) -> Session:
    """Its server answers at ``url``. Said twice, the first time counts."""
    values = {"container_id": container_id, "url": url, "ready_at": now}
    return _move(tx, id_, State.RUNNING, {State.QUEUED, State.STARTING}, values)


def mark_draining(tx: sa.Connection, id_: str) -> Session:
    """It is being stopped: work is saved, nothing new begins."""
    live = {State.QUEUED, State.STARTING, State.RUNNING}
    return _move(tx, id_, State.DRAINING, live, {})


def close_session(
    tx: sa.Connection, id_: str, reason: Reason, now: datetime, detail: str = ""
) -> Session:
    """Ends the record, whatever the cause. The first cause stays; later ones change nothing.

    An end is never before its beginning, even if the clock was set back between them.
    """
    session = get(tx, id_)
    if session.state is State.ENDED:
        return session
    last = max(filter(None, (session.requested_at, session.started_at, session.ready_at, now)))
    return _write(
        tx, id_,
        state=State.ENDED, ended_at=last, reason=reason, detail=detail[:MAX_DETAIL],
        paused_at=None,
    )  # fmt: skip


def get(tx: sa.Connection, id_: str) -> Session:
    """The session of that id. Raises CarrelError(NOT_FOUND)."""
    found = _select(tx, rows.c.id == id_)
    if not found:
        raise CarrelError(Code.NOT_FOUND, f"There is no session {id_}.")
    return found[0]


def active(tx: sa.Connection) -> list[Session]:
    """Every session that has not ended, oldest first."""
    return _select(tx, rows.c.state != State.ENDED)[::-1]


def places(tx: sa.Connection) -> dict[str, int]:
    """Session id → place of everybody in the queue; the first one is number 1."""
    queue = _select(tx, rows.c.state == State.QUEUED)[::-1]
    return {session.id: place for place, session in enumerate(queue, start=1)}


def active_of(tx: sa.Connection, user: str) -> Session | None:
    """The user's session that has not ended, if there is one."""
    return next(iter(_select(tx, rows.c.user == user, rows.c.state != State.ENDED)), None)


def of_user(
    tx: sa.Connection, user: str, limit: int = 50, since: datetime | None = None
) -> list[Session]:
    """The user's sessions, newest first; without those of whoever had the name before ``since``."""
    mine = [rows.c.user == user, *([rows.c.requested_at >= since] if since else [])]
    return _select(tx, *mine, limit=limit)


def _move(
    tx: sa.Connection, id_: str, to: State, allowed: set[State], values: dict[str, Any]
) -> Session:
    session = get(tx, id_)
    if session.state is to:
        return session
    if session.state not in allowed:
        raise CarrelError(
            Code.CONFLICT,
            f"Session {id_} is {session.state.value}; it cannot become {to.value}.",
        )
    return _write(tx, id_, state=to, **values)


def _write(tx: sa.Connection, id_: str, **values: Any) -> Session:
    # The condition, not the caller, keeps an ended row as it is.
    tx.execute(rows.update().where(rows.c.id == id_, rows.c.state != State.ENDED).values(**values))
    return get(tx, id_)


def _select(
    tx: sa.Connection, *conditions: sa.ColumnElement[bool], limit: int | None = None
) -> list[Session]:
    newest_first = (rows.c.requested_at.desc(), rows.c.id.desc())
    query = sa.select(rows).where(*conditions).order_by(*newest_first).limit(limit)
    return [Session(**row._mapping) for row in tx.execute(query).all()]
