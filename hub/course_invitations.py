"""Invitations that lead into a course: what their page says of it, and what becomes of whoever has
an account already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hub import accounts, audit, course_people, courses, invitations, links, members
from hub.audit import Action, By
from hub.courses import Course
from hub.enums import LinkKind
from hub.links import Link
from spawner.errors import CarrelError, Code


@dataclass(frozen=True)
class Told:
    """What an invitation is for."""

    link: Link
    title: str = ""
    """Of the course that it leads into; empty: none, or it does not lead there any more."""
    teachers: tuple[str, ...] = ()
    """What they are called."""


def look(tx: sa.Connection, token: str, now: datetime) -> Told:
    """What the invitation is for; uses nothing up.

    Raises CarrelError(REFUSED) as ``invitations.find_usable``.
    """
    link = invitations.find_usable(tx, token, now)
    course = _course(tx, link)
    if course is None:
        return Told(link)
    return Told(link, course.title, tuple(course_people.teachers(tx, course.slug)))


def join(tx: sa.Connection, token: str, name: str, by: By) -> str:
    """Makes somebody with an account a student of the invitation's course; its slug.

    Counts one use, unless they are in the course already. Raises CarrelError: REFUSED for the
    invitation and for an account that is disabled, NOT_FOUND where it leads into no course.
    """
    link = invitations.find_usable(tx, token, by.at)
    course = _course(tx, link)
    if course is None:
        raise CarrelError(
            Code.NOT_FOUND,
            "This invitation leads into no course.",
            "Ask whoever sent it for the course's link.",
        )
    account = accounts.require_enabled(tx, name)
    if courses.seat_of(tx, course.slug, account.name):
        return course.slug
    if not links.use(tx, link):
        raise invitations.used_up(link)
    told = f"of {link.created_by}, no. {link.id}"
    audit.record(tx, by, Action.INVITATION_USED, account.name, told)
    members.add_students(tx, course, [account.name], by)
    return course.slug


def led_into(tx: sa.Connection, token: str, name: str) -> str | None:
    """The course of this invitation, usable or not, if that person is in it."""
    link = links.find(tx, LinkKind.INVITATION, token)
    if link is None or link.course is None or not courses.seat_of(tx, link.course, name):
        return None
    return link.course


def _course(tx: sa.Connection, link: Link) -> Course | None:
    """Where it leads now; ``link`` is one that can be used."""
    if link.course is None:
        return None
    return members.led_into(tx, link.course, invitations.maker_if_person(tx, link))
