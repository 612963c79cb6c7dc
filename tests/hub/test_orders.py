"""What teachers order to be read: who may, what is refused, and that each is done once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub import accounts, courses, orders
from hub.accounts import NewAccount
from hub.audit import By
from hub.enums import OrderState, Role, Source
from hub.orders import Wish
from hub.powers import Actor
from spawner.errors import CarrelError, Code

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TESS, TOM, ANN = (
    Actor("tess", Role.TEACHER),
    Actor("tom", Role.TEACHER),
    Actor("ann", Role.STUDENT),
)
FOLDER = Wish(Source.SESSION, "ml/week1")


def by(who="tess", at=NOW):
    return By(who, at)


@pytest.fixture
def school(store):
    for actor in (TESS, TOM, ANN):
        store.decide(accounts.create, NewAccount(actor.name, actor.role), by())
    store.decide(courses.make, TESS, "ml", courses.Wish("Machine learning"), by())
    return store


def code_of(error):
    return error.value.code


def test_an_order_is_begun_once_and_keeps_what_came_of_it(school):
    made = school.decide(orders.order, TESS, "ml", FOLDER, by())
    begun = school.decide(orders.begin)
    assert begun == replace(made, state=OrderState.READING)
    assert school.decide(orders.begin) is None
    school.decide(orders.ready, made.id, "0" * 16)
    found = school.read(orders.find, TESS, "ml", made.id)
    assert (found.state, found.intake) == (OrderState.READY, "0" * 16)


def test_what_somebody_who_has_gone_was_reading_waits_again(school):
    made = school.decide(orders.order, TESS, "ml", FOLDER, by())
    school.decide(orders.begin)
    school.decide(orders.begin_again)
    assert school.decide(orders.begin).id == made.id


def test_the_one_that_waits_longest_comes_first(school):
    school.decide(courses.make, TOM, "ai", courses.Wish("AI"), by("tom"))
    first = school.decide(orders.order, TOM, "ai", FOLDER, by("tom", NOW - timedelta(minutes=1)))
    school.decide(orders.order, TESS, "ml", FOLDER, by())
    assert school.decide(orders.begin).id == first.id


def test_one_at_a_time_for_each_teacher_of_a_course(school):
    made = school.decide(orders.order, TESS, "ml", FOLDER, by())
    with pytest.raises(CarrelError) as error:
        school.decide(orders.order, TESS, "ml", FOLDER, by())
    assert code_of(error) is Code.CONFLICT
    school.decide(orders.failed, made.id, "There is no folder.")
    school.decide(orders.order, TESS, "ml", FOLDER, by())


@pytest.mark.parametrize(("actor", "code"), [(TOM, Code.NOT_FOUND), (ANN, Code.NOT_FOUND)])
def test_only_the_courses_teachers_order_and_look(school, actor, code):
    made = school.decide(orders.order, TESS, "ml", FOLDER, by())
    with pytest.raises(CarrelError) as error:
        school.decide(orders.order, actor, "ml", FOLDER, by(actor.name))
    assert code_of(error) is code
    with pytest.raises(CarrelError) as error:
        school.read(orders.find, actor, "ml", made.id)
    assert code_of(error) is code


def test_an_archived_course_takes_none(school):
    school.decide(courses.archive, TESS, "ml", by())
    with pytest.raises(CarrelError) as error:
        school.decide(orders.order, TESS, "ml", FOLDER, by())
    assert code_of(error) is Code.CONFLICT


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("ml/week1", "ml/week1"),
        ("/content/ml/week1/", "ml/week1"),
        ("~/ml//./week1", "ml/week1"),
        (" lab 1.ipynb ", "lab 1.ipynb"),
    ],
)
def test_a_path_is_one_within_the_home(raw, path):
    assert orders.path(raw) == path


@pytest.mark.parametrize(
    "raw", ["", "/content", ".", "../bob", "ml/../../bob", "/etc", "a\nb", "a\0b", "é" * 600]
)
def test_other_paths_are_refused(raw):
    with pytest.raises(CarrelError) as error:
        orders.path(raw)
    assert code_of(error) is Code.BAD_INPUT


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "http://git.example.org/labs",
        "ext::sh -c id",
        "file:///etc",
        "git@git.example.org:labs",
        "--upload-pack=id",
        "https://",
        "https://user:word@git.example.org/labs",
        "https://git.example.org/labs?x",
        "https://git.example.org/la bs",
        "https://git.example.org\\@10.0.0.1/labs",
        "https://git.example.org:0/labs",
        "https://git.example.org/" + "x" * 2000,
        "https://git.exämple.org/labs",
    ],
)
def test_other_addresses_are_refused(raw):
    with pytest.raises(CarrelError) as error:
        orders.address(raw)
    assert code_of(error) is Code.BAD_INPUT


@pytest.mark.parametrize("branch", ["--upload-pack=id", "a..b", "a b", "x" * 300, "a:b"])
def test_other_branches_are_refused(school, branch):
    wish = Wish(Source.GIT, "https://git.example.org/labs", branch)
    with pytest.raises(CarrelError) as error:
        school.decide(orders.order, TESS, "ml", wish, by())
    assert code_of(error) is Code.BAD_INPUT


def test_a_message_is_kept_as_a_publish_would_keep_it(school):
    wish = replace(FOLDER, message=" one\r\ntwo\x00 ")
    assert school.decide(orders.order, TESS, "ml", wish, by()).message == "one\ntwo"
    with pytest.raises(CarrelError, match="too long"):
        school.decide(orders.order, TESS, "ml", replace(FOLDER, message="x" * 1001), by())


def test_old_ones_are_forgotten_but_none_that_is_under_way(school):
    made = school.decide(orders.order, TESS, "ml", FOLDER, by())
    later = NOW + timedelta(days=2)
    school.decide(orders.forget_old, later)
    assert school.read(orders.find, TESS, "ml", made.id)
    school.decide(orders.failed, made.id, "no")
    school.decide(orders.forget_old, later)
    with pytest.raises(CarrelError):
        school.read(orders.find, TESS, "ml", made.id)


def test_one_order_of_a_person_is_under_way_in_whatever_course(school):
    school.decide(courses.make, TESS, "ai", courses.Wish("AI"), by())
    school.decide(orders.order, TESS, "ml", FOLDER, by())
    with pytest.raises(CarrelError) as error:
        school.decide(orders.order, TESS, "ai", FOLDER, by())
    assert code_of(error) is Code.CONFLICT


@pytest.mark.parametrize(
    "changed",
    [
        {"by": "ann"},
        {"by": "tom"},
        {"by": "nobody"},
        {"place": ""},
        {"place": "../tom"},
        {"branch": "--upload-pack=id"},
    ],
)
def test_a_row_that_nobody_could_order_is_not_read(school, changed):
    made = school.decide(orders.order, TESS, "ml", FOLDER, by())
    school.read(orders.require_still, made)
    with pytest.raises(CarrelError):
        school.read(orders.require_still, replace(made, **changed))
