"""Accounts: who exists, as what, and whether they may come in.

Every name that comes in is made canonical here, and every change leaves a line in the audit.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub import audit, links, moments
from hub.audit import Action, By
from hub.enums import Interface, Role
from hub.models import FULL_NAME, copies, departures, members
from hub.models import accounts as rows
from hub.passwords import LOST
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
    full_name: str = ""
    invited_by: str | None = None
    identity: str | None = None
    """At a single sign-on provider: ``<issuer> <sub>``; None for a local account."""
    interface: Interface | None = None

    @property
    def enabled(self) -> bool:
        return self.disabled_at is None

    @property
    def called(self) -> str:
        """What to call them on a page."""
        return self.full_name or self.name


@dataclass(frozen=True)
class NewAccount:
    """Who is to get an account."""

    name: str
    role: Role
    password_hash: str | None = field(default=None, repr=False)
    full_name: str = ""
    invited_by: str | None = None
    identity: str | None = None


def clean_full_name(raw: str) -> str:
    """What a person is called: NFC, one line, single spaces. Empty is fine.

    Raises CarrelError(BAD_INPUT) for control and direction characters and for what is too long.
    """
    if any(c == LOST or unicodedata.category(c) in _NOT_IN_NAMES for c in raw if c not in _FINE):
        raise CarrelError(
            Code.BAD_INPUT, "This name holds characters that cannot be shown.", "Type it anew."
        )
    # Cut to what still is too long: normalising takes time by the square.
    raw = " ".join(raw.split())[: 4 * FULL_NAME + 1]
    name = " ".join(unicodedata.normalize("NFC", raw).split())
    if not name.strip(f" {_JOINERS}"):
        return ""
    if len(name) > FULL_NAME:
        raise CarrelError(
            Code.BAD_INPUT, "This name is too long.", f"Use at most {FULL_NAME} characters."
        )
    return name


# Control, format (direction marks among them: they turn a page's text round), surrogates, unused.
_NOT_IN_NAMES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Some scripts spell names with them; alone they are nothing that can be seen.
_JOINERS = "\u200c\u200d"
# What a paste may bring along: it becomes one space.
_FINE = frozenset(f"\t\n\r{_JOINERS}")


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
        raise unknown(canonical(name))
    return account


def unknown(name: str) -> CarrelError:
    """What is said, to whoever may know it, of a name that nobody has."""
    return CarrelError(
        Code.NOT_FOUND,
        f"There is no account {name}.",
        "The page People shows them all, and so does ./carrel user list.",
    )


def require_enabled(tx: sa.Connection, name: str) -> Account:
    """As ``require``; raises CarrelError(REFUSED) when it is disabled."""
    account = require(tx, name)
    if not account.enabled:
        raise CarrelError(
            Code.REFUSED,
            f"The account {account.name} is disabled.",
            f"An administrator can enable it: on the page People, or with ./carrel user enable "
            f"{account.name}.",
        )
    return account


def everyone(tx: sa.Connection) -> list[Account]:
    """All accounts by name."""
    return [
        Account(**row._mapping) for row in tx.execute(sa.select(rows).order_by(rows.c.name)).all()
    ]


def count_enabled_admins(tx: sa.Connection) -> int:
    """How many admins can log in now."""
    admins = sa.select(sa.func.count()).where(
        rows.c.role == Role.ADMIN, rows.c.disabled_at.is_(None)
    )
    return tx.scalar(admins) or 0


def create(tx: sa.Connection, new: NewAccount, by: By) -> Account:
    """A new account. Raises CarrelError(CONFLICT) when the name is taken."""
    name = canonical(new.name)
    if find(tx, name) or departed(tx, name):
        raise CarrelError(Code.CONFLICT, f"The name {name} is taken.", "Choose another one.")
    # Whom an earlier person of that name invited is no business of this one.
    for table in (rows, departures):
        tx.execute(table.update().where(table.c.invited_by == name).values(invited_by=None))
    # Nor are the courses that one was in this one's.
    for of_courses in (members, copies):
        tx.execute(of_courses.delete().where(of_courses.c.user == name))
    tx.execute(
        rows.insert().values(
            name=name,
            role=new.role,
            password_hash=new.password_hash,
            created_at=by.at,
            full_name=clean_full_name(new.full_name),
            invited_by=new.invited_by,
            identity=new.identity,
        )
    )
    audit.record(tx, by, Action.ACCOUNT_CREATED, name, new.role.value)
    return require(tx, name)


def find_identity(tx: sa.Connection, identity: str) -> Account | None:
    """The account of somebody at a single sign-on provider, or None."""
    row = tx.execute(sa.select(rows).where(rows.c.identity == identity)).one_or_none()
    return Account(**row._mapping) if row else None


def departed(tx: sa.Connection, name: str) -> datetime | None:
    """Until when the home of a deleted account is kept, and its name taken; None: it is not."""
    query = sa.select(departures.c.remove_at).where(departures.c.name == canonical(name))
    return tx.execute(query).scalar_one_or_none()


def set_identity(tx: sa.Connection, name: str, identity: str | None, by: By) -> bool:
    """Joins the account to somebody at a provider (None: to nobody); whether that changed anything.

    Raises CarrelError(CONFLICT) when somebody else's account is joined to them.
    """
    account = require(tx, name)
    if account.identity == identity:
        return False
    other = find_identity(tx, identity) if identity else None
    if other:
        raise CarrelError(
            Code.CONFLICT,
            f"That identity belongs to the account {other.name}.",
            f"./carrel user identity {other.name} --remove parts them.",
        )
    _change(tx, account, identity=identity)
    audit.record(tx, by, Action.IDENTITY_SET, account.name, f"{account.identity} → {identity}")
    return True


def set_role(tx: sa.Connection, name: str, role: Role, by: By) -> bool:
    """Gives the account a role; whether that changed anything. The hub follows at its refresh."""
    account = require(tx, name)
    if account.role is role:
        return False
    _change(tx, account, role=role)
    audit.record(tx, by, Action.ROLE_SET, account.name, f"{account.role.value} → {role.value}")
    return True


def set_password(tx: sa.Connection, name: str, password_hash: str, by: By) -> None:
    """Replaces the password; logins that stand are not ended by it, open reset links are."""
    account = require(tx, name)
    _change(tx, account, password_hash=password_hash)
    links.withdraw_resets(tx, account.name, by.at)
    audit.record(tx, by, Action.PASSWORD_SET, account.name)


def set_full_name(tx: sa.Connection, name: str, full_name: str, by: By) -> bool:
    """Changes what they are called; whether that changed anything."""
    account, full_name = require(tx, name), clean_full_name(full_name)
    if account.full_name == full_name:
        return False
    _change(tx, account, full_name=full_name)
    audit.record(tx, by, Action.FULL_NAME_SET, account.name, f"{account.full_name} → {full_name}")
    return True


def set_interface(tx: sa.Connection, name: str, interface: Interface) -> None:
    """Remembers what their session opens in; a habit, so no line in the audit."""
    _change(tx, require(tx, name), interface=interface)


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


def remove(tx: sa.Connection, name: str, by: By, remove_at: datetime) -> None:
    """Deletes the account. Sessions and audit stay; the home until ``remove_at`` (``departures``).

    Until then the name stays taken: a namesake would find the files.
    """
    account = require(tx, name)
    tx.execute(rows.delete().where(rows.c.name == account.name))
    tx.execute(
        departures.insert().values(
            name=account.name,
            role=account.role,
            full_name=account.full_name,
            invited_by=account.invited_by,
            identity=account.identity,
            created_at=account.created_at,
            deleted_at=by.at,
            deleted_by=by.who,
            remove_at=remove_at,
        )
    )
    detail = f"{account.role.value}; home kept until {moments.spelled(remove_at)}"
    audit.record(tx, by, Action.ACCOUNT_DELETED, account.name, detail)


def note_login(tx: sa.Connection, name: str, now: datetime) -> Account | None:
    """Notes that they came in; None when the account was disabled or deleted meanwhile."""
    account = find(tx, name)
    if account is None or not account.enabled:
        return None
    _change(tx, account, last_login_at=now)
    return account


def _change(tx: sa.Connection, account: Account, **values: Any) -> None:
    tx.execute(rows.update().where(rows.c.name == account.name).values(**values))
