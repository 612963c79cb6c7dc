"""Setup links: whoever holds one makes an account, once, before it expires."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub import audit
from hub.audit import Action, By
from hub.enums import Role
from hub.models import setup_links as rows
from spawner.errors import CarrelError, Code

PATH = "/hub/setup"
"""Of the page that takes a token in its fragment: ``<public_url>/hub/setup#<token>``."""
REMEDY = "Ask whoever runs Carrel for a new one: ./carrel admin-link makes it."


def create(tx: sa.Connection, role: Role, lifetime: timedelta, by: By) -> str:
    """The token of a new link: 256 random bits, given out here and never again.

    Only its SHA-256 is stored; that is enough for a token that nobody can guess.
    """
    token = secrets.token_urlsafe(32)
    tx.execute(
        rows.insert().values(
            token_hash=_hash(token), role=role, created_at=by.at, expires_at=by.at + lifetime
        )
    )
    audit.record(tx, by, Action.SETUP_LINK_MADE, detail=role.value)
    return token


def role_of(tx: sa.Connection, token: str, now: datetime) -> Role:
    """The role that the link gives, if it can still be used.

    Raises CarrelError(REFUSED) for a link that is unknown, used or expired: the same sentence
    for all three, since the remedy is the same.
    """
    wanted = _hash(token)
    found = tx.execute(sa.select(rows).where(rows.c.token_hash == wanted)).one_or_none()
    if (
        found is None
        or not hmac.compare_digest(found.token_hash, wanted)
        or found.used_at is not None
        or found.expires_at <= now
    ):
        raise _unusable()
    role: Role = found.role
    return role


def use(tx: sa.Connection, token: str, name: str, by: By) -> Role:
    """Uses the link up for the account ``name``; the role that it gives.

    The row itself decides: of two at the same moment one updates it, the other finds it used.
    Raises CarrelError(REFUSED) as ``role_of`` does.
    """
    role = role_of(tx, token, by.at)
    taken = tx.execute(
        rows.update()
        .where(rows.c.token_hash == _hash(token), rows.c.used_at.is_(None))
        .values(used_at=by.at, used_by=name)
    )
    if taken.rowcount != 1:
        raise _unusable()
    audit.record(tx, by, Action.SETUP_LINK_USED, name, role.value)
    return role


def _hash(token: str) -> str:
    return hashlib.sha256(token.strip().encode(errors="replace")).hexdigest()


def _unusable() -> CarrelError:
    return CarrelError(
        Code.REFUSED, "This setup link is used, has expired or was never made.", REMEDY
    )
