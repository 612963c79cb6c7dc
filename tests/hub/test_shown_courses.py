"""Who is in a course no more does not see it in a session that goes on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from hub import accounts, courses, members, sessions
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.courses import Wish
from hub.enums import Reason, Role
from hub.hub_api import WantedEnd
from hub.powers import Actor
from hub.shown_courses import HELD_ON, ShownCourses
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.conftest import NOW

TESS, ADA, MIA = (
    Actor("tess", Role.TEACHER), Actor("ada", Role.STUDENT), Actor("mia@x", Role.STUDENT),
)  # fmt: skip


@dataclass
class FakeNode:
    """Notes what each container was held to; ``trouble`` is raised for a container's user."""

    kept: list[tuple[str, list[str]]] = field(default_factory=list)
    trouble: dict[str, CarrelError] = field(default_factory=dict)

    async def keep_courses(self, container: str, slugs: Collection[str]) -> None:
        user = container.split("-")[1]
        if user in self.trouble:
            raise self.trouble[user]
        self.kept.append((user, sorted(slugs)))

    def taken(self) -> list[tuple[str, list[str]]]:
        """What came since this was asked last."""
        found, self.kept = self.kept, []
        return sorted(found)


@dataclass
class FakeHub:
    ended: list[WantedEnd] = field(default_factory=list)

    def end_session(self, ending: WantedEnd, timeout_s: float, known_within_s: float) -> bool:
        self.ended.append(ending)
        return True


def by(who: Actor) -> By:
    return By(who.name, NOW)


def start(store: Store, who: Actor) -> str:
    id_ = store.decide(sessions.open_session, who.name, "small", NOW).id
    store.decide(sessions.mark_running, id_, "c", "http://10.0.0.9:8888", NOW)
    return id_


@pytest.fixture
def school(store: Store) -> Store:
    """Two courses, ada in both, and two sessions; one waits in the queue."""
    for actor in (TESS, ADA, MIA):
        store.decide(accounts.create, NewAccount(actor.name, actor.role), By(COMMAND_LINE, NOW))
    for slug, title in (("ml", "Machines"), ("ai", "Minds")):
        store.decide(courses.make, TESS, slug, Wish(title), by(TESS))
        store.decide(members.join, ADA, slug, "", by(ADA))
    start(store, ADA)
    start(store, MIA)
    store.decide(sessions.open_session, "tess", "small", NOW)
    return store


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def shown(school: Store, node: FakeNode) -> ShownCourses:
    return ShownCourses(school, FakeHub(), node, "carrel", 70.0)


async def test_each_session_is_asked_about_once_and_when_its_courses_change(
    shown: ShownCourses, school: Store, node: FakeNode
) -> None:
    await shown.look(NOW)
    assert node.taken() == [("ada", ["ai", "ml"]), ("mia_40x", [])]
    await shown.look(NOW)
    assert node.taken() == []
    school.decide(members.remove, TESS, "ml", "ada", by(TESS))
    await shown.look(NOW)
    assert node.taken() == [("ada", ["ai"])]
    school.decide(members.leave, ADA, "ai", by(ADA))
    school.decide(members.join, MIA, "ai", "", by(MIA))
    await shown.look(NOW)
    assert node.taken() == [("ada", []), ("mia_40x", ["ai"])]


async def test_an_archived_course_is_seen_as_after_a_start(
    shown: ShownCourses, school: Store, node: FakeNode
) -> None:
    school.decide(courses.archive, TESS, "ml", by(TESS))
    await shown.look(NOW)
    assert node.taken() == [("ada", ["ai"]), ("mia_40x", [])]


async def test_the_next_session_is_another_one(
    shown: ShownCourses, school: Store, node: FakeNode
) -> None:
    await shown.look(NOW)
    node.taken()
    old = next(one for one in school.read(sessions.active) if one.user == "ada")
    school.decide(sessions.close_session, old.id, Reason.IDLE, NOW)
    await shown.look(NOW)
    assert node.taken() == []
    start(school, ADA)
    await shown.look(NOW)
    assert node.taken() == [("ada", ["ai", "ml"])]


async def test_what_could_not_be_done_is_done_later_and_keeps_nobody_else_waiting(
    shown: ShownCourses, node: FakeNode
) -> None:
    node.trouble["ada"] = CarrelError(Code.UNAVAILABLE, "away")
    with pytest.raises(CarrelError, match="away"):
        await shown.look(NOW)
    assert node.taken() == [("mia_40x", [])]
    node.trouble.clear()
    await shown.look(NOW)
    assert node.taken() == [("ada", ["ai", "ml"])]


async def test_a_session_that_keeps_it_by_force_is_ended(
    shown: ShownCourses, school: Store, node: FakeNode
) -> None:
    node.trouble["ada"] = CarrelError(Code.CONFLICT, "it does not let go")
    await shown.look(NOW)
    ada = next(one for one in school.read(sessions.active) if one.user == "ada")
    assert shown.hub.ended == [WantedEnd("ada", ada.id, Reason.ADMIN, HELD_ON)]
    await shown.look(NOW)
    assert len(shown.hub.ended) == 1
