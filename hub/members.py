"""Who is in a course: joins, is added, leaves, is removed; ``course_people`` lists them."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from hub import accounts, audit, course_names, course_people, course_powers, courses
from hub.accounts import Account
from hub.audit import Action, By
from hub.courses import Course
from hub.enums import CourseRole, Joining
from hub.models import accounts as account_rows
from hub.models import members as rows
from hub.powers import Actor
from spawner.errors import CarrelError, Code
from spawner.names import canonical


@dataclass(frozen=True)
class Door:
    """A course as somebody finds it at its link."""

    course: Course
    seat: CourseRole | None
    teachers: tuple[str, ...]
    """What they are called."""


def at_door(tx: sa.Connection, actor: Actor, slug: str) -> Door:
    """What a link to the course shows to the actor.

    Raises CarrelError(NOT_FOUND) for whoever is not in it and cannot join, whatever the reason.
    """
    course = courses.find(tx, slug)
    if course is None:
        raise course_powers.not_here()
    seat = courses.seat_of(tx, course.slug, actor.name)
    if seat is None and not _joinable(course):
        raise course_powers.not_here()
    return Door(course, seat, tuple(course_people.teachers(tx, course.slug)))


def join(tx: sa.Connection, actor: Actor, slug: str, code: str, by: By) -> bool:
    """Makes the actor a student of the course; False when they are in it already.

    Raises CarrelError: NOT_FOUND as ``at_door``, REFUSED for a wrong code.
    """
    course = courses.find(tx, slug)
    if course is None:
        raise course_powers.not_here()
    if courses.seat_of(tx, course.slug, actor.name):
        return False
    if not _joinable(course):
        raise course_powers.not_here()
    if course.joining is Joining.CODE and not course_names.same_code(course.code, code):
        raise CarrelError(
            Code.REFUSED,
            "This is not the course's code." if code.strip() else "This course asks for a code.",
            "Its teacher has it; the code may have been renewed.",
        )
    accounts.require_enabled(tx, actor.name)
    _seat(tx, course, actor.name, CourseRole.STUDENT, by)
    audit.record(tx, by, Action.COURSE_JOINED, actor.name, f"{course.slug}: {course.joining.value}")
    return True


def add_teacher(tx: sa.Connection, actor: Actor, slug: str, name: str, by: By) -> bool:
    """Makes somebody a teacher of the course; whether that is news.

    Raises CarrelError: as ``courses.managed``, CONFLICT for an archived course, REFUSED for whoever
    is no teacher here.
    """
    course = courses.managed(tx, actor, slug)
    courses.require_open(course)
    account = course_powers.require_teaching(accounts.find(tx, name), canonical(name))
    if courses.seat_of(tx, course.slug, account.name) is CourseRole.TEACHER:
        return False
    _seat(tx, course, account.name, CourseRole.TEACHER, by)
    told = f"{course.slug}: {CourseRole.TEACHER.value}"
    audit.record(tx, by, Action.MEMBER_ADDED, account.name, told)
    return True


def add_students(tx: sa.Connection, course: Course, names: list[str], by: By) -> None:
    """Makes people who are not in it students; the caller has asked what that needs."""
    if not names:
        return
    seat = {"course": course.slug, "role": CourseRole.STUDENT, "since": by.at, "by": by.who}
    tx.execute(rows.insert(), [seat | {"user": name} for name in names])
    told = f"{course.slug}: {CourseRole.STUDENT.value}"
    audit.record_many(tx, by, Action.MEMBER_ADDED, [(name, told) for name in names])


def led_into(tx: sa.Connection, slug: str, maker: Account | None) -> Course | None:
    """The course that an invitation leads into; ``maker`` made it (None: the command line).

    None where the course is archived by now, or they teach it no more: a link outlives no power
    that it stands on.
    """
    course = courses.find(tx, slug)
    if course is None or course.archived:
        return None
    if maker and not course_powers.manages(
        Actor.of(maker), courses.seat_of(tx, course.slug, maker.name)
    ):
        return None
    return course


def seat_invited(
    tx: sa.Connection, slug: str, account: Account, maker: Account | None, by: By
) -> bool:
    """Makes whoever came by an invitation into the course its student, where it still leads there;
    whether they are now."""
    course = led_into(tx, slug, maker)
    if course is None:
        return False
    add_students(tx, course, [account.name], by)
    return True


def leave(tx: sa.Connection, actor: Actor, slug: str, by: By) -> None:
    """Takes the actor out of a course. Raises CarrelError: NOT_FOUND, REFUSED as ``remove``."""
    course = courses.find(tx, slug)
    seat = courses.seat_of(tx, course.slug, actor.name) if course else None
    if course is None or seat is None:
        raise course_powers.not_here()
    _take_out(tx, course, actor.name, seat)
    audit.record(tx, by, Action.COURSE_LEFT, actor.name, course.slug)


def remove(tx: sa.Connection, actor: Actor, slug: str, name: str, by: By) -> bool:
    """Takes somebody out of a course; False when they are not in it.

    Raises CarrelError: as ``courses.managed``, REFUSED for the last teacher.
    """
    course = courses.managed(tx, actor, slug)
    name = canonical(name)
    seat = courses.seat_of(tx, course.slug, name)
    if seat is None:
        return False
    _take_out(tx, course, name, seat)
    audit.record(tx, by, Action.MEMBER_REMOVED, name, f"{course.slug}: {seat.value}")
    return True


def _joinable(course: Course) -> bool:
    return not course.archived and course.joining is not Joining.CLOSED


def _seat(tx: sa.Connection, course: Course, name: str, role: CourseRole, by: By) -> None:
    tx.execute(rows.delete().where(rows.c.course == course.slug, rows.c.user == name))
    values = {"role": role, "since": by.at, "by": by.who}
    tx.execute(rows.insert().values(course=course.slug, user=name, **values))


def _take_out(tx: sa.Connection, course: Course, name: str, seat: CourseRole) -> None:
    if seat is CourseRole.TEACHER and _teaching(tx, course.slug) == {name}:
        raise CarrelError(
            Code.REFUSED,
            f"{name} is the only teacher of {course.title}.",
            "Add another one first, or archive the course.",
        )
    tx.execute(rows.delete().where(rows.c.course == course.slug, rows.c.user == name))


def _teaching(tx: sa.Connection, slug: str) -> set[str]:
    """Names of the teachers who can still act as such."""
    query = (
        sa.select(account_rows.c.name)
        .join(rows, rows.c.user == account_rows.c.name)
        .where(
            rows.c.course == slug,
            rows.c.role == CourseRole.TEACHER,
            account_rows.c.disabled_at.is_(None),
            account_rows.c.role.in_(course_powers.TEACHING),
        )
    )
    return set(tx.scalars(query))
