"""Checks a name and a password: one answer for every cause, at one cost."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from hub import accounts, attempts, passwords
from hub.accounts import Account
from hub.attempts import Limits
from hub.store import Store
from spawner.errors import CarrelError
from spawner.names import canonical

WRONG = "Wrong user name or password."


@dataclass(frozen=True)
class Login:
    """What somebody typed, and from where."""

    name: str
    password: str = field(repr=False)
    address: str


@dataclass(frozen=True)
class Refusal:
    """Why not, for the person; and in how many seconds to try again, if it is the limit."""

    message: str
    retry_after_s: int | None = None


def precheck(tx: sa.Connection, login: Login, limits: Limits, now: datetime) -> Refusal | None:
    """Turns away who has to wait anyway, before they queue for argon2."""
    until = attempts.wait_until(tx, _name(login), login.address, limits, now)
    return _wait(until, now) if until else None


def check(store: Store, login: Login, limits: Limits, now: datetime) -> Account | Refusal:
    """The account, if name and password are right; blocks for about 150 ms.

    Names that cannot be, unknown, disabled and passwordless accounts cost and answer the same.
    Run it with ``passwords.in_slot``.
    """
    name = _name(login)
    with store.deciding() as tx:
        attempt = attempts.reserve(tx, name, login.address, limits, now)
        if isinstance(attempt, datetime):
            return _wait(attempt, now)
        account = accounts.find(tx, name) if name else None
    usable = account.password_hash if account and account.enabled else None
    if not passwords.verify(usable, login.password) or name is None:
        return Refusal(WRONG)
    with store.deciding() as tx:
        # Asked again: the account may have been disabled while argon2 was at work.
        account = accounts.note_login(tx, name, now)
        if account is None or account.password_hash != usable:
            return Refusal(WRONG)
        attempts.forgive(tx, attempt)
    return account


def _name(login: Login) -> str | None:
    try:
        return canonical(login.name)
    except CarrelError:
        return None


def _wait(until: datetime, now: datetime) -> Refusal:
    seconds = max(1, math.ceil((until - now).total_seconds()))
    minutes = math.ceil(seconds / 60)
    when = "in a minute" if minutes == 1 else f"in {minutes} minutes"
    return Refusal(f"Too many wrong attempts. Try again {when}.", seconds)
