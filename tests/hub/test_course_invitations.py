"""Invitations into a course: what they say, and whoever has an account already joins by one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub import accounts, course_invitations, course_people, courses, invitations, members
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.courses import Wish
from hub.enums import Joining, Role
from hub.invitations import Invitation
from hub.powers import Actor
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.conftest import NOW

TESS, TIM = Actor("tess", Role.TEACHER), Actor("tim", Role.TEACHER)


def _by(name: str) -> By:
    return By(name, NOW)


@pytest.fixture
def school(store: Store) -> Store:
    for actor in (TESS, TIM, Actor("mia", Role.STUDENT), Actor("ada", Role.STUDENT)):
        new = NewAccount(actor.name, actor.role, full_name=actor.name.title())
        store.decide(accounts.create, new, _by(COMMAND_LINE))
    wish = Wish("Data <b>", joining=Joining.CLOSED)
    store.decide(courses.make, TESS, "ds-24", wish, _by("tess"))
    store.decide(members.add_teacher, TESS, "ds-24", "tim", _by("tess"))
    return store


def _token(store: Store, actor: Actor = TESS, uses: int = 1, course: str | None = "ds-24") -> str:
    wish = Invitation(Role.STUDENT, timedelta(days=1), uses, course=course)
    return store.decide(invitations.invite, actor, wish, _by(actor.name))[1]


def _join(store: Store, token: str, name: str) -> str:
    return store.decide(course_invitations.join, token, name, _by(name))


def _uses(store: Store, token: str) -> int:
    return store.read(course_invitations.look, token, NOW).link.uses


def _seats(store: Store) -> set[str]:
    return {one.name for one in store.read(course_people.of_course, "ds-24")}


def test_it_says_which_course_and_who_teaches_it_and_uses_nothing_up(school: Store) -> None:
    told = school.read(course_invitations.look, _token(school), NOW)
    assert (told.title, told.teachers, told.link.uses) == ("Data <b>", ("Tess", "Tim"), 0)
    told = school.read(course_invitations.look, _token(school, course=None), NOW)
    assert (told.title, told.teachers) == ("", ())


def test_whoever_has_an_account_joins_and_takes_one_use(school: Store) -> None:
    token = _token(school, uses=2)
    assert _join(school, token, "mia") == "ds-24"
    assert _join(school, token, "mia") == "ds-24"
    assert _uses(school, token) == 1 and "mia" in _seats(school)
    assert _join(school, token, "tess") == "ds-24", "a teacher of it stays one"
    assert _join(school, token, "ada") == "ds-24"
    assert school.read(course_invitations.led_into, token, "ada") == "ds-24"
    with pytest.raises(CarrelError) as caught:
        _join(school, token, "kim")
    assert caught.value.code is Code.REFUSED


def test_they_are_shown_as_having_come_themselves(school: Store) -> None:
    _join(school, _token(school), "mia")
    found = school.read(course_people.find, TESS, "ds-24", course_people.Search())
    assert [one.full_name for one in found.people if one.came] == ["Tess", "Mia"]


@pytest.mark.parametrize("why", ["archived", "teaches no more", "no course"])
def test_one_that_leads_nowhere_any_more_says_nothing_of_the_course(
    school: Store, why: str
) -> None:
    token = _token(school, TIM, course=None if why == "no course" else "ds-24")
    if why == "archived":
        school.decide(courses.archive, TESS, "ds-24", _by("tess"))
    elif why == "teaches no more":
        school.decide(members.remove, TESS, "ds-24", "tim", _by("tess"))
    assert school.read(course_invitations.look, token, NOW).title == ""
    with pytest.raises(CarrelError) as caught:
        _join(school, token, "mia")
    assert caught.value.code is Code.NOT_FOUND and caught.value.hint
    assert "mia" not in _seats(school) and _uses(school, token) == 0


def test_a_disabled_account_and_a_code_that_nobody_made_join_nothing(school: Store) -> None:
    token = _token(school)
    school.decide(accounts.disable, "mia", _by(COMMAND_LINE))
    for code, name in ((token, "mia"), ("x" * 43, "ada"), ("", "ada")):
        with pytest.raises(CarrelError) as caught:
            _join(school, code, name)
        assert caught.value.code is Code.REFUSED
    assert _seats(school) == {"tess", "tim"} and _uses(school, token) == 0
