"""The list of people shows whom somebody looks after, and finds them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub import accounts, courses, departures, members, people, sessions
from hub.accounts import NewAccount
from hub.audit import By
from hub.courses import Wish
from hub.enums import Reason, Role, State
from hub.models import homes
from hub.people import Search
from hub.powers import Actor
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.conftest import NOW

ROOT, TESS = Actor("root", Role.ADMIN), Actor("tess", Role.TEACHER)


@pytest.fixture(autouse=True)
def everybody(store: Store, by: By) -> None:
    for new in (
        NewAccount("root", Role.ADMIN, full_name="Ruth Root"),
        NewAccount("tess", Role.TEACHER),
        NewAccount("ada", Role.STUDENT, full_name="Ada Lovelace", invited_by="tess"),
        NewAccount("alan", Role.STUDENT, full_name="Alan 100%_Turing", invited_by="tess"),
        NewAccount("bob", Role.STUDENT, invited_by="other"),
        NewAccount("tom", Role.TEACHER, invited_by="tess"),
    ):
        store.decide(accounts.create, new, by)


def _names(store: Store, actor: Actor, **search: object) -> list[str]:
    return [person.name for person in store.read(people.find, actor, Search(**search), NOW).people]


def test_an_admin_sees_everybody_a_teacher_the_students_they_invited(store: Store) -> None:
    assert _names(store, ROOT) == ["ada", "alan", "bob", "root", "tess", "tom"]
    assert _names(store, TESS) == ["ada", "alan"]
    assert store.read(people.one, TESS, "bob", NOW) is None
    assert store.read(people.one, ROOT, "bob", NOW).name == "bob"


def test_a_student_sees_nobody(store: Store) -> None:
    with pytest.raises(CarrelError) as caught:
        store.read(people.find, Actor("ada", Role.STUDENT), Search(), NOW)
    assert caught.value.code is Code.REFUSED


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ({"text": "LOVE"}, ["ada"]),
        ({"text": " ada "}, ["ada"]),
        ({"text": "100%_"}, ["alan"]),
        ({"text": "_"}, ["alan"]),
        ({"text": "' OR 1=1 --"}, []),
        ({"role": Role.TEACHER}, ["tess", "tom"]),
        ({"disabled": True}, ["bob"]),
        ({"disabled": False, "role": Role.STUDENT}, ["ada", "alan"]),
        ({"running": True}, ["ada"]),
    ],
)
def test_searches(store: Store, by: By, search: dict, names: list[str]) -> None:
    store.decide(accounts.disable, "bob", by)
    store.decide(sessions.open_session, "ada", "small", by.at)
    assert _names(store, ROOT, **search) == names


def test_what_is_told_of_a_person(store: Store, by: By) -> None:
    past = store.decide(sessions.open_session, "ada", "small", by.at)
    end = by.at + timedelta(hours=2)
    store.decide(sessions.close_session, past.id, Reason.IDLE, end)
    store.decide(accounts.note_login, "ada", by.at + timedelta(hours=1))
    store.decide(sessions.open_session, "ada", "datascience", end)
    with store.deciding() as tx:
        tx.execute(homes.insert().values(name="ada", size_bytes=5 * 2**40, measured_at=by.at))
    ada = store.read(people.one, TESS, "ada", NOW)
    assert (ada.last_seen_at, ada.profile, ada.state) == (end, "datascience", State.QUEUED)
    assert (ada.home_bytes, ada.enabled, ada.invited_by) == (5 * 2**40, True, "tess")
    bob = store.read(people.one, ROOT, "bob", NOW)
    assert (bob.last_seen_at, bob.state, bob.home_bytes) == (None, None, None)


def test_pages_hold_a_hundred_and_any_number_leads_to_one(store: Store, by: By) -> None:
    for number in range(195):
        store.decide(accounts.create, NewAccount(f"z{number:03}", Role.STUDENT), by)
    first, last = (store.read(people.find, ROOT, Search(page=p), NOW) for p in (-5, 9_999_999))
    assert (first.page, len(first.people), first.total, first.pages) == (1, 100, 201, 3)
    assert (last.page, [p.name for p in last.people]) == (3, ["z194"])


def test_the_departed_are_shown_to_whom_they_left(store: Store, by: By) -> None:
    for name in ("ada", "bob", "tom"):
        store.decide(accounts.remove, name, by, by.at + timedelta(days=30))
    left = store.read(departures.of_actor, ROOT)
    assert [them.name for them in left] == ["ada", "bob", "tom"]
    (ada,) = store.read(departures.of_actor, TESS)  # tom had become a teacher
    assert (ada.full_name, ada.remove_at) == ("Ada Lovelace", by.at + timedelta(days=30))
    assert "ada" not in _names(store, ROOT)


def test_a_teacher_sees_the_students_of_their_courses_with_nothing_but_the_course(
    store: Store, by: By
) -> None:
    teachers = (TESS, Actor("tom", Role.TEACHER))
    for actor, slug in zip(teachers, ("algebra", "biology"), strict=True):
        mine = By(actor.name, by.at)
        store.decide(courses.make, actor, slug, Wish(slug), mine)
        for name in ("ada", "bob"):
            store.decide(members.join, Actor(name, Role.STUDENT), slug, "", By(name, by.at))
    with store.deciding() as tx:
        tx.execute(homes.insert().values(name="bob", size_bytes=7, measured_at=by.at))
    ada, alan, bob = store.read(people.find, TESS, Search(), NOW).people
    assert (ada.yours, alan.yours, bob.yours) == (True, True, False)
    assert (ada.courses, alan.courses, bob.courses) == (("algebra",), (), ("algebra",))
    assert (bob.home_bytes, bob.invited_by) == (None, None)
    assert store.read(people.one, TESS, "bob", NOW).courses == ("algebra",)
    assert store.read(people.one, ROOT, "bob", NOW).courses == ("algebra", "biology")
    store.decide(courses.archive, TESS, "algebra", By("tess", by.at))
    assert _names(store, TESS) == ["ada", "alan"]
