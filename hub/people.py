"""The list of people, as somebody who looks after them sees it: one page of it at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub import course_people, reach
from hub.enums import CourseRole, Role, State, Unknown
from hub.models import accounts, courses, homes, members, sessions
from hub.powers import Actor, looked_after, require_people
from hub.reach import Reach

PAGE = 100
"""People on one page."""


@dataclass(frozen=True)
class Search:
    """Whom to show: empty means everybody."""

    text: str = ""
    """Part of the user name or of what they are called."""
    role: Role | None = None
    disabled: bool | None = None
    running: bool = False
    page: int = 1


@dataclass(frozen=True)
class Person:
    """One line of the list."""

    name: str
    full_name: str
    role: Role
    enabled: bool
    invited_by: str | None
    created_at: datetime
    last_seen_at: datetime | None
    """The last login or end of a session; None: never."""
    profile: str | None
    """Of the session that has not ended."""
    state: State | None
    unknown: Unknown | None
    """Why nothing is known of that session at the moment."""
    home_bytes: int | None
    """As measured last; None: not yet, or not for the actor to know."""
    yours: bool = True
    """Whether the actor looks after them; else they are students of a course of theirs, and have
    opened it."""
    courses: tuple[str, ...] = ()
    """Slugs of those that go on, a teacher's own alone."""


@dataclass(frozen=True)
class Found:
    """A page of people, and how many there are in all."""

    people: tuple[Person, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


def find(tx: sa.Connection, actor: Actor, search: Search, now: datetime) -> Found:
    """The people whom the actor sees and who fit the search, by name.

    Raises CarrelError(REFUSED) for whoever looks after nobody.
    """
    require_people(actor)
    conditions = [_of(actor), *_fitting(search)]
    count = sa.select(sa.func.count()).select_from(_with_session).where(*conditions)
    total = tx.scalar(count) or 0
    page = min(max(1, search.page), max(1, -(-total // PAGE)))
    rows = tx.execute(
        sa.select(*_columns)
        .select_from(_with_home)
        .where(*conditions)
        .order_by(accounts.c.name)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    seen = reach.last(tx)
    people = [_person(row, actor, seen, now) for row in rows]
    taken = _courses_of(tx, actor, [person.name for person in people])
    return Found(tuple(replace(p, courses=taken.get(p.name, ())) for p in people), total, page)


def one(tx: sa.Connection, actor: Actor, name: str, now: datetime) -> Person | None:
    """One person, or None when there is none whom the actor sees."""
    rows = tx.execute(
        sa.select(*_columns).select_from(_with_home).where(_of(actor), accounts.c.name == name)
    )
    seen = reach.last(tx)
    found = next((_person(row, actor, seen, now) for row in rows), None)
    return found and replace(found, courses=_courses_of(tx, actor, [name]).get(name, ()))


_active = sa.select(sessions).where(sessions.c.state != State.ENDED).subquery("active")
_with_session = accounts.outerjoin(_active, _active.c.user == accounts.c.name)
_with_home = _with_session.outerjoin(homes, homes.c.name == accounts.c.name)
_last_end = (
    sa.select(sa.func.max(sessions.c.ended_at))
    # Not of whoever had the name before.
    .where(sessions.c.user == accounts.c.name, sessions.c.requested_at >= accounts.c.created_at)
    .correlate(accounts)
    .scalar_subquery()
)
_columns = (
    *(accounts.c[name] for name in ("name", "full_name", "role", "invited_by", "created_at")),
    accounts.c.disabled_at,
    accounts.c.last_login_at,
    _last_end.label("last_end"),
    _active.c.profile,
    _active.c.state,
    _active.c.paused_at,
    homes.c.size_bytes,
)


def _of(actor: Actor) -> sa.ColumnElement[bool]:
    """``powers.sees`` as a condition; of those whom others put into a course it asks more: until
    they have opened it nothing is told of them (hub.course_people)."""
    mine = looked_after(actor, accounts)
    if actor.sees_everybody or actor.role is not Role.TEACHER:
        return mine
    taught = sa.exists().where(
        members.c.user == accounts.c.name,
        members.c.role == CourseRole.STUDENT,
        members.c.course.in_(_taught_by(actor)),
        course_people.came,
    )
    return mine | ((accounts.c.role == Role.STUDENT) & taught)


def _taught_by(actor: Actor) -> sa.Select[tuple[str]]:
    mine = members.alias("mine")
    return (
        sa.select(mine.c.course)
        .join(courses, courses.c.slug == mine.c.course)
        .where(
            mine.c.user == actor.name,
            mine.c.role == CourseRole.TEACHER,
            courses.c.archived_at.is_(None),
        )
    )


def _courses_of(tx: sa.Connection, actor: Actor, names: list[str]) -> dict[str, tuple[str, ...]]:
    query = (
        sa.select(members.c.user, members.c.course)
        .join(courses, courses.c.slug == members.c.course)
        .where(members.c.user.in_(names), courses.c.archived_at.is_(None))
        .order_by(members.c.course)
    )
    if not actor.sees_everybody:
        query = query.where(members.c.course.in_(_taught_by(actor)))
    found: dict[str, tuple[str, ...]] = {}
    for row in tx.execute(query):
        found[row.user] = (*found.get(row.user, ()), row.course)
    return found


def _fitting(search: Search) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if text := search.text.strip():
        conditions.append(
            accounts.c.name.icontains(text, autoescape=True)
            | accounts.c.full_name.icontains(text, autoescape=True)
        )
    if search.role:
        conditions.append(accounts.c.role == search.role)
    if search.disabled is not None:
        set_ = accounts.c.disabled_at.is_not(None)
        conditions.append(set_ if search.disabled else ~set_)
    if search.running:
        conditions.append(_active.c.id.is_not(None))
    return conditions


def _person(row: Any, actor: Actor, found: Reach | None, now: datetime) -> Person:
    yours = actor.sees_everybody or row.invited_by == actor.name
    seen = [moment for moment in (row.last_login_at, row.last_end) if moment]
    return Person(
        name=row.name,
        full_name=row.full_name,
        role=row.role,
        enabled=row.disabled_at is None,
        invited_by=row.invited_by if yours else None,
        created_at=row.created_at,
        last_seen_at=max(seen, default=None),
        profile=row.profile,
        state=row.state,
        unknown=reach.why(row.state, row.paused_at, found, now),
        home_bytes=row.size_bytes if yours else None,
        yours=yours,
    )
