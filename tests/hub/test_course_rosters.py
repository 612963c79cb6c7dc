"""Class lists and invitations into a course, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub import (
    accounts,
    course_people,
    course_rosters,
    courses,
    invitations,
    members,
    roster,
    rosters,
)
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, INVITED, By
from hub.course_rosters import Added, Into
from hub.courses import Wish
from hub.enums import Role
from hub.invitations import Invitation
from hub.models import audit
from hub.powers import Actor
from hub.rosters import Terms
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.conftest import NOW

ROOT, TESS, TIM, MIA = (
    Actor("root", Role.ADMIN), Actor("tess", Role.TEACHER), Actor("tim", Role.TEACHER),
    Actor("mia", Role.STUDENT),
)  # fmt: skip
WEEK = timedelta(days=7)
DS = Into("ds-24", WEEK)


def _by(actor: Actor) -> By:
    return By(actor.name, NOW)


@pytest.fixture
def school(store: Store) -> Store:
    for actor in (ROOT, TESS, TIM, MIA):
        store.decide(accounts.create, NewAccount(actor.name, actor.role), By(COMMAND_LINE, NOW))
    store.decide(courses.make, TESS, "ds-24", Wish("Data Science"), _by(TESS))
    return store


def _add(store: Store, actor: Actor, text: str) -> Added:
    return store.decide(course_rosters.add, actor, DS, roster.read(text), _by(actor))


def _students(store: Store) -> set[str]:
    return {one.name for one in store.read(course_people.of_course, "ds-24")} - {"tess"}


def _accept(store: Store, token: str, name: str) -> None:
    new = NewAccount(name, Role.STUDENT)
    store.decide(invitations.accept, token, new, By(INVITED, NOW))


def test_who_has_an_account_is_in_at_once_the_others_get_a_link(school: Store) -> None:
    added = _add(school, TESS, "mia, Mia Example\nkim, Kim Example\ntim\ntess")
    assert [e.name for e in added.plan.joining] == ["mia"] and _students(school) == {"mia"}
    assert {e.name: why for e, why in added.plan.there} == {
        "tim": "is no student here, and can join by the course's link",
        "tess": "is in the course already",
    }
    ((kim, token),) = added.tokens
    assert kim.full_name == "Kim Example"
    _accept(school, token, "kim")
    assert _students(school) == {"mia", "kim"}
    with school.reading() as tx:
        lines = tx.execute(sa.select(audit).where(audit.c.whom.in_(["mia", "kim"]))).all()
    told = {(one.whom, one.what) for one in lines}
    assert {("mia", "course.member_added"), ("kim", "course.member_added"),
            ("kim", "invitation.made")} <= told  # fmt: skip


def test_the_same_list_again_changes_nothing(school: Store) -> None:
    _add(school, TESS, "mia\nkim")
    again = _add(school, TESS, "mia\nkim")
    assert again.tokens == () and again.plan.joining == ()
    assert [why for _, why in again.plan.there] == [
        "is in the course already", "is invited into the course already",
    ]  # fmt: skip


def test_the_teachers_own_open_invitations_lead_into_the_course_anothers_do_not(
    school: Store,
) -> None:
    tokens = {}
    for actor, name in ((TESS, "kim"), (TIM, "lea")):
        wish = Terms(Role.STUDENT, WEEK)
        made = school.decide(rosters.invite, actor, roster.read(name), wish, _by(actor))
        ((_, tokens[name]),) = made.tokens
    added = _add(school, TESS, "kim\nlea")
    assert [e.name for e in added.plan.led] == ["kim"] and added.tokens == ()
    assert [why for _, why in added.plan.there] == [
        "is invited already: give them the course's link"
    ]
    for name, token in tokens.items():
        _accept(school, token, name)
    assert _students(school) == {"kim"}


def test_a_line_with_a_problem_leaves_everybody_out(school: Store) -> None:
    with pytest.raises(CarrelError) as caught:
        _add(school, TESS, "mia\n<b>|x")
    assert caught.value.code is Code.BAD_INPUT and _students(school) == set()


def test_only_its_teachers_and_admins_put_a_list_into_a_course(school: Store) -> None:
    for actor, code in ((TIM, Code.NOT_FOUND), (MIA, Code.NOT_FOUND)):
        for function in (
            lambda tx, who: course_rosters.preview(tx, who, "ds-24", roster.read("mia"), NOW),
            lambda tx, who: course_rosters.add(tx, who, DS, roster.read("mia"), _by(who)),
            lambda tx, who: invitations.invite(
                tx, who, Invitation(Role.STUDENT, WEEK, course="ds-24"), _by(who)
            ),
        ):
            with pytest.raises(CarrelError) as caught:
                school.decide(function, actor)
            assert caught.value.code in (code, Code.REFUSED)
    assert _students(school) == set()
    assert _add(school, ROOT, "mia").plan.joining


def test_an_archived_course_takes_nobody(school: Store) -> None:
    added = _add(school, TESS, "kim")
    school.decide(courses.archive, TESS, "ds-24", _by(TESS))
    with pytest.raises(CarrelError) as caught:
        _add(school, TESS, "mia")
    assert caught.value.code is Code.CONFLICT
    # Who was invited before still gets an account.
    _accept(school, added.tokens[0][1], "kim")
    assert school.read(accounts.find, "kim") and _students(school) == set()


def test_an_invitation_into_a_course_stands_on_its_makers_being_its_teacher(school: Store) -> None:
    school.decide(members.add_teacher, TESS, "ds-24", "tim", _by(TESS))
    wish = Invitation(Role.STUDENT, WEEK, 5, course="ds-24")
    _, token = school.decide(invitations.invite, TIM, wish, _by(TIM))
    _accept(school, token, "kim")
    school.decide(members.remove, TESS, "ds-24", "tim", _by(TESS))
    _accept(school, token, "lea")
    assert _students(school) == {"kim"}


def test_the_database_takes_no_invitation_of_a_teacher_into_a_course(school: Store) -> None:
    wish = Invitation(Role.TEACHER, WEEK, course="ds-24")
    with pytest.raises(sa.exc.IntegrityError):
        school.decide(invitations.create, wish, By(COMMAND_LINE, NOW))


def test_five_thousand_lines_are_taken_in_seconds(school: Store) -> None:
    added = _add(school, TESS, "\n".join(f"student{n}" for n in range(5000)))
    assert len(added.tokens) == 5000
