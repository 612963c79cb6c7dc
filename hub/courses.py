"""Courses: made, changed, archived, restored, listed. Who is in them is ``members``' subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub import audit, course_names, course_powers
from hub.audit import Action, By
from hub.enums import CourseRole, Joining
from hub.models import courses as rows
from hub.models import members, versions
from hub.powers import Actor
from spawner.errors import CarrelError, Code


@dataclass(frozen=True)
class Course:
    """A course as it is on record."""

    slug: str
    title: str
    description: str
    created_by: str
    created_at: datetime
    archived_at: datetime | None
    joining: Joining
    code: str
    default_profile: str | None

    @property
    def archived(self) -> bool:
        return self.archived_at is not None


@dataclass(frozen=True)
class Wish:
    """What a course is to be; each field is made proper or refused."""

    title: str
    description: str = ""
    joining: Joining = Joining.OPEN
    profile: str | None = None
    """Of the site (``course_profiles.checked``); empty: what the site proposes; None: as it is."""


@dataclass(frozen=True)
class Listed:
    """A course on somebody's list."""

    course: Course
    seat: CourseRole | None
    """What they are in it; None: an administrator sees it."""
    students: int
    version: int | None
    """The newest of its materials."""


def make(tx: sa.Connection, actor: Actor, slug: str, wish: Wish, by: By) -> Course:
    """A new course with the actor as its teacher, if that is a person.

    Raises CarrelError: REFUSED for students, BAD_INPUT, CONFLICT for a slug that is or was
    another's or looks like it.
    """
    course_powers.require_make(actor)
    slug = course_names.slug(slug)
    _require_free(tx, slug)
    tx.execute(
        rows.insert().values(
            slug=slug,
            title=course_names.title(wish.title),
            description=course_names.description(wish.description),
            created_by=by.who,
            created_at=by.at,
            joining=wish.joining,
            code=course_names.new_code(),
            default_profile=wish.profile or None,
        )
    )
    if audit.is_person(actor.name):
        seat = {"role": CourseRole.TEACHER, "since": by.at, "by": by.who}
        tx.execute(members.insert().values(course=slug, user=actor.name, **seat))
    audit.record(tx, by, Action.COURSE_MADE, None, slug)
    return require(tx, slug)


def change(tx: sa.Connection, actor: Actor, slug: str, wish: Wish, by: By) -> bool:
    """Gives the course another title, description, way of joining or profile; whether that is news.

    Raises CarrelError: as ``managed``, CONFLICT for one that is archived, BAD_INPUT.
    """
    course = managed(tx, actor, slug)
    require_open(course)
    wanted: dict[str, Any] = {
        "title": course_names.title(wish.title),
        "description": course_names.description(wish.description),
        "joining": wish.joining,
    }
    if wish.profile is not None:
        wanted["default_profile"] = wish.profile or None
    changed = {key: value for key, value in wanted.items() if getattr(course, key) != value}
    if not changed:
        return False
    _set(tx, course, **changed)
    audit.record(tx, by, Action.COURSE_CHANGED, None, f"{course.slug}: {_told(changed)}")
    return True


def _told(changed: dict[str, Any]) -> str:
    """What changed, for the record: texts by their names, choices with what was chosen."""
    words: list[str] = [key for key in ("title", "description") if key in changed]
    if "joining" in changed:
        words.append(f"joining {changed['joining'].value}")
    if "default_profile" in changed:
        words.append(f"profile {changed['default_profile'] or 'of the site'}")
    return ", ".join(words)


def renew_code(tx: sa.Connection, actor: Actor, slug: str, by: By) -> str:
    """A new joining code; the old one opens nothing any more. Raises CarrelError as ``change``."""
    course = managed(tx, actor, slug)
    require_open(course)
    code = course_names.new_code()
    _set(tx, course, code=code)
    audit.record(tx, by, Action.COURSE_CODE_RENEWED, None, course.slug)
    return code


def archive(tx: sa.Connection, actor: Actor, slug: str, by: By) -> bool:
    """Lets nobody join and nothing change; whether that is news.

    Raises CarrelError as ``managed``.
    """
    course = managed(tx, actor, slug)
    if course.archived:
        return False
    _set(tx, course, archived_at=by.at)
    audit.record(tx, by, Action.COURSE_ARCHIVED, None, course.slug)
    return True


def restore(tx: sa.Connection, actor: Actor, slug: str, by: By) -> bool:
    """Undoes ``archive``; whether that is news. Raises CarrelError as ``managed``."""
    course = managed(tx, actor, slug)
    if not course.archived:
        return False
    _set(tx, course, archived_at=None)
    audit.record(tx, by, Action.COURSE_RESTORED, None, course.slug)
    return True


def find(tx: sa.Connection, slug: str) -> Course | None:
    """The course of that slug, however it is spelled; None also for what can be no slug."""
    try:
        slug = course_names.slug(slug)
    except CarrelError:
        return None
    row = tx.execute(sa.select(rows).where(rows.c.slug == slug)).one_or_none()
    return Course(**row._mapping) if row else None


def require(tx: sa.Connection, slug: str) -> Course:
    """As ``find``; raises CarrelError(NOT_FOUND) when there is none."""
    course = find(tx, slug)
    if course is None:
        raise course_powers.not_taught(course_names.slug(slug))
    return course


def seat_of(tx: sa.Connection, slug: str, name: str) -> CourseRole | None:
    """What somebody is in a course; None: nothing."""
    query = sa.select(members.c.role).where(members.c.course == slug, members.c.user == name)
    return tx.execute(query).scalar_one_or_none()


def managed(tx: sa.Connection, actor: Actor, slug: str) -> Course:
    """The course, for somebody who may change it.

    Raises CarrelError: NOT_FOUND for what is not there or not theirs, REFUSED for its students.
    """
    course = require(tx, slug)
    course_powers.require_manage(actor, seat_of(tx, course.slug, actor.name), course.slug)
    return course


def seen(tx: sa.Connection, actor: Actor, slug: str) -> tuple[Course, CourseRole | None]:
    """The course and the actor's seat in it, for whoever is in it or manages it.

    Raises CarrelError(NOT_FOUND) for all others.
    """
    course = require(tx, slug)
    seat = seat_of(tx, course.slug, actor.name)
    if seat is None and not course_powers.manages(actor, seat):
        raise course_powers.not_taught(course.slug)
    return course, seat


def require_open(course: Course) -> None:
    """Raises CarrelError(CONFLICT) for a course that is archived."""
    if course.archived:
        raise CarrelError(
            Code.CONFLICT, f"{course.title} is archived.", "A teacher of it can restore it first."
        )


def listed(tx: sa.Connection, actor: Actor) -> list[Listed]:
    """Courses that the actor is in, an administrator all; those that go on first, by title."""
    mine = sa.select(members).where(members.c.user == actor.name).subquery("mine")
    students = (
        sa.select(sa.func.count())
        .where(members.c.course == rows.c.slug, members.c.role == CourseRole.STUDENT)
        .correlate(rows)
        .scalar_subquery()
    )
    newest = (
        sa.select(sa.func.max(versions.c.number))
        .where(versions.c.course == rows.c.slug)
        .correlate(rows)
        .scalar_subquery()
    )
    query = sa.select(
        rows, mine.c.role.label("seat"), students.label("students"), newest.label("version")
    ).select_from(rows.outerjoin(mine, mine.c.course == rows.c.slug))
    if not actor.sees_everybody:
        query = query.where(mine.c.role.is_not(None))
    order = (rows.c.archived_at.is_not(None), sa.func.lower(rows.c.title), rows.c.slug)
    return [_listed(row) for row in tx.execute(query.order_by(*order))]


def _listed(row: Any) -> Listed:
    values = {key: row._mapping[key] for key in Course.__dataclass_fields__}
    return Listed(Course(**values), row.seat, row.students, row.version)


def _require_free(tx: sa.Connection, slug: str) -> None:
    wanted = course_names.skeleton(slug)
    for other in tx.scalars(sa.select(rows.c.slug)):
        if other == slug:
            raise CarrelError(
                Code.CONFLICT,
                f"The short name {slug} is taken.",
                "Choose another, for instance with the year in it; names of archived courses stay "
                "taken.",
            )
        if course_names.skeleton(other) == wanted:
            raise CarrelError(
                Code.CONFLICT,
                f"The short name {slug} looks like that of another course.",
                "Choose one that nobody takes for it.",
            )


def _set(tx: sa.Connection, course: Course, **values: Any) -> None:
    tx.execute(rows.update().where(rows.c.slug == course.slug).values(**values))
