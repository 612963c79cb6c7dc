"""A class list for a course: who has an account becomes a student of it, the others are invited.

Accounts of teachers and administrators are left alone, so that no list makes them anybody's
students.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub import audit, courses, invitations, links, members, moments, powers, rosters
from hub.audit import Action, By
from hub.courses import Course
from hub.enums import LinkKind, LinkState, Role
from hub.links import Link, Wish
from hub.models import accounts
from hub.models import links as link_rows
from hub.models import members as member_rows
from hub.powers import Actor
from hub.roster import Entry, Roster


@dataclass(frozen=True)
class Into:
    """Which course, and how long the invitations live."""

    slug: str
    lifetime: timedelta


@dataclass(frozen=True)
class Plan:
    """What becomes of each on the list."""

    new: tuple[Entry, ...]
    """Get an invitation into the course."""
    joining: tuple[Entry, ...]
    """Have an account, and are students of the course now."""
    led: tuple[Entry, ...]
    """Have the actor's invitation, which leads into the course now."""
    there: tuple[tuple[Entry, str], ...]
    """Stay as they are, and why."""


@dataclass(frozen=True)
class Added:
    """What came of it: a token for each of the new."""

    tokens: tuple[tuple[Entry, str], ...]
    plan: Plan


def preview(tx: sa.Connection, actor: Actor, slug: str, listed: Roster, now: datetime) -> Plan:
    """What would become of the list now. Raises CarrelError as ``add``, but for its lines."""
    return _plan(tx, actor, _asked(tx, actor, slug), listed, now)[0]


def add(tx: sa.Connection, actor: Actor, into: Into, listed: Roster, by: By) -> Added:
    """Puts the list into the course: all of it, or nobody.

    Raises CarrelError: as ``courses.managed``, CONFLICT for an archived course, BAD_INPUT while a
    line has a problem.
    """
    course = _asked(tx, actor, into.slug)
    rosters.require_sound(listed)
    plan, open_ = _plan(tx, actor, course, listed, by.at)
    members.add_students(tx, course, [entry.name for entry in plan.joining], by)
    for entry in plan.led:
        links.lead_into(tx, open_[entry.name], course.slug)
    wishes = [
        Wish(
            LinkKind.INVITATION,
            into.lifetime,
            Role.STUDENT,
            e.name,
            e.full_name,
            course=course.slug,
        )
        for e in plan.new
    ]
    made = links.create_many(tx, wishes, by)
    until = f"student, until {moments.spelled(by.at + into.lifetime)}, into {course.slug}"
    led = f"the open invitation leads into {course.slug}"
    about = [(e.name, until) for e in plan.new] + [(e.name, led) for e in plan.led]
    audit.record_many(tx, by, Action.INVITED, about)
    tokens = [(entry, token) for entry, (_, token) in zip(plan.new, made, strict=True)]
    return Added(tuple(tokens), plan)


def _asked(tx: sa.Connection, actor: Actor, slug: str) -> Course:
    course = courses.managed(tx, actor, slug)
    powers.require_invite(actor, Role.STUDENT)
    courses.require_open(course)
    return course


def _plan(
    tx: sa.Connection, actor: Actor, course: Course, listed: Roster, now: datetime
) -> tuple[Plan, dict[str, Link]]:
    """The plan, and the open invitations of those on it by name."""
    names = [entry.name for entry in listed.entries]
    known = rosters.known(tx, names, now)
    roles, seated, open_ = _roles(tx, names), _seated(tx, course, names), _open(tx, names, now)
    new, joining, led, there = [], [], [], []
    for entry in listed.entries:
        link = open_.get(entry.name)
        if entry.name in seated:
            there.append((entry, "is in the course already"))
        elif role := roles.get(entry.name):
            if role is Role.STUDENT:
                joining.append(entry)
            else:
                there.append((entry, "is no student here, and can join by the course's link"))
        elif link and link.course == course.slug:
            there.append((entry, "is invited into the course already"))
        elif link and link.created_by == actor.name and link.course is None:
            led.append(entry)
        elif entry.name in known:
            there.append((entry, f"{known[entry.name]}: give them the course's link"))
        else:
            new.append(entry)
    return Plan(tuple(new), tuple(joining), tuple(led), tuple(there)), open_


def _roles(tx: sa.Connection, names: list[str]) -> dict[str, Role]:
    found: dict[str, Role] = {}
    for part in rosters.in_parts(names):
        query = sa.select(accounts.c.name, accounts.c.role).where(accounts.c.name.in_(part))
        found |= {row.name: row.role for row in tx.execute(query)}
    return found


def _seated(tx: sa.Connection, course: Course, names: list[str]) -> set[str]:
    found: set[str] = set()
    for part in rosters.in_parts(names):
        query = sa.select(member_rows.c.user).where(
            member_rows.c.course == course.slug, member_rows.c.user.in_(part)
        )
        found |= set(tx.scalars(query))
    return found


def _open(tx: sa.Connection, names: list[str], now: datetime) -> dict[str, Link]:
    """Invitations for those names that can be used; the newest of each, for students alone."""
    found: dict[str, Link] = {}
    for part in rosters.in_parts(names):
        for link in links.listed(
            tx,
            link_rows.c.kind == LinkKind.INVITATION,
            link_rows.c.role == Role.STUDENT,
            link_rows.c.name.in_(part),
            limit=None,
        ):
            if link.state(now) is LinkState.OPEN and invitations.backed(tx, link):
                found.setdefault(link.name or "", link)
    return found
