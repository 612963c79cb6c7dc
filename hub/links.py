"""One-use and few-use links: made, found by their token, used, withdrawn, counted.

What a link is good for is said in ``invitations`` and ``resets``. A link's token stands in its
fragment (``/hub/invitation#<token>``), which no browser sends and no server logs; pages exchange
it by POST.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.audit import By
from hub.enums import LinkKind, LinkState, Role
from hub.models import links as rows


@dataclass(frozen=True)
class Wish:
    """A link to be made. ``name`` is the account that a reset is for, or the user name that an
    invitation proposes."""

    kind: LinkKind
    lifetime: timedelta
    role: Role | None = None
    name: str | None = None
    full_name: str = ""
    most_uses: int = 1
    course: str | None = None
    """Whose student whoever comes in by an invitation is."""


@dataclass(frozen=True)
class Link:
    """A link as it is on record: everything but its token."""

    id: int
    kind: LinkKind
    role: Role | None
    name: str | None
    full_name: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    most_uses: int
    uses: int
    withdrawn_at: datetime | None
    course: str | None = None

    def state(self, now: datetime) -> LinkState:
        """Whether it can still be used, and if not, why."""
        if self.withdrawn_at is not None:
            return LinkState.WITHDRAWN
        if self.uses >= self.most_uses:
            return LinkState.USED
        return LinkState.EXPIRED if self.expires_at <= now else LinkState.OPEN


def create(tx: sa.Connection, wish: Wish, by: By) -> tuple[int, str]:
    """Id and token of a new link: 256 random bits, given out here and never again.

    Only its SHA-256 is stored; that is enough for a token that nobody can guess.
    """
    return create_many(tx, [wish], by)[0]


def create_many(tx: sa.Connection, wishes: list[Wish], by: By) -> list[tuple[int, str]]:
    """As ``create`` for many, in one statement; ids and tokens in the order of the wishes."""
    if not wishes:
        return []
    tokens = [secrets.token_urlsafe(32) for _ in wishes]
    values = [
        {
            "token_hash": _hash(token),
            "kind": wish.kind,
            "role": wish.role,
            "name": wish.name,
            "full_name": wish.full_name,
            "created_by": by.who,
            "created_at": by.at,
            "expires_at": by.at + wish.lifetime,
            "most_uses": wish.most_uses,
            "uses": 0,
            "course": wish.course,
        }
        for wish, token in zip(wishes, tokens, strict=True)
    ]
    tx.execute(rows.insert(), values)
    hashes = [value["token_hash"] for value in values]
    ids: dict[str, int] = {}
    for start in range(0, len(hashes), 500):  # SQLite's limit on parameters
        part = rows.c.token_hash.in_(hashes[start : start + 500])
        ids |= {row.token_hash: row.id for row in tx.execute(sa.select(rows).where(part))}
    return [(ids[_hash(token)], token) for token in tokens]


def find(tx: sa.Connection, kind: LinkKind, token: str) -> Link | None:
    """The link of that token, whatever its state."""
    return next(iter(_select(tx, rows.c.token_hash == _hash(token), rows.c.kind == kind)), None)


def use(tx: sa.Connection, link: Link) -> bool:
    """Counts one use; False when the last one was taken at the same moment.

    The row itself decides: of two with one use left, one updates it and the other does not.
    """
    taken = tx.execute(
        rows.update()
        .where(
            rows.c.id == link.id,
            rows.c.uses < rows.c.most_uses,
            rows.c.withdrawn_at.is_(None),
        )
        .values(uses=rows.c.uses + 1)
    )
    return taken.rowcount == 1


def lead_into(tx: sa.Connection, link: Link, course: str) -> None:
    """Whoever uses the invitation from now on is a student of that course."""
    tx.execute(rows.update().where(rows.c.id == link.id).values(course=course))


def withdraw(tx: sa.Connection, link: Link, now: datetime) -> bool:
    """Makes it unusable; False when it was already."""
    if link.state(now) is not LinkState.OPEN:
        return False
    tx.execute(rows.update().where(rows.c.id == link.id).values(withdrawn_at=now))
    return True


def withdraw_resets(tx: sa.Connection, name: str, now: datetime) -> None:
    """Makes every reset link of that account unusable that could still be used."""
    tx.execute(
        rows.update()
        .where(
            rows.c.kind == LinkKind.RESET,
            rows.c.name == name,
            rows.c.uses < rows.c.most_uses,
            rows.c.expires_at > now,
            rows.c.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
    )


def listed(
    tx: sa.Connection, *conditions: sa.ColumnElement[bool], limit: int | None = 500
) -> list[Link]:
    """Links that fit all conditions on ``models.links``, newest first."""
    return _select(tx, *conditions, limit=limit)


def _select(
    tx: sa.Connection, *conditions: sa.ColumnElement[bool], limit: int | None = None
) -> list[Link]:
    columns = [rows.c[name] for name in Link.__dataclass_fields__]
    query = sa.select(*columns).where(*conditions).order_by(rows.c.id.desc()).limit(limit)
    return [Link(**_plain(row)) for row in tx.execute(query)]


def _plain(row: Any) -> dict[str, Any]:
    return dict(row._mapping)


def _hash(token: str) -> str:
    return hashlib.sha256(token.strip().encode(errors="replace")).hexdigest()
