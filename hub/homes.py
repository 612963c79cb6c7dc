"""How much each home holds, as node measured it last, and which are to be measured again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub.enums import State
from hub.models import homes as rows
from hub.models import sessions

MEASURED_FOR = timedelta(days=1)
"""A home that no session touched is measured again after this: files also come by other ways."""


@dataclass(frozen=True)
class Measured:
    """Bytes on the disk, at a moment."""

    size_bytes: int
    measured_at: datetime


def record(tx: sa.Connection, name: str, size_bytes: int, now: datetime) -> None:
    """Replaces what was measured before."""
    values = {"size_bytes": size_bytes, "measured_at": now}
    if not tx.execute(rows.update().where(rows.c.name == name).values(**values)).rowcount:
        tx.execute(rows.insert().values(name=name, **values))


def forget(tx: sa.Connection, names: Collection[str]) -> None:
    """Homes that are no more."""
    for name in names:
        tx.execute(rows.delete().where(rows.c.name == name))


def sizes(tx: sa.Connection) -> dict[str, Measured]:
    """All that was measured, by name."""
    return {
        row.name: Measured(row.size_bytes, row.measured_at) for row in tx.execute(sa.select(rows))
    }


def last_used(tx: sa.Connection, now: datetime) -> dict[str, datetime]:
    """When each user's newest session ended; ``now`` for one that has not."""
    when = sa.case(
        (sessions.c.state != State.ENDED, sa.literal(now, sessions.c.ended_at.type)),
        else_=sessions.c.ended_at,
    )
    query = sa.select(sessions.c.user, sa.func.max(when).label("at")).group_by(sessions.c.user)
    return {row.user: row.at for row in tx.execute(query)}


def to_measure(
    names: Collection[str],
    measured: Mapping[str, Measured],
    used: Mapping[str, datetime],
    now: datetime,
) -> list[str]:
    """Whose homes may have changed, those never measured first and then the oldest (pure)."""

    def stale(name: str) -> bool:
        if name not in measured:
            return True
        at = measured[name].measured_at
        # Also when the clock was set back: what was measured in the future says nothing.
        return not timedelta(0) <= now - at < MEASURED_FOR or (name in used and used[name] >= at)

    def age(name: str) -> tuple[bool, datetime, str]:
        return (name in measured, measured[name].measured_at if name in measured else now, name)

    return sorted(filter(stale, names), key=age)
