"""Who is not let in any more, and so must have neither a session nor a login."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hub.enums import State
from hub.models import accounts, departures, sessions


@dataclass(frozen=True)
class Outsider:
    """``since`` is when the account was disabled or deleted; None: nobody knows an account."""

    name: str
    since: datetime | None
    session: str | None = None
    """Id of a session that has not ended."""


def everyone(tx: sa.Connection) -> list[Outsider]:
    """Disabled and deleted accounts, and whoever has a session and no account; by name."""
    out: dict[str, datetime | None] = {}
    disabled = sa.select(accounts.c.name, accounts.c.disabled_at).where(
        accounts.c.disabled_at.is_not(None)
    )
    deleted = sa.select(departures.c.name, departures.c.deleted_at)
    for query in (disabled, deleted):
        out |= {row[0]: row[1] for row in tx.execute(query)}
    insiders = sa.select(accounts.c.name).where(accounts.c.disabled_at.is_(None))
    running = sa.select(sessions.c.user, sessions.c.id).where(
        sessions.c.state != State.ENDED, sessions.c.user.not_in(insiders)
    )
    live = {row.user: row.id for row in tx.execute(running)}
    return [Outsider(n, out.get(n), live.get(n)) for n in sorted({*out, *live})]


def is_one(tx: sa.Connection, name: str) -> bool:
    """Whether nobody is let in under that (canonical) name now."""
    query = sa.select(accounts.c.name).where(
        accounts.c.name == name, accounts.c.disabled_at.is_(None)
    )
    return tx.execute(query).first() is None
