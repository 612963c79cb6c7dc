"""Accounts: who exists, as what, and whether they may come in.

Every name that comes in is made canonical here, and every change leaves a line in the audit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub import audit
from hub.audit import Action, By
from hub.enums import Role
from hub.models import accounts as rows
from spawner.errors import CarrelError, Code
from spawner.names import canonical


@dataclass(frozen=True)
class Account:
    """A person's account."""

    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    last_login_at: datetime | None
    password_hash: str | None = field(repr=False)

    @property
    def enabled(self) -> bool:
        return self.disabled_at is None


def find(tx: sa.Connection, name: str) -> Account | None:
    """The account of that name, however it is spelled, or None.

    Raises CarrelError(BAD_INPUT) for what can be nobody's name.
    """
    row = tx.execute(sa.select(rows).where(rows.c.name == canonical(name))).one_or_none()
    return Account(**row._mapping) if row else None


def require(tx: sa.Connection, name: str) -> Account:
    """As ``find``; raises CarrelError(NOT_FOUND) when there is none."""
    account = find(tx, name)
    if account is None:
        raise CarrelError(
            Code.NOT_FOUND,
            f"There is no account {canonical(name)}.",
            "./carrel user list shows them all.",
        )
    return account


def require_enabled(tx: sa.Connection, name: str) -> Account:
    """As ``require``; raises CarrelError(REFUSED) when it is disabled."""
    account = require(tx, name)
    if not account.enabled:
        raise CarrelError(
            Code.REFUSED,
            f"The account {account.name} is disabled.",
            f"./carrel user enable {account.name} lets them in again.",
        )
    return account


def everyone(tx: sa.Connection) -> list[Account]:
    """All accounts by name."""
    return [
        Account(**row._mapping) for row in tx.execute(sa.select(rows).order_by(rows.c.name)).all()
    ]


def create(tx: sa.Connection, name: str, role: Role, password_hash: str | None, by: By) -> Account:
    """A new account. Raises CarrelError(CONFLICT) when the name is taken."""
    name = canonical(name)
    if find(tx, name):
        raise CarrelError(Code.CONFLICT, f"The name {name} is taken.", "Choose another one.")
    tx.execute(
        rows.insert().values(name=name, role=role, password_hash=password_hash, created_at=by.at)
    )
    audit.record(tx, by, Action.ACCOUNT_CREATED, name, role.value)
    return require(tx, name)


def set_role(tx: sa.Connection, name: str, role: Role, by: By) -> bool:
    """Gives the account a role; whether that changed anything. The hub follows at its refresh."""
    account = require(tx, name)
    if account.role is role:
        return False
    _change(tx, account, role=role)
    audit.record(tx, by, Action.ROLE_SET, account.name, f"{account.role.value} → {role.value}")
    return True


def set_password(tx: sa.Connection, name: str, password_hash: str, by: By) -> None:
    """Replaces the password; logins that stand are not ended by it."""
    account = require(tx, name)
    _change(tx, account, password_hash=password_hash)
    audit.record(tx, by, Action.PASSWORD_SET, account.name)


def disable(tx: sa.Connection, name: str, by: By) -> bool:
    """Lets nobody in under that name; whether that changed anything.

    The hub's cookies, tokens and session are ended by ``hub_api.remove_user``.
    """
    account = require(tx, name)
    if not account.enabled:
        return False
    _change(tx, account, disabled_at=by.at)
    audit.record(tx, by, Action.ACCOUNT_DISABLED, account.name)
    return True


def enable(tx: sa.Connection, name: str, by: By) -> bool:
    """Undoes ``disable``; whether that changed anything."""
    account = require(tx, name)
    if account.enabled:
        return False
    _change(tx, account, disabled_at=None)
    audit.record(tx, by, Action.ACCOUNT_ENABLED, account.name)
    return True


def remove(tx: sa.Connection, name: str, by: By) -> None:
    """Deletes the account. Home, sessions and audit stay."""
    account = require(tx, name)
    tx.execute(rows.delete().where(rows.c.name == account.name))
    audit.record(tx, by, Action.ACCOUNT_DELETED, account.name, account.role.value)


def note_login(tx: sa.Connection, name: str, now: datetime) -> Account | None:
    """Notes that they came in; None when the account was disabled or deleted meanwhile."""
    account = find(tx, name)
    if account is None or not account.enabled:
        return None
    _change(tx, account, last_login_at=now)
    return account


def _change(tx: sa.Connection, account: Account, **values: Any) -> None:
    tx.execute(rows.update().where(rows.c.name == account.name).values(**values))
