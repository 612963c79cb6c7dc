"""Which notebooks may read a secret, and which wanted it and were told no.

The path is what the session says: a grant keeps honest notebooks apart, not hostile code. So what
is remembered of those that asked is bounded, and seldom written.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub import accounts, audit, user_secrets
from hub.audit import Action, By
from hub.enums import GrantState
from hub.models import secret_grants as rows
from spawner.errors import CarrelError, Code

MOST_BYTES = 1000
"""Of a notebook's path, in UTF-8: both databases index it."""
MOST_GRANTED = 100
"""Notebooks that may read one secret; beyond that, all of them is the plainer choice."""
MOST_ASKED = 20
"""Notebooks remembered of those that asked for one secret."""
FRESH = timedelta(hours=1)
"""A full list takes another one only in the place of one that is older than this."""
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True)
class Reader:
    """A notebook of somebody's, and the secret that it reads or wants to."""

    user: str
    name: str
    notebook: str
    """Its path below the home; empty where the session cannot tell."""


@dataclass(frozen=True)
class Grant:
    """A notebook on the list of a secret."""

    name: str
    notebook: str
    state: GrantState
    at: datetime


@dataclass(frozen=True)
class Look:
    """What a session's question finds."""

    sealed: str = field(repr=False)
    allowed: bool
    known: bool
    """Whether it is on the page's list of those that asked."""
    room: bool
    """Whether that list takes another one now."""


def is_notebook(path: str) -> bool:
    """Whether it can be the path of a notebook below a home."""
    return (
        path.endswith(".ipynb")
        and len(path.encode("utf-8", "replace")) <= MOST_BYTES
        and not any(part in ("", ".", "..") for part in path.split("/"))
        and not any(unicodedata.category(character) in _CONTROLS for character in path)
    )


def checked_notebook(raw: str) -> str:
    """A path as people type it, made one below the home. Raises CarrelError(BAD_INPUT)."""
    path = raw.strip().removeprefix("/content/").removeprefix("./")
    if is_notebook(path):
        return path
    raise CarrelError(
        Code.BAD_INPUT,
        "This is no path of a notebook.",
        "Type it as the file browser shows it, for instance courses/data-26/lab1.ipynb.",
    )


def has_room(asked_at: Sequence[datetime], now: datetime) -> bool:
    """Whether another notebook that asked is remembered (pure)."""
    return len(asked_at) < MOST_ASKED or now - min(asked_at) > FRESH


def of_user(tx: sa.Connection, user: str) -> list[Grant]:
    """On all lists of somebody's, by secret and path."""
    query = sa.select(rows.c.name, rows.c.notebook, rows.c.state, rows.c.at)
    ordered = query.where(rows.c.user == user).order_by(rows.c.name, rows.c.notebook)
    return [Grant(**row._mapping) for row in tx.execute(ordered)]


def allow(tx: sa.Connection, reader: Reader, by: By) -> bool:
    """Lets a notebook read the secret; whether that changed anything.

    Raises CarrelError: NOT_FOUND, and CONFLICT for one too many.
    """
    user_secrets.require(tx, reader.user, reader.name)
    if _state(tx, reader) is GrantState.GRANTED:
        return False
    granted = sa.select(sa.func.count()).select_from(rows).where(_on_list(reader, _GRANTED))
    if (tx.scalar(granted) or 0) >= MOST_GRANTED:
        raise CarrelError(
            Code.CONFLICT,
            f"{MOST_GRANTED} notebooks may read this secret, as many as can be listed.",
            "Revoke some, or choose “Allow all my notebooks”.",
        )
    _put(tx, reader, _GRANTED, by.at)
    audit.record(tx, by, Action.SECRET_ALLOWED, reader.user)
    return True


def withdraw(tx: sa.Connection, reader: Reader, by: By) -> bool:
    """Takes a notebook off the list, whether it may read the secret or asked; whether it was there.

    One that asks again is remembered again.
    """
    state = _state(tx, reader)
    if state is None:
        return False
    tx.execute(rows.delete().where(_one(reader)))
    if state is GrantState.GRANTED:
        audit.record(tx, by, Action.SECRET_REVOKED, reader.user)
    return True


def look(tx: sa.Connection, reader: Reader, now: datetime) -> Look | None:
    """What a notebook that wants the secret is told; None: there is no such secret.

    Raises CarrelError(REFUSED) for a disabled account.
    """
    accounts.require_enabled(tx, reader.user)
    secret = user_secrets.find(tx, reader.user, reader.name)
    if secret is None:
        return None
    state = _state(tx, reader)
    return Look(
        user_secrets.sealed(tx, reader.user, reader.name),
        allowed=secret.everywhere or state is GrantState.GRANTED,
        known=state is GrantState.ASKED,
        room=has_room(_asked_at(tx, reader), now),
    )


def remember(tx: sa.Connection, reader: Reader, now: datetime) -> bool:
    """Puts a notebook on the list of those that asked; whether it is on one now.

    The oldest makes room. What was granted meanwhile stays so.
    """
    if user_secrets.find(tx, reader.user, reader.name) is None:
        return False
    if _state(tx, reader) is not None:
        return True
    asked_at = _asked_at(tx, reader)
    if not has_room(asked_at, now):
        return False
    if len(asked_at) >= MOST_ASKED:
        tx.execute(rows.delete().where(_on_list(reader, _ASKED), rows.c.at == min(asked_at)))
    _put(tx, reader, _ASKED, now)
    return True


_ASKED, _GRANTED = GrantState.ASKED, GrantState.GRANTED


def _put(tx: sa.Connection, reader: Reader, state: GrantState, at: datetime) -> None:
    tx.execute(rows.delete().where(_one(reader)))
    tx.execute(rows.insert().values(**vars(reader), state=state, at=at))


def _state(tx: sa.Connection, reader: Reader) -> GrantState | None:
    return tx.scalar(sa.select(rows.c.state).where(_one(reader)))


def _asked_at(tx: sa.Connection, reader: Reader) -> list[datetime]:
    return list(tx.scalars(sa.select(rows.c.at).where(_on_list(reader, _ASKED))))


def _on_list(reader: Reader, state: GrantState) -> sa.ColumnElement[bool]:
    of_secret = (rows.c.user == reader.user) & (rows.c.name == reader.name)
    return of_secret & (rows.c.state == state)


def _one(reader: Reader) -> sa.ColumnElement[bool]:
    of_secret = (rows.c.user == reader.user) & (rows.c.name == reader.name)
    return of_secret & (rows.c.notebook == reader.notebook)
