"""Courses on both databases: who makes, changes, joins and leaves them, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import (
    accounts,
    course_groups,
    course_people,
    course_sums,
    courses,
    departures,
    members,
    sessions,
)
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.courses import Course, Wish
from hub.enums import CourseRole, Joining, Reason, Role, Source
from hub.materials.versions import newest as newest_version
from hub.models import audit, copies, versions
from hub.powers import Actor
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.conftest import NOW

ROOT, TESS, TIM = (
    Actor("root", Role.ADMIN), Actor("tess", Role.TEACHER), Actor("tim", Role.TEACHER),
)  # fmt: skip
MIA, ADA = Actor("mia", Role.STUDENT), Actor("ada", Role.STUDENT)
WISH = Wish("Data Science", "About data.")


def _by(actor: Actor, minutes: int = 0) -> By:
    return By(actor.name, NOW + timedelta(minutes=minutes), "192.0.2.7")


@pytest.fixture
def school(store: Store) -> Store:
    for actor in (ROOT, TESS, TIM, MIA, ADA):
        new = NewAccount(actor.name, actor.role, full_name=actor.name.title())
        store.decide(accounts.create, new, By(COMMAND_LINE, NOW))
    store.decide(courses.make, TESS, "ds-24", WISH, _by(TESS))
    return store


def _refused(store: Store, function: Any, *arguments: Any) -> Code:
    with pytest.raises(CarrelError) as caught:
        store.decide(function, *arguments)
    assert caught.value.hint
    return caught.value.code


def _course(store: Store) -> Course:
    return store.read(courses.require, "ds-24")


def _seats(store: Store) -> dict[str, CourseRole]:
    people = store.read(course_people.of_course, "ds-24")
    return {one.name: one.role for one in people}


def _lines(store: Store) -> list[tuple[str, str, str | None, str]]:
    with store.reading() as tx:
        found = tx.execute(sa.select(audit).where(audit.c.what.like("course.%")))
        return [(one.who, one.what, one.whom, one.detail) for one in found]


def test_a_teacher_makes_a_course_and_teaches_it(school: Store) -> None:
    course = _course(school)
    assert (course.title, course.description, course.joining) == (*_texts(WISH), Joining.OPEN)
    assert _seats(school) == {"tess": CourseRole.TEACHER}
    assert _lines(school) == [("tess", "course.made", None, "ds-24")]


def _texts(wish: Wish) -> tuple[str, str]:
    return wish.title, wish.description


def test_students_make_none(school: Store) -> None:
    assert _refused(school, courses.make, MIA, "mine", WISH, _by(MIA)) is Code.REFUSED
    assert school.read(courses.find, "mine") is None


@pytest.mark.parametrize("slug", ["ds-24", " DS-24", "\uff44\uff53-24", "d5-24", "ds24", "ds-2-4"])
def test_a_slug_that_is_taken_or_looks_so_is_refused_also_when_archived(
    school: Store, slug: str
) -> None:
    school.decide(courses.archive, TESS, "ds-24", _by(TESS))
    assert _refused(school, courses.make, TIM, slug, WISH, _by(TIM)) is Code.CONFLICT


@pytest.mark.parametrize(
    "wish",
    [
        Wish(""), Wish("x" * 10_000), Wish("a\0b"), Wish("a\u202eb"),
        Wish("fine", "x" * 10_000), Wish("fine", "a\0b"),
    ],
)  # fmt: skip
def test_texts_that_cannot_be_shown_change_nothing(school: Store, wish: Wish) -> None:
    assert _refused(school, courses.make, TIM, "other", wish, _by(TIM)) is Code.BAD_INPUT
    assert _refused(school, courses.change, TESS, "ds-24", wish, _by(TESS)) is Code.BAD_INPUT
    assert school.read(courses.find, "other") is None and _texts(_course(school)) == _texts(WISH)


def test_what_changed_is_on_record(school: Store) -> None:
    wish = Wish("Data <b>", "x", Joining.CODE)
    assert school.decide(courses.change, TESS, "ds-24", wish, _by(TESS))
    assert not school.decide(courses.change, TESS, "ds-24", wish, _by(TESS))
    assert _lines(school)[1:] == [
        ("tess", "course.changed", None, "ds-24: title, description, joining code")
    ]


def test_a_profile_is_set_kept_and_given_back(school: Store) -> None:
    for profile, becomes, news in (
        ("big", "big", True), (None, "big", False), ("big", "big", False), ("", None, True),
    ):  # fmt: skip
        wish = replace(WISH, profile=profile)
        assert school.decide(courses.change, TESS, "ds-24", wish, _by(TESS)) is news
        assert _course(school).default_profile == becomes
    assert [line[3] for line in _lines(school)[1:]] == [
        "ds-24: profile big", "ds-24: profile of the site",
    ]  # fmt: skip
    school.decide(courses.make, TIM, "other", Wish("X", profile="big"), _by(TIM))
    assert school.read(courses.require, "other").default_profile == "big"


def test_only_its_teachers_and_admins_manage_a_course(school: Store) -> None:
    school.decide(members.join, MIA, "ds-24", "", _by(MIA))
    deeds: list[tuple[Any, tuple[Any, ...]]] = [
        (courses.change, (replace(WISH, title="Mine"),)), (courses.renew_code, ()),
        (courses.archive, ()), (courses.restore, ()), (members.add_teacher, ("tim",)),
        (members.remove, ("tess",)),
    ]  # fmt: skip
    for deed, more in deeds:
        # To a teacher of another course it is not there at all; its students are told whom to ask.
        assert _refused(school, deed, TIM, "ds-24", *more, _by(TIM)) is Code.NOT_FOUND
        assert _refused(school, deed, MIA, "ds-24", *more, _by(MIA)) is Code.REFUSED
        assert _refused(school, deed, ADA, "ds-24", *more, _by(ADA)) is Code.NOT_FOUND
        assert _refused(school, deed, TESS, "nothing", *more, _by(TESS)) is Code.NOT_FOUND
    assert _texts(_course(school)) == _texts(WISH) and not _course(school).archived
    assert school.decide(courses.archive, ROOT, "ds-24", _by(ROOT))


def test_whoever_was_made_a_student_teaches_nothing(school: Store) -> None:
    was = replace(TESS, role=Role.STUDENT)
    assert _refused(school, courses.archive, was, "ds-24", _by(TESS)) is Code.REFUSED


def test_joining_by_link_is_once_and_on_record(school: Store) -> None:
    assert school.decide(members.join, MIA, "DS-24", "", _by(MIA))
    assert not school.decide(members.join, MIA, "ds-24", "", _by(MIA))
    assert not school.decide(members.join, TESS, "ds-24", "", _by(TESS))
    assert _seats(school) == {"tess": CourseRole.TEACHER, "mia": CourseRole.STUDENT}
    assert _lines(school)[1:] == [("mia", "course.joined", "mia", "ds-24: open")]


def test_a_code_lets_in_until_it_is_renewed(school: Store) -> None:
    school.decide(courses.change, TESS, "ds-24", replace(WISH, joining=Joining.CODE), _by(TESS))
    code = _course(school).code
    for wrong in ("", "AAAA-AAAA", "x" * 10_000, "é", "\0"):
        assert _refused(school, members.join, MIA, "ds-24", wrong, _by(MIA)) is Code.REFUSED
    new = school.decide(courses.renew_code, TESS, "ds-24", _by(TESS))
    assert _refused(school, members.join, MIA, "ds-24", code, _by(MIA)) is Code.REFUSED
    assert school.decide(members.join, MIA, "ds-24", f" {new[:4]}-{new[4:].lower()}", _by(MIA))
    assert new not in str(_lines(school))


@pytest.mark.parametrize("why", ["closed", "archived", "nothing", "no slug at all/../"])
def test_courses_that_nobody_can_join_all_look_as_if_there_were_none(
    school: Store, why: str
) -> None:
    slug = "ds-24"
    if why == "closed":
        wish = replace(WISH, joining=Joining.CLOSED)
        school.decide(courses.change, TESS, "ds-24", wish, _by(TESS))
    elif why == "archived":
        school.decide(courses.archive, TESS, "ds-24", _by(TESS))
    else:
        slug = why
    said = set()
    for look in (lambda tx: members.at_door(tx, MIA, slug),
                 lambda tx: members.join(tx, MIA, slug, "", _by(MIA))):  # fmt: skip
        with pytest.raises(CarrelError) as caught:
            school.decide(look)
        said.add((caught.value.code, str(caught.value)))
    assert said == {
        (
            Code.NOT_FOUND,
            "There is no course here that you can join. Ask whoever gave you this link: "
            "a teacher of the course can add you.",
        )
    }


def test_members_find_their_course_closed_or_archived(school: Store) -> None:
    school.decide(members.join, MIA, "ds-24", "", _by(MIA))
    school.decide(courses.change, TESS, "ds-24", replace(WISH, joining=Joining.CLOSED), _by(TESS))
    school.decide(courses.archive, TESS, "ds-24", _by(TESS))
    door = school.read(members.at_door, MIA, "ds-24")
    assert (door.seat, door.teachers, door.course.archived) == (
        CourseRole.STUDENT, ("Tess",), True,
    )  # fmt: skip


def test_an_archived_course_takes_no_change_but_being_restored(school: Store) -> None:
    school.decide(courses.archive, TESS, "ds-24", _by(TESS))
    for deed, more in (
        (courses.change, (replace(WISH, title="x"),)), (courses.renew_code, ()),
        (members.add_teacher, ("tim",)),
    ):  # fmt: skip
        assert _refused(school, deed, TESS, "ds-24", *more, _by(TESS)) is Code.CONFLICT
    assert not school.decide(courses.archive, TESS, "ds-24", _by(TESS))
    assert school.decide(courses.restore, TESS, "ds-24", _by(TESS))
    assert not school.decide(courses.restore, TESS, "ds-24", _by(TESS))
    assert [line[1] for line in _lines(school)[1:]] == ["course.archived", "course.restored"]


def test_teachers_alone_become_co_teachers_and_are_equal(school: Store) -> None:
    for name in ("mia", "nobody"):
        assert _refused(school, members.add_teacher, TESS, "ds-24", name, _by(TESS)) is Code.REFUSED
    assert _refused(school, members.add_teacher, TESS, "ds-24", "<b>", _by(TESS)) is Code.BAD_INPUT
    assert school.decide(members.add_teacher, TESS, "ds-24", "TIM", _by(TESS))
    assert not school.decide(members.add_teacher, TESS, "ds-24", "tim", _by(TESS))
    assert school.decide(members.remove, TIM, "ds-24", "tess", _by(TIM))
    assert _seats(school) == {"tim": CourseRole.TEACHER}


def test_the_last_teacher_stays(school: Store) -> None:
    assert _refused(school, members.leave, TESS, "ds-24", _by(TESS)) is Code.REFUSED
    assert _refused(school, members.remove, ROOT, "ds-24", "tess", _by(ROOT)) is Code.REFUSED
    school.decide(members.add_teacher, TESS, "ds-24", "tim", _by(TESS))
    school.decide(accounts.disable, "tim", By(COMMAND_LINE, NOW))
    # Who cannot log in keeps no course going.
    assert _refused(school, members.leave, TESS, "ds-24", _by(TESS)) is Code.REFUSED
    school.decide(accounts.enable, "tim", By(COMMAND_LINE, NOW))
    school.decide(members.leave, TESS, "ds-24", _by(TESS))
    assert _seats(school) == {"tim": CourseRole.TEACHER}


def test_students_leave_and_are_removed(school: Store) -> None:
    for student in (MIA, ADA):
        school.decide(members.join, student, "ds-24", "", _by(student))
    school.decide(members.leave, MIA, "ds-24", _by(MIA))
    assert _refused(school, members.leave, MIA, "ds-24", _by(MIA)) is Code.NOT_FOUND
    assert school.decide(members.remove, TESS, "ds-24", "ada", _by(TESS))
    assert not school.decide(members.remove, TESS, "ds-24", "ada", _by(TESS))
    assert _lines(school)[-2:] == [
        ("mia", "course.left", "mia", "ds-24"),
        ("tess", "course.member_removed", "ada", "ds-24: student"),
    ]


def test_the_hub_groups_are_the_courses_that_go_on(school: Store) -> None:
    school.decide(courses.make, TESS, "algebra", WISH, _by(TESS))
    for slug in ("ds-24", "algebra"):
        school.decide(members.join, MIA, slug, "", _by(MIA))
    assert school.read(course_groups.of_user, "mia") == ["course-algebra", "course-ds-24"]
    school.decide(courses.archive, TESS, "algebra", _by(TESS))
    assert school.read(course_groups.of_user, "mia") == ["course-ds-24"]
    assert school.read(course_groups.of_user, "ada") == []


def test_each_sees_their_own_courses_an_admin_all(school: Store) -> None:
    school.decide(courses.make, TIM, "algebra", Wish("Algebra"), _by(TIM))
    school.decide(members.join, MIA, "ds-24", "", _by(MIA))
    school.decide(courses.archive, TIM, "algebra", _by(TIM))

    def seen(actor: Actor) -> list[tuple[str, CourseRole | None, int]]:
        return [(c.course.slug, c.seat, c.students) for c in school.read(courses.listed, actor)]

    assert seen(TESS) == [("ds-24", CourseRole.TEACHER, 1)]
    assert seen(MIA) == [("ds-24", CourseRole.STUDENT, 1)]
    assert seen(ADA) == []
    assert seen(ROOT) == [("ds-24", None, 1), ("algebra", None, 0)]


def test_the_list_of_people_says_how_far_each_is(school: Store) -> None:
    for student in (MIA, ADA):
        school.decide(members.join, student, "ds-24", "", _by(student))
    run = school.decide(sessions.open_session, "mia", "small", NOW)
    ended = NOW + timedelta(hours=1)
    school.decide(sessions.close_session, run.id, Reason.IDLE, ended, "")
    school.decide(sessions.open_session, "ada", "small", NOW)
    with school.deciding() as tx:
        for number in (1, 2):
            values = {"commit": "c", "by": "tess", "at": NOW, "source": Source.UPLOAD, "files": 3}
            tx.execute(versions.insert().values(course="ds-24", number=number, **values))
        report = {"version": 1, "at": NOW, "up_to_date": 2, "kept": 1}
        tx.execute(copies.insert().values(course="ds-24", user="mia", **report))
    tess, ada, mia = school.read(course_people.of_course, "ds-24")
    assert (tess.role, ada.running, mia.running) == (CourseRole.TEACHER, True, False)
    assert (mia.last_ended_at, mia.version, mia.up_to_date, mia.kept) == (ended, 1, 2, 1)
    newest = school.read(newest_version, "ds-24")
    assert newest is not None and newest.number == 2
    sums = school.read(course_sums.sums, "ds-24", 2)
    assert (sums.up_to_date, sums.behind, sums.not_opened, sums.kept) == (0, 1, 1, 1)


def test_a_deleted_account_that_comes_back_is_in_its_course_a_namesake_is_not(
    school: Store,
) -> None:
    school.decide(members.join, MIA, "ds-24", "", _by(MIA))
    by = By(COMMAND_LINE, NOW)
    school.decide(accounts.remove, "mia", by, NOW + timedelta(days=1))
    assert "mia" not in _seats(school)
    school.decide(departures.restore, "mia", by)
    assert "mia" in _seats(school)
    school.decide(accounts.remove, "mia", by, NOW)
    school.decide(departures.forget, "mia", by)
    school.decide(accounts.create, NewAccount("mia", Role.STUDENT), by)
    assert "mia" not in _seats(school)


JOIN = """
import sys
from datetime import UTC, datetime
from hub import members
from hub.audit import By
from hub.enums import Role
from hub.powers import Actor
from hub.store import Store
store = Store(sys.argv[1])
print("ready", flush=True); sys.stdin.readline()
news = store.decide(members.join, Actor("mia", Role.STUDENT), "ds-24", sys.argv[2],
                    By("mia", datetime.now(UTC)))
sys.exit(10 if news else 20)
"""


def test_of_those_who_join_at_the_same_moment_with_one_code_one_is_first(
    school: Store, url: sa.URL, at_once: Any
) -> None:
    wish = replace(WISH, joining=Joining.CODE)
    school.decide(courses.change, TESS, "ds-24", wish, _by(TESS))
    where = url.render_as_string(hide_password=False)
    codes = at_once(JOIN, [where, _course(school).code], 4)
    assert sorted(codes) == [10, 20, 20, 20]
    assert [line[1] for line in _lines(school)].count("course.joined") == 1
