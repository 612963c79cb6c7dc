"""The sidecars of sessions: what each shows who it is with, and what it told last."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub import drive_bearers
from hub.drive_bearers import Bearers
from hub.models import drive_syncs as rows
from hub.models import sessions

SESSION_ID = re.compile(r"[0-9a-f]{12}", re.ASCII)
AFTER_THE_END = timedelta(minutes=10)
"""How long a bearer may outlive its session, should nobody end it: the flush takes a minute."""
MOST_RESULT = 300
"""Of the sentence of its end, in characters."""


@dataclass(frozen=True)
class Sync:
    """Of one session."""

    session: str
    user: str
    began_at: datetime
    ended_at: datetime | None
    report: str
    """JSON; empty where none came."""
    reported_at: datetime | None
    result: str


def begin(tx: sa.Connection, user: str, session: str, bearers: Bearers, now: datetime) -> str:
    """A new bearer, which is shown here once; a former one of that session ends."""
    bearer, mark = bearers.new(user, session)
    told = {"bearer_hash": mark, "ended_at": None, "result": ""}
    changed = tx.execute(rows.update().where(rows.c.session == session).values(**told))
    if not changed.rowcount:
        tx.execute(rows.insert().values(session=session, user=user, began_at=now, **told))
        # Names of files are kept for the newest alone; each one's result stays.
        older = (rows.c.user == user) & (rows.c.session != session)
        tx.execute(rows.update().where(older).values(report=""))
    return bearer


def end(tx: sa.Connection, session: str, now: datetime) -> None:
    """Its container is gone: the bearer opens nothing more. Said twice, the first time counts."""
    open_one = (rows.c.session == session) & rows.c.ended_at.is_(None)
    tx.execute(rows.update().where(open_one).values(ended_at=now))


def end_all_of(tx: sa.Connection, user: str, now: datetime) -> None:
    """The bearers of somebody who disconnected open nothing more."""
    open_ones_ = (rows.c.user == user) & rows.c.ended_at.is_(None)
    tx.execute(rows.update().where(open_ones_).values(ended_at=now))


def open_ones(tx: sa.Connection) -> list[Sync]:
    """Those that have not ended, oldest first."""
    return _select(tx, rows.c.ended_at.is_(None))[::-1]


def count_open(tx: sa.Connection) -> int:
    query = sa.select(sa.func.count()).select_from(rows).where(rows.c.ended_at.is_(None))
    return int(tx.scalar(query) or 0)


def of_session(tx: sa.Connection, session: str) -> Sync | None:
    return next(iter(_select(tx, rows.c.session == session)), None)


def newest_of(tx: sa.Connection, user: str) -> Sync | None:
    return next(iter(_select(tx, rows.c.user == user)), None)


def by_bearer(tx: sa.Connection, bearer: str, bearers: Bearers, now: datetime) -> Sync | None:
    """Whose bearer it is; None for one that is unknown or ended."""
    said = drive_bearers.session_of(bearer)
    found = of_session(tx, said) if SESSION_ID.fullmatch(said) else None
    if found is None or found.ended_at is not None:
        return None
    mark = tx.scalar(sa.select(rows.c.bearer_hash).where(rows.c.session == found.session))
    if not bearers.knows(str(mark), found.user, found.session, bearer):
        return None
    ended_at = tx.scalar(sa.select(sessions.c.ended_at).where(sessions.c.id == found.session))
    return None if ended_at is not None and now - ended_at > AFTER_THE_END else found


def report(tx: sa.Connection, session: str, text: str, now: datetime) -> bool:
    """Takes what was told (``drive_reports``); whether it was taken."""
    return _tell(tx, session, report=text, reported_at=now)


def finish(tx: sa.Connection, session: str, text: str, result: str, now: datetime) -> bool:
    """Takes the last report, and the sentence of the end; whether it was taken."""
    return _tell(tx, session, report=text, reported_at=now, result=result[:MOST_RESULT])


def _tell(tx: sa.Connection, session: str, **values: object) -> bool:
    open_one = (rows.c.session == session) & rows.c.ended_at.is_(None)
    return tx.execute(rows.update().where(open_one).values(**values)).rowcount > 0


def _select(tx: sa.Connection, condition: sa.ColumnElement[bool]) -> list[Sync]:
    columns = [column for column in rows.c if column.name != "bearer_hash"]
    order = (rows.c.began_at.desc(), rows.c.session.desc())
    query = sa.select(*columns).where(condition).order_by(*order)
    return [Sync(**row._mapping) for row in tx.execute(query)]
