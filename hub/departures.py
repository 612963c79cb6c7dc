"""People whose account is deleted while their home is still kept: listed, restored, forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hub import accounts, audit, homes, moments, powers
from hub.accounts import Account
from hub.audit import Action, By
from hub.enums import Role
from hub.models import accounts as account_rows
from hub.models import departures as rows
from hub.powers import Actor
from spawner.errors import CarrelError, Code
from spawner.names import canonical


@dataclass(frozen=True)
class Departure:
    """What is left of an account until its home is removed."""

    name: str
    role: Role
    full_name: str
    invited_by: str | None
    identity: str | None
    created_at: datetime
    deleted_at: datetime
    deleted_by: str
    remove_at: datetime

    def is_due(self, now: datetime) -> bool:
        """Whether the home's time is over. Not before its account was deleted: a clock that was
        set back says nothing."""
        return self.remove_at <= now and self.deleted_at <= now


def find(tx: sa.Connection, name: str) -> Departure | None:
    """Raises CarrelError(BAD_INPUT) for what can be nobody's name."""
    return next(iter(_select(tx, rows.c.name == canonical(name))), None)


def listed(tx: sa.Connection) -> list[Departure]:
    """All of them; those whose home goes first come first."""
    return _select(tx)


def of_actor(tx: sa.Connection, actor: Actor, limit: int = 100) -> list[Departure]:
    """Of those whom the actor looked after; ordered as ``listed``.

    Raises CarrelError(REFUSED) for whoever looks after nobody.
    """
    powers.require_people(actor)
    return _select(tx, powers.looked_after(actor, rows), limit=limit)


def due(tx: sa.Connection, now: datetime) -> list[Departure]:
    """Whose homes are to be removed."""
    return [one for one in _select(tx, rows.c.remove_at <= now) if one.is_due(now)]


def restore(tx: sa.Connection, name: str, by: By) -> Account:
    """The account comes back as it was, enabled, but for its password.

    Raises CarrelError: NOT_FOUND, REFUSED when the home's time is over (it may be going at this
    moment), CONFLICT when somebody else has its single sign-on identity by now.
    """
    departure = find(tx, name)
    if departure is None:
        raise CarrelError(
            Code.NOT_FOUND,
            f"No deleted account {canonical(name)} is kept.",
            "./carrel user departed lists those that are.",
        )
    if departure.remove_at <= by.at:
        raise CarrelError(
            Code.REFUSED,
            f"The time of {departure.name}'s home is over; it is being removed.",
            "Make a new account of that name in a few minutes.",
        )
    if departure.identity and (other := accounts.find_identity(tx, departure.identity)):
        raise CarrelError(
            Code.CONFLICT,
            f"The login of {departure.name} at the sign-on provider is {other.name}'s by now.",
            f"Delete {other.name} first, if that is the same person.",
        )
    kept = ("name", "role", "full_name", "invited_by", "identity", "created_at")
    tx.execute(account_rows.insert().values({key: getattr(departure, key) for key in kept}))
    tx.execute(rows.delete().where(rows.c.name == departure.name))
    audit.record(tx, by, Action.ACCOUNT_RESTORED, departure.name, departure.role.value)
    return accounts.require(tx, departure.name)


def forget(tx: sa.Connection, name: str, by: By) -> bool:
    """The home is removed: the name is free from here on. False when it was free already."""
    departure = find(tx, name)
    if departure is None:
        return False
    tx.execute(rows.delete().where(rows.c.name == departure.name))
    homes.forget(tx, [departure.name])
    deleted = f"account deleted {moments.spelled(departure.deleted_at)}"
    audit.record(tx, by, Action.HOME_REMOVED, departure.name, deleted)
    return True


def _select(
    tx: sa.Connection, *conditions: sa.ColumnElement[bool], limit: int | None = None
) -> list[Departure]:
    query = sa.select(rows).where(*conditions).order_by(rows.c.remove_at, rows.c.name).limit(limit)
    return [Departure(**row._mapping) for row in tx.execute(query)]
