"""What is unknown: sessions that cannot be asked about, as housekeeping saw it last.

*Unknown* is no state of a session. It is the engine that does not answer, a container that is
paused, or nobody who looks; the session's own record stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub.enums import State, Unknown
from hub.models import engine as rows
from hub.models import sessions
from hub.sessions import Session

STALE = timedelta(seconds=45)
"""Housekeeping looks every few seconds: what is older than this, nobody watches over."""

SAYS = {
    Unknown.ENGINE: "The container engine does not answer. Sessions are kept; files are safe.",
    Unknown.PAUSED: "The container is paused. The session is kept; its files are safe.",
    Unknown.UNWATCHED: "Nothing has been heard of it lately: the hub may be restarting.",
}
"""For administrators and scripts; the session's own page has its own words."""


@dataclass(frozen=True)
class Reach:
    """The last look at the engine; ``silent_since`` while it does not answer."""

    asked_at: datetime
    silent_since: datetime | None


def last(tx: sa.Connection) -> Reach | None:
    """None when nobody has looked yet."""
    row = tx.execute(sa.select(rows.c.asked_at, rows.c.silent_since)).first()
    return Reach(row.asked_at, row.silent_since) if row else None


def record_answer(tx: sa.Connection, paused: Collection[str], now: datetime) -> None:
    """The engine answered; ``paused`` are the ids of sessions that are paused now."""
    _write(tx, now, None)
    live = (sessions.c.state != State.ENDED,)
    known = sa.select(sessions.c.id).where(*live, sessions.c.paused_at.is_not(None))
    before = set(tx.scalars(known))
    for ids, moment in ((set(paused) - before, now), (before - set(paused), None)):
        if ids:
            change = sessions.update().where(*live, sessions.c.id.in_(ids))
            tx.execute(change.values(paused_at=moment))


def record_silence(tx: sa.Connection, now: datetime) -> Reach:
    """The engine was asked at ``now`` and did not answer."""
    before = last(tx)
    _write(tx, now, before.silent_since if before and before.silent_since else now)
    return last(tx) or Reach(now, now)


def unknown(session: Session, reach: Reach | None, now: datetime) -> Unknown | None:
    """Why nothing is known of that session now; None when it is as its record says (pure)."""
    return why(session.state, session.paused_at, reach, now)


def why(
    state: State | None, paused_at: datetime | None, reach: Reach | None, now: datetime
) -> Unknown | None:
    """The same by what matters of a session; ``state`` None is nobody's (pure)."""
    if state not in (State.STARTING, State.RUNNING, State.DRAINING) or reach is None:
        return None
    if abs(now - reach.asked_at) > STALE:
        return Unknown.UNWATCHED
    if reach.silent_since is not None:
        return Unknown.ENGINE
    return Unknown.PAUSED if paused_at is not None else None


def _write(tx: sa.Connection, asked_at: datetime, silent_since: datetime | None) -> None:
    values = {"asked_at": asked_at, "silent_since": silent_since}
    if tx.execute(rows.update().values(values)).rowcount == 0:
        tx.execute(rows.insert().values(values | {"id": 1}))
