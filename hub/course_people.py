"""The people of a course as its teachers see them, and how far their copies are.

Name, role, last seen, last session, version of the copy and its sums: never a home, a token,
another course. Of somebody whom others put in, the user name alone, until they have opened the
course themselves: a list of guessed names must not tell what people are called and when they came.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa

from hub import audit, powers
from hub.enums import CourseRole, State
from hub.models import accounts as account_rows
from hub.models import copies, sessions
from hub.models import members as rows
from hub.powers import Actor

PAGE = 100
"""People on one page."""


class Sort(Enum):
    """What comes first on the list."""

    NAME = "name"
    """Teachers, then by what people are called."""
    SESSION = "session"
    """Who is in a session, then whose last one ended last."""
    VERSION = "version"
    """Who has not opened the course, then who is furthest behind."""


@dataclass(frozen=True)
class Search:
    """Whom to show: empty means everybody."""

    text: str = ""
    """Part of the user name or of what they are called."""
    sort: Sort = Sort.NAME
    page: int = 1


@dataclass(frozen=True)
class Member:
    """Somebody in a course, as its teachers see them."""

    name: str
    full_name: str
    role: CourseRole
    came: bool
    """Whether they have opened the course, or came in, themselves."""
    enabled: bool | None
    """None: not for the actor to know, as with times that are None."""
    since: datetime
    last_seen_at: datetime | None
    """The last login, end of a session or opening of the course since they are in it; None: never.
    """
    last_ended_at: datetime | None
    """The end of the last session that began in their time in the course."""
    running: bool
    """Whether such a session has not ended."""
    version: int | None
    """Of the materials in their copy; None: never opened."""
    up_to_date: int | None
    """Files of the copy that are as published, and those where the student's own stand."""
    kept: int | None


@dataclass(frozen=True)
class Found:
    """A page of people, and how many fit the search in all."""

    people: tuple[Member, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


def teachers(tx: sa.Connection, slug: str) -> list[str]:
    """What the teachers of a course are called, by name."""
    query = (
        sa.select(account_rows.c.full_name, account_rows.c.name)
        .join(rows, rows.c.user == account_rows.c.name)
        .where(rows.c.course == slug, rows.c.role == CourseRole.TEACHER)
        .order_by(account_rows.c.name)
    )
    return [row.full_name or row.name for row in tx.execute(query)]


def find(tx: sa.Connection, actor: Actor, slug: str, search: Search) -> Found:
    """One page of the people in a course, as the actor, who manages it, may see them."""
    known = _known(actor)
    conditions = [rows.c.course == slug]
    if text := search.text.strip():
        conditions.append(
            account_rows.c.name.icontains(text, autoescape=True)
            | (_named(known) & account_rows.c.full_name.icontains(text, autoescape=True))
        )
    total = tx.scalar(sa.select(sa.func.count()).select_from(joined).where(*conditions)) or 0
    page = min(max(1, search.page), max(1, -(-total // PAGE)))
    query = _listing(known, search.sort).where(*conditions).limit(PAGE).offset((page - 1) * PAGE)
    return Found(tuple(_member(row) for row in tx.execute(query)), total, page)


def of_course(tx: sa.Connection, slug: str) -> list[Member]:
    """Everybody in a course, with all that is on record: for whoever runs Carrel."""
    query = _listing(sa.true(), Sort.NAME).where(rows.c.course == slug)
    return [_member(row) for row in tx.execute(query)]


_reports = copies.alias("reports")
came: sa.ColumnElement[bool] = (
    (rows.c.by == rows.c.user)
    | (rows.c.by == audit.INVITED)
    | sa.exists().where(
        _reports.c.course == rows.c.course,
        _reports.c.user == rows.c.user,
        # Not in an earlier time in the course, which they have left.
        _reports.c.at >= rows.c.since,
    )
)
"""Of a row of members: whether they joined, used an invitation, or opened the course."""


def _known(actor: Actor) -> sa.ColumnElement[bool]:
    """Whether the actor may see more than the name that was typed: also of whom they look after
    anyway, and of themselves."""
    return came | powers.looked_after(actor, account_rows) | (account_rows.c.name == actor.name)


def _named(known: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    # What its teachers are called stands on every page of a course.
    return known | (rows.c.role == CourseRole.TEACHER)


joined = rows.join(account_rows, account_rows.c.name == rows.c.user).outerjoin(
    copies, (copies.c.course == rows.c.course) & (copies.c.user == rows.c.user)
)
_in_their_time = (
    sessions.c.user == account_rows.c.name,
    # Not of whoever had the name before, and not from before they were in the course.
    sessions.c.requested_at >= account_rows.c.created_at,
    sessions.c.requested_at >= rows.c.since,
)
_last_end = (
    sa.select(sa.func.max(sessions.c.ended_at))
    .where(*_in_their_time)
    .correlate(account_rows, rows)
    .scalar_subquery()
)
_active = (
    sa.exists()
    .where(*_in_their_time, sessions.c.state != State.ENDED)
    .correlate(account_rows, rows)
)
_columns = (
    *(account_rows.c[name] for name in ("name", "full_name", "disabled_at", "last_login_at")),
    *(rows.c[name] for name in ("role", "since", "by")),
    came.label("came"),
    _last_end.label("last_end"),
    _active.label("running"),
    *(copies.c[name] for name in ("version", "up_to_date", "kept")),
    copies.c.at.label("reported_at"),
)


def _listing(known: sa.ColumnElement[bool], sort: Sort) -> sa.Select[Any]:
    # What is not shown orders nothing either: its place on the list would tell it.
    shown = sa.case(
        (_named(known) & (account_rows.c.full_name != ""), account_rows.c.full_name),
        else_=account_rows.c.name,
    )
    by_name = (sa.func.lower(shown), account_rows.c.name)
    ended = sa.case((known, _last_end))
    order: tuple[Any, ...]
    match sort:
        case Sort.NAME:
            order = (rows.c.role != CourseRole.TEACHER, *by_name)
        case Sort.SESSION:
            running = sa.case((known & _active, 0), else_=1)
            order = (running, ended.is_(None), ended.desc(), *by_name)
        case Sort.VERSION:
            order = (sa.case((came, sa.func.coalesce(copies.c.version, 0)), else_=0), *by_name)
    return (
        sa.select(*_columns, known.label("known"), _named(known).label("named"))
        .select_from(joined)
        .order_by(*order)
    )


def _member(row: Any) -> Member:
    known, reported = bool(row.known), bool(row.came) and row.version is not None
    seen = [row.last_end]
    if row.last_login_at and row.last_login_at >= row.since:
        seen.append(row.last_login_at)
    if row.came:
        seen.append(row.reported_at)
        # Who came in by themselves was here at that moment.
        seen.append(row.since if row.by in (row.name, audit.INVITED) else None)
    return Member(
        name=row.name,
        full_name=row.full_name if row.named else "",
        role=row.role,
        came=bool(row.came),
        enabled=row.disabled_at is None if known else None,
        since=row.since,
        last_seen_at=max(filter(None, seen), default=None) if known else None,
        last_ended_at=row.last_end if known else None,
        running=known and bool(row.running),
        version=row.version if reported else None,
        up_to_date=row.up_to_date if reported else None,
        kept=row.kept if reported else None,
    )
