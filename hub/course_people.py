"""The people of a course as its teachers see them, and how far their copies are.

Name, role, last seen, last session, version of the copy and its sums: never a home, a token,
another course.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.enums import CourseRole, State
from hub.models import accounts as account_rows
from hub.models import copies, sessions
from hub.models import members as rows


@dataclass(frozen=True)
class Member:
    """Somebody in a course, as its teachers see them."""

    name: str
    full_name: str
    role: CourseRole
    enabled: bool
    since: datetime
    last_seen_at: datetime | None
    """The last login or end of a session; None: never."""
    last_ended_at: datetime | None
    """The end of the last session."""
    running: bool
    """Whether a session has not ended."""
    version: int | None
    """Of the materials in their copy; None: never opened."""
    up_to_date: int | None
    """Files of the copy that are as published, and those where the student's own stand."""
    kept: int | None


@dataclass(frozen=True)
class Sums:
    """What became of a course's newest version, counted over its students."""

    newest: int
    up_to_date: int
    behind: int
    not_opened: int
    kept: int
    """How many hold own versions of some files."""


def teachers(tx: sa.Connection, slug: str) -> list[str]:
    """What the teachers of a course are called, by name."""
    query = (
        sa.select(account_rows.c.full_name, account_rows.c.name)
        .join(rows, rows.c.user == account_rows.c.name)
        .where(rows.c.course == slug, rows.c.role == CourseRole.TEACHER)
        .order_by(account_rows.c.name)
    )
    return [row.full_name or row.name for row in tx.execute(query)]


def of_course(tx: sa.Connection, slug: str) -> list[Member]:
    """Everybody in a course: teachers first, then by what they are called."""
    query = (
        sa.select(*_columns)
        .select_from(_joined)
        .where(rows.c.course == slug)
        .order_by(
            rows.c.role != CourseRole.TEACHER,
            sa.func.lower(
                sa.func.coalesce(sa.func.nullif(account_rows.c.full_name, ""), account_rows.c.name)
            ),
            account_rows.c.name,
        )
    )
    return [_member(row) for row in tx.execute(query)]


def sums(people: list[Member], newest: int) -> Sums:
    """How far the students are with version ``newest`` (pure)."""
    students = [one for one in people if one.role is CourseRole.STUDENT]
    opened = [one for one in students if one.version is not None]
    current = [one for one in opened if (one.version or 0) >= newest]
    return Sums(
        newest=newest,
        up_to_date=len(current),
        behind=len(opened) - len(current),
        not_opened=len(students) - len(opened),
        kept=sum(1 for one in opened if one.kept),
    )


_last_end = (
    sa.select(sa.func.max(sessions.c.ended_at))
    # Not of whoever had the name before.
    .where(
        sessions.c.user == account_rows.c.name,
        sessions.c.requested_at >= account_rows.c.created_at,
    )
    .correlate(account_rows)
    .scalar_subquery()
)
_active = sa.exists().where(sessions.c.user == account_rows.c.name, sessions.c.state != State.ENDED)
_joined = rows.join(account_rows, account_rows.c.name == rows.c.user).outerjoin(
    copies, (copies.c.course == rows.c.course) & (copies.c.user == rows.c.user)
)
_columns = (
    *(account_rows.c[name] for name in ("name", "full_name", "disabled_at", "last_login_at")),
    rows.c.role,
    rows.c.since,
    _last_end.label("last_end"),
    _active.label("running"),
    *(copies.c[name] for name in ("version", "up_to_date", "kept")),
)


def _member(row: Any) -> Member:
    seen = [moment for moment in (row.last_login_at, row.last_end) if moment]
    return Member(
        name=row.name,
        full_name=row.full_name,
        role=row.role,
        enabled=row.disabled_at is None,
        since=row.since,
        last_seen_at=max(seen, default=None),
        last_ended_at=row.last_end,
        running=bool(row.running),
        version=row.version,
        up_to_date=row.up_to_date,
        kept=row.kept,
    )
