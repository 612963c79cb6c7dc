"""Who is in a course, as its teachers may see it: bounded, in order, and nothing by guessing."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from hub import accounts, course_people, course_sums, courses, members, people, sessions
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, INVITED, By
from hub.course_people import PAGE, Found, Member, Search, Sort
from hub.courses import Wish
from hub.enums import CourseRole, Reason, Role, Source, State
from hub.models import accounts as account_rows
from hub.models import copies, versions
from hub.models import members as member_rows
from hub.models import sessions as session_rows
from hub.powers import Actor
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.conftest import NOW

ROOT, TESS, TIM = (
    Actor("root", Role.ADMIN), Actor("tess", Role.TEACHER), Actor("tim", Role.TEACHER),
)  # fmt: skip
MIA, ADA = Actor("mia", Role.STUDENT), Actor("ada", Role.STUDENT)
LATER = NOW + timedelta(days=1)


def _by(who: str, at: datetime = NOW) -> By:
    return By(who, at)


@pytest.fixture
def school(store: Store) -> Store:
    """Tess teaches ds-24; mia and ada have accounts that others look after, and were here."""
    for actor in (ROOT, TESS, TIM, MIA, ADA):
        new = NewAccount(actor.name, actor.role, full_name=f"Zoe {actor.name.title()}")
        store.decide(accounts.create, new, _by(COMMAND_LINE))
        store.decide(accounts.note_login, actor.name, NOW)
    store.decide(courses.make, TESS, "ds-24", Wish("Data"), _by("tess"))
    with store.deciding() as tx:
        for number in (1, 2):
            what = {"commit": "c", "by": "tess", "at": NOW, "source": Source.UPLOAD, "files": 3}
            tx.execute(versions.insert().values(course="ds-24", number=number, **what))
    return store


def _put_in(store: Store, *names: str, at: datetime = NOW, by: str = "tess") -> None:
    course = store.read(courses.require, "ds-24")
    store.decide(members.add_students, course, list(names), _by(by, at))


def _opened(store: Store, name: str, version: int = 2, at: datetime = LATER, kept: int = 0) -> None:
    with store.deciding() as tx:
        report = {"version": version, "at": at, "up_to_date": 3 - kept, "kept": kept}
        tx.execute(copies.insert().values(course="ds-24", user=name, **report))


def _find(store: Store, actor: Actor = TESS, **search: object) -> Found:
    return store.read(course_people.find, actor, "ds-24", Search(**search))


def _of(found: Found, name: str) -> Member:
    return next(one for one in found.people if one.name == name)


def test_of_somebody_whom_others_put_in_only_the_name_is_told_until_they_open_it(
    school: Store,
) -> None:
    _put_in(school, "mia")
    before = school.decide(sessions.open_session, "mia", "small", NOW)
    school.decide(sessions.close_session, before.id, Reason.IDLE, NOW, "")
    run = school.decide(sessions.open_session, "mia", "small", NOW)
    mia = _of(_find(school), "mia")
    assert mia == Member(
        "mia", "", CourseRole.STUDENT, False, None, NOW, None, None, False, None, None, None
    )
    # Neither searching nor ordering tells what is not shown.
    assert _find(school, text="Zoe M").total == 0 and _find(school, text="mi").total == 1
    _put_in(school, "ada")
    school.decide(accounts.set_full_name, "ada", "Zzz", _by("ada"))
    for sort in Sort:
        names = [one.name for one in _find(school, sort=sort).people]
        assert [name for name in names if name != "tess"] == ["ada", "mia"], sort
    with pytest.raises(CarrelError):
        school.read(_person, TESS, "mia")
    _opened(school, "mia", kept=1)
    school.decide(sessions.close_session, run.id, Reason.IDLE, LATER, "")
    mia = _of(_find(school), "mia")
    assert (mia.full_name, mia.enabled, mia.came) == ("Zoe Mia", True, True)
    assert (mia.last_ended_at, mia.last_seen_at) == (LATER, LATER)
    assert (mia.version, mia.up_to_date, mia.kept) == (2, 2, 1)
    assert _find(school, text="Zoe M").total == 1
    assert school.read(_person, TESS, "mia").full_name == "Zoe Mia"


def _person(tx: sa.Connection, actor: Actor, name: str) -> people.Person:
    found = people.one(tx, actor, name, NOW)
    if found is None:
        raise CarrelError(Code.NOT_FOUND, "Nobody.")
    return found


@pytest.mark.parametrize("way", ["link", "invitation"])
def test_whoever_came_in_themselves_is_shown(school: Store, way: str) -> None:
    if way == "link":
        school.decide(members.join, MIA, "ds-24", "", _by("mia", LATER))
    else:
        _put_in(school, "mia", by=INVITED, at=LATER)
    mia = _of(_find(school), "mia")
    assert (mia.full_name, mia.came, mia.version) == ("Zoe Mia", True, None)
    # The login of the day before is not told; that they came is.
    assert mia.last_seen_at == LATER


def test_a_session_of_before_their_time_in_the_course_is_not_told(school: Store) -> None:
    before = school.decide(sessions.open_session, "mia", "small", NOW + timedelta(hours=2))
    school.decide(members.join, MIA, "ds-24", "", _by("mia", LATER))
    assert not _of(_find(school), "mia").running
    ended = LATER + timedelta(minutes=5)
    school.decide(sessions.close_session, before.id, Reason.IDLE, ended, "")
    assert _of(_find(school), "mia").last_ended_at is None


def test_whoever_left_and_is_put_in_again_is_hidden_again(school: Store) -> None:
    school.decide(members.join, MIA, "ds-24", "", _by("mia"))
    _opened(school, "mia", at=NOW)
    school.decide(members.leave, MIA, "ds-24", _by("mia"))
    _put_in(school, "mia", at=LATER)
    mia = _of(_find(school), "mia")
    assert (mia.full_name, mia.version, mia.last_seen_at) == ("", None, None)
    assert school.read(course_sums.sums, "ds-24", 2).not_opened == 1


def test_whom_one_looks_after_anyway_is_known(school: Store) -> None:
    new = NewAccount("kim", Role.STUDENT, full_name="Kim K", invited_by="tess")
    school.decide(accounts.create, new, _by("tess"))
    school.decide(members.add_teacher, TESS, "ds-24", "tim", _by("tess"))
    _put_in(school, "kim")
    assert _of(_find(school), "kim").full_name == "Kim K"
    assert _of(_find(school, TIM), "kim").full_name == ""
    assert _of(_find(school, ROOT), "kim").full_name == "Kim K"
    # Teachers are named on every page of a course; when they were here is not told.
    tim = _of(_find(school), "tim")
    assert (tim.full_name, tim.last_seen_at, tim.enabled) == ("Zoe Tim", None, None)


def test_orders(school: Store) -> None:
    for name, full_name in (("kim", "Kim"), ("lea", "Lea"), ("max", "Max")):
        new = NewAccount(name, Role.STUDENT, full_name=full_name)
        school.decide(accounts.create, new, _by(COMMAND_LINE))
        school.decide(members.join, Actor(name, Role.STUDENT), "ds-24", "", _by(name))
    for name, minutes in (("kim", 1), ("max", 9)):
        run = school.decide(sessions.open_session, name, "small", NOW)
        ended = NOW + timedelta(minutes=minutes)
        school.decide(sessions.close_session, run.id, Reason.IDLE, ended, "")
    school.decide(sessions.open_session, "lea", "small", NOW)
    _opened(school, "kim", 2)
    _opened(school, "max", 1)

    def names(sort: Sort) -> list[str]:
        return [one.name for one in _find(school, sort=sort).people]

    assert names(Sort.NAME) == ["tess", "kim", "lea", "max"]
    assert names(Sort.SESSION) == ["lea", "max", "kim", "tess"]
    assert names(Sort.VERSION) == ["lea", "tess", "max", "kim"]


def test_sums_count_students_alone(school: Store) -> None:
    for name in ("mia", "ada"):
        school.decide(members.join, Actor(name, Role.STUDENT), "ds-24", "", _by(name))
    _opened(school, "mia", 1, kept=2)
    _opened(school, "tess", 2)
    sums = school.read(course_sums.sums, "ds-24", 2)
    assert (sums.students, sums.up_to_date, sums.behind) == (2, 0, 1)
    assert (sums.not_opened, sums.kept) == (1, 1)
    assert school.read(course_sums.sums, "nothing", 0).students == 0


def test_five_hundred_people_come_a_page_at_a_time_and_quickly(school: Store) -> None:
    names = [f"student{number:03}" for number in range(500)]
    with school.deciding() as tx:
        made = {"role": Role.STUDENT, "created_at": NOW, "full_name": ""}
        tx.execute(account_rows.insert(), [made | {"name": name} for name in names])
        seat = {"course": "ds-24", "role": CourseRole.STUDENT, "since": NOW}
        tx.execute(member_rows.insert(), [seat | {"user": name, "by": name} for name in names])
        report = {"course": "ds-24", "version": 1, "at": LATER, "up_to_date": 3, "kept": 0}
        tx.execute(copies.insert(), [report | {"user": name} for name in names[::2]])
        past = {"profile": "small", "state": State.ENDED, "requested_at": NOW, "ended_at": LATER}
        runs = [
            past | {"id": f"{n:012x}", "user": names[n % 500], "reason": Reason.IDLE}
            for n in range(5000)
        ]
        tx.execute(session_rows.insert(), runs)
    for sort in Sort:
        began = time.monotonic()
        found = _find(school, sort=sort, page=3)
        assert time.monotonic() - began < 1, sort
        assert (len(found.people), found.total, found.page, found.pages) == (PAGE, 501, 3, 6)
    assert _find(school, page=99).page == 6 and _find(school, page=-1).page == 1
    assert _find(school, text="student49").total == 10
    assert school.read(course_sums.sums, "ds-24", 1).up_to_date == 250
