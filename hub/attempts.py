"""Counts wrong passwords per name and per address, and says who has to wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub.knobs import Auth
from hub.models import login_attempts as rows


@dataclass(frozen=True)
class Limits:
    """How many wrong passwords a window holds."""

    per_name: int
    per_address: int
    window: timedelta

    @classmethod
    def of(cls, auth: Auth) -> Limits:
        return cls(
            auth.attempts_per_name,
            auth.attempts_per_address,
            timedelta(minutes=auth.attempts_window_minutes),
        )


@dataclass(frozen=True)
class Counted:
    """When the counted attempts were, newest first, none older than the window."""

    name: Sequence[datetime]
    address: Sequence[datetime]


def decide(counted: Counted, limits: Limits) -> datetime | None:
    """Until when to wait, or None: go on.

    One may go on when so many attempts have left the window that there is room for one more.
    """
    until = [
        times[limit - 1] + limits.window
        for times, limit in (
            (counted.name, limits.per_name),
            (counted.address, limits.per_address),
        )
        if len(times) >= limit
    ]
    return max(until, default=None)


def wait_until(
    tx: sa.Connection, name: str | None, address: str, limits: Limits, now: datetime
) -> datetime | None:
    """What ``decide`` says of this name (None: nobody's) from this address."""

    def newest(condition: sa.ColumnElement[bool], count: int) -> Sequence[datetime]:
        # Far into the future: left by a clock that was set back since, and must lock nobody out.
        # Near it: attempts that came after this one and were quicker.
        window = rows.c.at.between(now - limits.window, now + limits.window)
        query = sa.select(rows.c.at).where(condition, window).order_by(rows.c.at.desc())
        return tx.scalars(query.limit(count)).all()

    counted = Counted(
        name=newest(rows.c.name == name, limits.per_name) if name else (),
        address=newest(rows.c.address == address, limits.per_address),
    )
    return decide(counted, limits)


def reserve(
    tx: sa.Connection, name: str | None, address: str, limits: Limits, now: datetime
) -> int | datetime:
    """Counts an attempt as wrong *before* the password is checked; its id, or until when to wait.

    So a thousand guesses at the same moment are held to the limit too. ``forgive`` takes it
    back when the password was right. Must run in a deciding transaction.
    """
    tx.execute(rows.delete().where(rows.c.at < now - limits.window))
    if until := wait_until(tx, name, address, limits, now):
        return until
    added = tx.execute(rows.insert().values(name=name, address=address, at=now))
    assert added.inserted_primary_key
    return int(added.inserted_primary_key[0])


def forgive(tx: sa.Connection, attempt: int) -> None:
    """The password was right: this attempt does not count. Earlier ones still do."""
    tx.execute(rows.delete().where(rows.c.id == attempt))
