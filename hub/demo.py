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


STUDENTS = 30
BUTTONS = 3
"""Students with a button of their own; the rest of the class is folded away."""


@dataclass(frozen=True)
class DemoPerson:
    """Somebody to log in as."""

    name: str
    full_name: str
    role: Role
    folded: bool = False
    """Whether the login page shows them only when it is asked for the whole class."""


ONES = (
    "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven",
    "Twelve", "Thirteen", "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen",
)  # fmt: skip
TENS = {2: "Twenty", 3: "Thirty"}


def _word(number: int) -> str:
    """For instance ``Twenty-one``; from 1 to 39."""
    if number < 20:
        return ONES[number - 1]
    tens, ones = divmod(number, 10)
    return f"{TENS[tens]}-{ONES[ones - 1].lower()}" if ones else TENS[tens]


TEACHER = DemoPerson("teacher", "Demo Teacher", Role.TEACHER)
CLASS = tuple(
    DemoPerson(
        f"student{number}", f"Demo Student {_word(number)}", Role.STUDENT, folded=number > BUTTONS
    )
    for number in range(1, STUDENTS + 1)
)
PEOPLE = (DemoPerson("admin", "Demo Admin", Role.ADMIN), TEACHER, *CLASS)


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
