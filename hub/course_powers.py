"""Who may do what in which course (pure).

Administrators: everything. Teachers: make courses, and manage those that they teach; all teachers
of one are equal. Everybody: join what is open to them, and leave.
"""

from __future__ import annotations

from hub.accounts import Account
from hub.enums import CourseRole, Role
from hub.powers import Actor
from spawner.errors import CarrelError, Code

TEACHING = frozenset({Role.TEACHER, Role.ADMIN})
"""Roles of accounts that may teach a course."""


def makes_courses(actor: Actor) -> bool:
    return actor.role in TEACHING


def require_make(actor: Actor) -> None:
    """Raises CarrelError(REFUSED) for students."""
    if not makes_courses(actor):
        raise CarrelError(
            Code.REFUSED,
            "Courses are made by teachers.",
            "Ask your administrator if you teach one.",
        )


def manages(actor: Actor, seat: CourseRole | None) -> bool:
    """Whether the actor may change the course; ``seat`` is what they are in it.

    Somebody whose account is a student's teaches nothing, whatever they once were.
    """
    if actor.sees_everybody:
        return True
    return actor.role in TEACHING and seat is CourseRole.TEACHER


def require_manage(actor: Actor, seat: CourseRole | None, slug: str) -> None:
    """Raises CarrelError: REFUSED for its students, NOT_FOUND for everybody else, as for a course
    that there is not."""
    if manages(actor, seat):
        return
    if seat is not None:
        raise CarrelError(
            Code.REFUSED, "This is for the teachers of the course.", "Ask one of them."
        )
    raise not_taught(slug)


def require_teaching(account: Account | None, name: str) -> Account:
    """Somebody who may teach a course. Raises CarrelError(REFUSED).

    The same for a student and for nobody: which students there are is told to nobody.
    """
    if account is None or account.role not in TEACHING:
        raise CarrelError(
            Code.REFUSED,
            f"There is no teacher {name}.",
            "A course is taught by accounts of teachers; an administrator invites them.",
        )
    return account


def not_taught(slug: str) -> CarrelError:
    """What is said of a course that the actor may know nothing about."""
    return CarrelError(
        Code.NOT_FOUND,
        f"There is no course {slug} among yours.",
        "The page Courses shows them all.",
    )


def not_here() -> CarrelError:
    """What is said at the door of a course that there is not, that is closed or that is over: the
    same, so that nobody learns which courses there are."""
    return CarrelError(
        Code.NOT_FOUND,
        "There is no course here that you can join.",
        "Ask whoever gave you this link: a teacher of the course can add you.",
    )
