"""What admins and teachers do to accounts: checked against their powers, in one transaction each.

Several people at a time: each is done or refused by itself, and the answer says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub import accounts, audit, departures, powers, resets
from hub.accounts import Account
from hub.audit import Action, By
from hub.enums import Role
from hub.powers import Actor
from spawner.errors import CarrelError, Code
from spawner.names import canonical


@dataclass(frozen=True)
class Outcome:
    """What came of it for one person; ``refused`` is a sentence, or None when it was done."""

    name: str
    changed: bool = False
    refused: str | None = None
    token: str | None = None
    """Of a reset link: shown once, on no record."""


Deed = Callable[[sa.Connection, str], Outcome]


def each(tx: sa.Connection, names: Iterable[str], deed: Deed, by: By) -> list[Outcome]:
    """Does it to each; a refusal is told and written in the audit, and stops no other."""
    outcomes = []
    for name in names:
        try:
            with tx.begin_nested():
                outcomes.append(deed(tx, name))
        except CarrelError as error:
            audit.record(tx, by, Action.REFUSED, name[:64], str(error))
            outcomes.append(Outcome(name, refused=str(error)))
    return outcomes


def disable(actor: Actor, by: By) -> Deed:
    """Lets nobody in under the name; the caller then ends logins and session."""

    def deed(tx: sa.Connection, name: str) -> Outcome:
        account = _looked_after(tx, actor, name)
        powers.require_end(actor, account, accounts.count_enabled_admins(tx))
        return Outcome(account.name, accounts.disable(tx, account.name, by))

    return deed


def enable(actor: Actor, by: By) -> Deed:
    def deed(tx: sa.Connection, name: str) -> Outcome:
        account = _looked_after(tx, actor, name)
        return Outcome(account.name, accounts.enable(tx, account.name, by))

    return deed


def reset(actor: Actor, lifetime: timedelta, by: By) -> Deed:
    def deed(tx: sa.Connection, name: str) -> Outcome:
        token = resets.offer(tx, actor, name, lifetime, by)
        return Outcome(canonical(name), True, token=token)

    return deed


def delete(actor: Actor, remove_at: datetime, by: By) -> Deed:
    """Deletes the account; the caller then ends logins and session."""

    def deed(tx: sa.Connection, name: str) -> Outcome:
        account = _looked_after(tx, actor, name)
        powers.require_end(actor, account, accounts.count_enabled_admins(tx))
        accounts.remove(tx, account.name, by, remove_at)
        return Outcome(account.name, True)

    return deed


def restore(actor: Actor, by: By) -> Deed:
    """Brings a deleted account back while its home is kept; admins alone."""

    def deed(tx: sa.Connection, name: str) -> Outcome:
        if not actor.sees_everybody:
            raise CarrelError(
                Code.REFUSED, "Administrators undo that.", "Ask one before the home is removed."
            )
        return Outcome(departures.restore(tx, name, by).name, True)

    return deed


def set_role(actor: Actor, role: Role, by: By) -> Deed:
    """Raises CarrelError through ``powers``: only admins, and not the last one's own role."""

    def deed(tx: sa.Connection, name: str) -> Outcome:
        account = _looked_after(tx, actor, name)
        powers.require_invite(actor, account.role)
        powers.require_invite(actor, role)
        if role is not account.role:
            powers.require_end(actor, account, accounts.count_enabled_admins(tx))
        return Outcome(account.name, accounts.set_role(tx, account.name, role, by))

    return deed


def _looked_after(tx: sa.Connection, actor: Actor, name: str) -> Account:
    return powers.require_look_after(actor, accounts.find(tx, name), canonical(name))
