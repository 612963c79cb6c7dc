"""People's secrets as they are on record: named, sealed, saved, listed, deleted.

Nothing here can open one (``sealing``), and no text here holds a name or a value: texts end up in
logs and in the audit, which administrators read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hub import accounts, audit
from hub.audit import Action, By
from hub.models import NAME
from hub.models import secrets as rows
from spawner.errors import CarrelError, Code

MOST = 100
"""Secrets of one person."""
MOST_BYTES = 8192
"""Of a value, in UTF-8."""
# What a notebook of Colab's may ask for, as far as it can stand in an address. Names that are no
# identifiers are fine: nothing here makes an environment of them.
_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{NAME - 1}}}", re.ASCII)


@dataclass(frozen=True)
class Secret:
    """One of somebody's, without what it says."""

    name: str
    everywhere: bool
    """Whether all of their notebooks may read it."""
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class Sealed:
    """What is to be saved."""

    name: str
    text: str
    new: bool
    """Whether there must be none of that name; else there must be one."""


def is_name(raw: str) -> bool:
    """Whether a secret can be called that."""
    return _NAME.fullmatch(raw) is not None


def checked_name(raw: str) -> str:
    """Raises CarrelError(BAD_INPUT) for what no secret can be called."""
    if is_name(raw):
        return raw
    raise CarrelError(
        Code.BAD_INPUT,
        "A secret cannot be called that.",
        f"Use up to {NAME} letters a-z, A-Z, digits, and _ - . as in HF_TOKEN.",
    )


def checked_value(raw: str) -> str:
    """Raises CarrelError(BAD_INPUT) for nothing, for too much, and for what is no text."""
    if not raw.strip():
        raise CarrelError(Code.BAD_INPUT, "The value is empty.", "Type or paste it.")
    if "\0" in raw or any("\ud800" <= character <= "\udfff" for character in raw):
        raise no_text()
    if len(raw.encode()) > MOST_BYTES:
        raise CarrelError(
            Code.BAD_INPUT,
            f"The value is too long: it may have {MOST_BYTES} bytes.",
            "Keep what is longer in a file, and the key to it here.",
        )
    return raw


def typed(raw: str) -> str:
    """What was meant by a value from a form: browsers send each end of a line as two characters,
    and a token is often pasted with the end of its line, which no header takes."""
    text = raw.replace("\r\n", "\n")
    line = text.rstrip("\n")
    return text if "\n" in line else line


def no_text() -> CarrelError:
    """What is said of a value that is no text."""
    return CarrelError(
        Code.BAD_INPUT,
        "The value holds characters that are no text.",
        "Encode it, say with base64, and decode it in the notebook.",
    )


def save(tx: sa.Connection, user: str, sealed: Sealed, by: By) -> None:
    """Adds a secret, or replaces the value of one; who may read it stays as it was.

    Raises CarrelError: CONFLICT for a new one whose name is taken, and for one too many;
    NOT_FOUND where there is none to be replaced.
    """
    accounts.require_enabled(tx, user)
    name = checked_name(sealed.name)
    found = find(tx, user, name)
    if found is None and not sealed.new:
        raise none_of_it()
    if found is not None and sealed.new:
        raise CarrelError(
            Code.CONFLICT,
            "You have a secret of this name already.",
            "Use “Replace the value” there, or choose another name.",
        )
    if found is None:
        _require_room(tx, user)
        made = {"user": user, "name": name, "everywhere": False, "created_at": by.at}
        tx.execute(rows.insert().values(**made, sealed=sealed.text, changed_at=by.at))
    else:
        values = {"sealed": sealed.text, "changed_at": by.at}
        tx.execute(rows.update().where(_one(user, name)).values(**values))
    audit.record(tx, by, Action.SECRET_SAVED, user)


def delete(tx: sa.Connection, user: str, name: str, by: By) -> bool:
    """Removes a secret with all that is on record about it; whether there was one."""
    gone = tx.execute(rows.delete().where(_one(user, name))).rowcount > 0
    if gone:
        audit.record(tx, by, Action.SECRET_DELETED, user)
    return gone


def set_everywhere(tx: sa.Connection, user: str, name: str, everywhere: bool, by: By) -> bool:
    """Opens a secret to all notebooks of its owner, or only to those that are granted it; whether
    that changed anything. Raises CarrelError(NOT_FOUND)."""
    if require(tx, user, name).everywhere is everywhere:
        return False
    tx.execute(rows.update().where(_one(user, name)).values(everywhere=everywhere))
    audit.record(tx, by, Action.SECRET_ALLOWED if everywhere else Action.SECRET_REVOKED, user)
    return True


def listed(tx: sa.Connection, user: str) -> list[Secret]:
    """All of somebody's, by name."""
    return _select(tx, rows.c.user == user)


def find(tx: sa.Connection, user: str, name: str) -> Secret | None:
    return next(iter(_select(tx, _one(user, name))), None)


def require(tx: sa.Connection, user: str, name: str) -> Secret:
    """As ``find``; raises CarrelError(NOT_FOUND) when there is none."""
    found = find(tx, user, name)
    if found is None:
        raise none_of_it()
    return found


def sealed(tx: sa.Connection, user: str, name: str) -> str:
    """What the hub can open. Raises CarrelError(NOT_FOUND)."""
    found = tx.scalar(sa.select(rows.c.sealed).where(_one(user, name)))
    if found is None:
        raise none_of_it()
    return str(found)


def none_of_it() -> CarrelError:
    """What is said where there is no such secret."""
    return CarrelError(
        Code.NOT_FOUND, "You have no secret of this name.", "Load the page Secrets again."
    )


def _require_room(tx: sa.Connection, user: str) -> None:
    count = tx.scalar(sa.select(sa.func.count()).select_from(rows).where(rows.c.user == user)) or 0
    if count >= MOST:
        raise CarrelError(
            Code.CONFLICT, f"You have {MOST} secrets, as many as can be.", "Delete one first."
        )


def _one(user: str, name: str) -> sa.ColumnElement[bool]:
    return (rows.c.user == user) & (rows.c.name == name)


def _select(tx: sa.Connection, condition: sa.ColumnElement[bool]) -> list[Secret]:
    columns = (rows.c.name, rows.c.everywhere, rows.c.created_at, rows.c.changed_at)
    query = sa.select(*columns).where(condition).order_by(rows.c.name)
    return [Secret(**row._mapping) for row in tx.execute(query)]
