"""Layers on record: what becomes of them with each version, build and crash."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub import accounts, courses
from hub.accounts import NewAccount
from hub.audit import By
from hub.enums import LayerState, Role
from hub.materials import layers
from hub.materials.layers import Built, Wanted
from hub.materials.packages import settle
from hub.models import audit
from hub.powers import Actor
from spawner.errors import CarrelError, Code
from tests.hub.materials.trees import NOW

TESS = Actor("tess", Role.TEACHER)
BY = By("tess", NOW)
SECOND = timedelta(seconds=1)


class Layers:
    """A course whose time goes on by a second with everything done to it."""

    def __init__(self, store):
        self.store, self.now = store, NOW
        store.decide(accounts.create, NewAccount("tess", Role.TEACHER), BY)
        store.decide(courses.make, TESS, "ml", courses.Wish("Machine learning"), BY)

    def later(self, by=SECOND):
        self.now += by
        return self.now

    def want(self, key, problem=""):
        """A version that lists what ``key`` stands for; None: nothing."""
        wanted = Wanted(1, "tess", "image", key, f"{key}\n", problem) if key else None
        self.store.decide(settle, "ml", wanted, self.later())

    def begin(self):
        return self.store.decide(layers.begin, self.later())

    def ready(self, layer):
        self.store.decide(layers.ready, layer, Built(["a==1", "b==2"], 7, 99, "said"), self.later())

    def failed(self, layer):
        self.store.decide(layers.failed, layer, "It did not work.", "said", self.later())

    def built(self, key):
        self.want(key)
        layer = self.begin()
        self.ready(layer)
        return layer.id

    def again(self):
        self.store.decide(layers.again, TESS, "ml", By("tess", self.later()))

    @property
    def all(self):
        return self.store.read(layers.of_course, "ml")

    @property
    def states(self):
        """Keys and states, the newest first; an ``*`` marks the one in use."""
        return [f"{one.key} {one.state.value}{'*' * one.in_use}" for one in self.all]


@pytest.fixture
def course(store):
    return Layers(store)


def test_a_list_is_built_once_however_often_it_is_published(course):
    course.want("A")
    course.want("A")
    assert course.states == ["A waiting"]
    layer = course.begin()
    course.want("A")
    course.ready(layer)
    course.want("A")
    assert course.states == ["A ready*"]
    assert course.begin() is None
    (found,) = course.all
    assert (found.names, found.files, found.size_bytes) == (["a==1", "b==2"], 7, 99)
    assert course.store.read(layers.log_of, found.id) == "said"


def test_another_list_replaces_what_waits_and_what_was_in_use(course):
    course.built("A")
    course.want("B")
    course.want("C")
    assert course.states == ["C waiting", "A ready*"]
    course.ready(course.begin())
    assert course.states == ["C ready*", "A ready"]


def test_a_failed_build_keeps_the_last_good_one_and_is_not_tried_by_itself_again(course):
    course.built("A")
    course.want("B")
    course.failed(course.begin())
    course.want("B")
    assert course.states == ["B failed", "A ready*"]
    assert course.begin() is None
    stand = course.store.read(layers.stand, "ml")
    assert stand.failed
    assert stand.in_use.key == "A"


def test_the_list_of_before_takes_its_layer_again(course):
    first = course.built("A")
    course.built("B")
    course.want("A")
    assert course.states == ["A ready*", "B ready"]
    assert course.all[0].id == first
    assert course.begin() is None


def test_taking_back_a_version_that_failed_leaves_no_failure_behind(course):
    course.built("A")
    course.want("B")
    course.failed(course.begin())
    course.want("A")
    assert course.states == ["A ready*"]
    assert not course.store.read(layers.stand, "ml").failed


def test_no_list_any_more_is_no_layer_any_more(course):
    course.built("A")
    course.want("B")
    course.want(None)
    assert course.states == ["A ready"]
    assert course.store.read(layers.stand, "ml") == layers.Stand()
    course.want(None)
    course.want("A")
    assert course.states == ["A ready*"]


def test_a_build_that_ends_after_its_list_is_gone_is_dropped_at_the_next_look(course):
    course.want("A")
    layer = course.begin()
    course.want(None)
    course.ready(layer)
    course.want(None)
    assert course.states == ["A ready"]


def test_a_build_that_was_overtaken_takes_nobodys_place(course):
    course.built("A")
    course.want("B")
    layer = course.begin()
    course.want("A")
    course.ready(layer)
    assert course.states == ["A ready*", "B ready"]


def test_a_build_is_better_than_nothing_while_the_next_one_waits(course):
    course.want("A")
    layer = course.begin()
    course.want("B")
    course.ready(layer)
    assert course.states == ["B waiting", "A ready*"]


def test_a_list_that_no_pip_can_read_fails_at_once(course):
    course.want("A", problem="requirements.txt is not UTF-8.")
    assert course.states == ["A failed"]
    assert course.all[0].problem == "requirements.txt is not UTF-8."
    assert course.begin() is None


def test_what_was_being_built_at_a_crash_waits_again(course):
    course.want("A")
    layer = course.begin()
    course.store.decide(layers.begin_again)
    assert course.begin().id == layer.id


def test_what_could_not_begin_waits_behind_the_others(course):
    course.want("A")
    course.store.decide(courses.make, TESS, "ds", courses.Wish("Data"), By("tess", course.later()))
    wanted = Wanted(1, "tess", "image", "B", "B")
    course.store.decide(settle, "ds", wanted, course.later())
    layer = course.begin()
    assert layer.course == "ml"
    course.store.decide(layers.put_back, layer, course.later())
    assert course.begin().course == "ds"
    course.want("C")
    course.store.decide(layers.put_back, layer, course.later())
    assert course.states == ["C waiting"]


def test_nothing_is_built_for_an_archived_course(course):
    course.want("A")
    course.store.decide(courses.archive, TESS, "ml", By("tess", course.later()))
    assert course.begin() is None


def test_a_teacher_builds_again_what_failed_and_what_is_in_use(course):
    course.want("A")
    course.failed(course.begin())
    course.again()
    assert course.states == ["A waiting", "A failed"]
    with pytest.raises(CarrelError, match="being built already") as caught:
        course.again()
    assert caught.value.code is Code.CONFLICT
    course.want("A")
    course.ready(course.begin())
    course.again()
    layer = course.begin()
    course.failed(layer)
    course.want("A")
    assert course.states == ["A failed", "A ready*", "A failed"]
    with course.store.reading() as tx:
        told = tx.execute(sa.select(audit.c.who, audit.c.what).where(audit.c.what.like("%packa%")))
        assert [tuple(one) for one in told][:3] == [
            ("(housekeeping)", "course.packages_failed"),
            ("tess", "course.packages_again"),
            ("(housekeeping)", "course.packages_built"),
        ]


def test_nothing_can_be_built_where_nothing_is_listed_or_by_strangers(course):
    with pytest.raises(CarrelError, match="nothing that can be built"):
        course.again()
    course.want("A", problem="requirements.txt is no text.")
    course.want(None)
    with pytest.raises(CarrelError, match="nothing that can be built"):
        course.again()
    stranger = Actor("tim", Role.TEACHER)
    with pytest.raises(CarrelError) as caught:
        course.store.decide(layers.again, stranger, "ml", By("tim", NOW))
    assert caught.value.code is Code.NOT_FOUND


def test_the_one_before_is_kept_and_older_ones_go_after_an_hour(course):
    for key in "ABC":
        course.built(key)
    kept = course.store.decide(layers.forget_old, "ml", course.now)
    assert [one.key for one in kept] == ["C", "B", "A"]
    kept = course.store.decide(layers.forget_old, "ml", course.later(timedelta(hours=2)))
    assert [one.key for one in kept] == ["C", "B"]
    assert course.states == ["C ready*", "B ready"]


def test_only_the_last_failures_stay_on_record(course):
    for _ in range(8):
        course.want("A")
        if layer := course.begin():
            course.failed(layer)
        course.again()
    course.failed(course.begin())
    course.store.decide(layers.forget_old, "ml", course.now)
    assert course.states == ["A failed"] * 5


def test_the_newest_is_the_newest_also_where_the_clock_was_set_back(course):
    course.built("A")
    course.later(-timedelta(days=1))
    course.want("B")
    course.failed(course.begin())
    assert course.states == ["B failed", "A ready*"]


def test_two_layers_of_a_course_cannot_be_in_use(course):
    course.built("A")
    course.built("B")
    with pytest.raises(sa.exc.IntegrityError), course.store.deciding() as tx:
        tx.execute(layers.rows.update().values(retired_at=None))


def test_only_the_end_of_an_endless_log_is_kept(course):
    course.want("A")
    layer = course.begin()
    course.store.decide(layers.say, layer.id, "x" * 300_000 + "end")
    said = course.store.read(layers.log_of, layer.id)
    assert len(said) == layers.MOST_LOG
    assert said.endswith("end")
    assert course.all[0].state is LayerState.BUILDING
