"""The people of the demo, whom anybody may log in as; there are none without ``demo = true``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from hub import accounts, courses, invitations, members
from hub.accounts import NewAccount
from hub.audit import By
from hub.courses import Wish
from hub.enums import Role
from hub.invitations import Invitation
from hub.powers import Actor

DEMO = "(demo)"
"""Who acts when the demo is set up."""
COURSE = "first-steps"


@dataclass(frozen=True)
class DemoPerson:
    """Somebody to log in as."""

    name: str
    full_name: str
    role: Role


TEACHER = DemoPerson("teacher", "Demo Teacher", Role.TEACHER)
PEOPLE = (
    DemoPerson("admin", "Demo Admin", Role.ADMIN),
    TEACHER,
    DemoPerson("student1", "Demo Student One", Role.STUDENT),
    DemoPerson("student2", "Demo Student Two", Role.STUDENT),
    DemoPerson("student3", "Demo Student Three", Role.STUDENT),
)


def find(name: str) -> DemoPerson | None:
    """The person of the demo with that name."""
    return next((person for person in PEOPLE if person.name == name), None)


def _make_course(tx: sa.Connection, by: By) -> None:
    """A course with two of the students; the third can try its link."""
    actor = Actor(TEACHER.name, TEACHER.role)
    wish = Wish("First steps with data", "Tables, plots and a first model.")
    course = courses.make(tx, actor, COURSE, wish, by)
    members.add_students(tx, course, ["student1", "student2"], by)


def populate(tx: sa.Connection, by: By) -> int:
    """Makes who is missing; how many those were. The teacher has invited the students.

    And makes their course, where there is none.
    """
    made = 0
    for person in PEOPLE:
        if accounts.find(tx, person.name):
            continue
        invited_by = TEACHER.name if person.role is Role.STUDENT else None
        new = NewAccount(
            person.name, person.role, full_name=person.full_name, invited_by=invited_by
        )
        accounts.create(tx, new, by)
        made += 1
    if made:
        class_ = Invitation(Role.STUDENT, timedelta(days=14), most_uses=30)
        invitations.create(tx, class_, By(TEACHER.name, by.at))
    if courses.find(tx, COURSE) is None:
        _make_course(tx, By(TEACHER.name, by.at))
    return made
