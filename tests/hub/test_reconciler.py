"""The reconciler, with a hub and a node that fail on demand and a database that is real."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from hub import sessions
from hub.enums import Reason, State
from hub.reconciler import Reconciler
from hub.reconciling import CLEARING_UP_FOR, GOES_ON_WITHIN, Container, Stand
from hub.sessions import Session
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.conftest import NOW

AWAY = CarrelError(Code.UNAVAILABLE, "away")
BUSY = CarrelError(Code.CONFLICT, "its removal is under way")
MINUTE = timedelta(minutes=1)
LATER = NOW + 60 * MINUTE


@dataclass
class FakeHub:
    """Has some sessions, by their ids; counts how often it is asked."""

    has: set[str] = field(default_factory=set)
    trouble: CarrelError | None = None
    asked: int = 0

    def sessions(self) -> set[str]:
        self.asked += 1
        if self.trouble:
            raise self.trouble
        return self.has


@dataclass
class FakeNode:
    """Has containers by name; ``trouble`` is raised for a name, or for the list."""

    there: dict[str, Container] = field(default_factory=dict)
    trouble: dict[str, CarrelError] = field(default_factory=dict)
    graces: list[int] = field(default_factory=list)

    def add(self, session: str, stand: Stand = Stand.LIVE) -> str:
        name = f"carrel-x-{session}"
        self.there[name] = Container(name, session, stand)
        return name

    async def containers(self) -> list[Container]:
        if "" in self.trouble:
            raise self.trouble[""]
        return list(self.there.values())

    async def end_container(self, name: str, grace_s: int) -> None:
        if name in self.trouble:
            raise self.trouble[name]
        self.graces.append(grace_s)
        self.there.pop(name, None)


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def reconciler(store: Store, hub: FakeHub, node: FakeNode) -> Reconciler:
    """Of a hub that began a minute after NOW."""
    return Reconciler(store, hub, node, 10, NOW + MINUTE)


def running(store: Store, user: str) -> Session:
    session = store.decide(sessions.open_session, user, "small", NOW)
    store.decide(sessions.mark_starting, session.id, NOW)
    return store.decide(sessions.mark_running, session.id, "c", "http://x/", NOW)


def now(store: Store, session: Session) -> Session:
    return store.read(sessions.get, session.id)


async def test_containers_that_no_session_has_are_removed(
    reconciler: Reconciler, store: Store, hub: FakeHub, node: FakeNode
) -> None:
    known = running(store, "ada")
    kept = node.add(known.id)
    ended = running(store, "bob")
    node.add(ended.id)
    store.decide(sessions.close_session, ended.id, Reason.EXITED, NOW)
    node.add("feedfeedfeed", Stand.NEVER_STARTED)
    hub.has = {known.id}
    await reconciler.look(LATER)
    assert list(node.there) == [kept]
    assert sorted(node.graces) == [0, 10]
    assert now(store, ended).reason is Reason.EXITED


async def test_what_an_earlier_hub_left_is_ended_and_what_the_hub_knows_is_not(
    reconciler: Reconciler, store: Store, hub: FakeHub, node: FakeNode
) -> None:
    kept, lost, gone = (running(store, name) for name in ("ada", "bob", "eve"))
    node.add(kept.id)
    node.add(lost.id)
    hub.has = {kept.id}
    await reconciler.look(LATER)
    assert now(store, kept).state is State.RUNNING
    assert now(store, lost).reason is Reason.UNKNOWN
    assert now(store, gone).reason is Reason.ENGINE_LOST
    assert [one.session for one in node.there.values()] == [kept.id]


@pytest.mark.parametrize("stand", [Stand.LIVE, Stand.ENDED, None])
async def test_a_hub_that_loses_a_session_it_had_is_noticed_within_a_minute(
    reconciler: Reconciler, store: Store, hub: FakeHub, node: FakeNode, stand: Stand | None
) -> None:
    """Not at once: a session's record ends a moment after the hub has let go of it."""
    kept, lost = running(store, "ada"), running(store, "bob")
    node.add(kept.id)
    if stand is not None:
        node.add(lost.id, stand)
    hub.has = {kept.id, lost.id}
    await reconciler.look(LATER)
    hub.has = {kept.id}
    for second in range(10, 70, 10):
        await reconciler.look(LATER + timedelta(seconds=second))
        if second < 40:
            assert now(store, lost).state is State.RUNNING
    assert now(store, lost).reason in (Reason.UNKNOWN, Reason.EXITED, Reason.ENGINE_LOST)
    assert now(store, kept).state is State.RUNNING
    assert [one.session for one in node.there.values()] == [kept.id]


async def test_of_two_containers_of_one_user_the_one_on_record_stays(
    reconciler: Reconciler, store: Store, hub: FakeHub, node: FakeNode
) -> None:
    older = running(store, "ada")
    node.add(older.id)
    store.decide(sessions.close_session, older.id, Reason.UNKNOWN, NOW)
    newer = running(store, "ada")
    kept = node.add(newer.id)
    hub.has = {newer.id}
    await reconciler.look(LATER)
    assert list(node.there) == [kept]


async def test_a_thousand_sessions_are_one_question_to_the_hub(
    reconciler: Reconciler, store: Store, hub: FakeHub, node: FakeNode
) -> None:
    ids = [running(store, f"u{n}").id for n in range(40)]
    for id_ in ids:
        node.add(id_)
    hub.has = set(ids)
    await reconciler.look(LATER)
    assert hub.asked == 1 and len(node.there) == 40


async def test_a_start_that_a_crash_interrupted_is_ended_with_what_it_made(
    reconciler: Reconciler, store: Store, node: FakeNode
) -> None:
    session = store.decide(sessions.open_session, "ada", "small", NOW)
    store.decide(sessions.mark_starting, session.id, NOW)
    node.add(session.id, Stand.NEVER_STARTED)
    await reconciler.look(NOW + MINUTE)
    assert now(store, session).state is State.STARTING and node.there
    await reconciler.look(NOW + MINUTE + GOES_ON_WITHIN)
    assert now(store, session).reason is Reason.FAILED_TO_START
    assert node.there == {}


async def test_a_start_of_this_hub_is_left_to_it_until_it_seems_forgotten(
    reconciler: Reconciler, store: Store, hub: FakeHub
) -> None:
    began = NOW + 2 * MINUTE
    session = store.decide(sessions.open_session, "ada", "small", began)
    store.decide(sessions.mark_starting, session.id, began)
    asked_at = began + 2 * MINUTE
    await reconciler.look(asked_at)
    await reconciler.look(asked_at + CLEARING_UP_FOR / 2)
    assert now(store, session).state is State.STARTING
    # Known again in between: the time begins anew.
    hub.has = {session.id}
    await reconciler.look(asked_at + CLEARING_UP_FOR * 0.9)
    hub.has = set()
    await reconciler.look(asked_at + CLEARING_UP_FOR)
    assert now(store, session).state is State.STARTING
    await reconciler.look(asked_at + 2 * CLEARING_UP_FOR)
    assert now(store, session).reason is Reason.FAILED_TO_START


@pytest.mark.parametrize("who", ["engine", "hub"])
async def test_unknown_changes_nothing(
    reconciler: Reconciler, store: Store, hub: FakeHub, node: FakeNode, who: str
) -> None:
    """Neither where the engine, nor where the hub cannot be asked."""
    session = running(store, "ada")
    node.add(session.id)
    if who == "engine":
        node.trouble[""] = AWAY
    else:
        hub.trouble = AWAY
    with pytest.raises(CarrelError):
        await reconciler.look(LATER)
    assert now(store, session).state is State.RUNNING and len(node.there) == 1


async def test_a_row_is_closed_only_after_its_container_is_gone(
    reconciler: Reconciler, store: Store, node: FakeNode
) -> None:
    stuck, other = running(store, "ada"), running(store, "bob")
    name = node.add(stuck.id)
    node.add(other.id)
    node.trouble[name] = BUSY
    await reconciler.look(LATER)
    assert now(store, stuck).state is State.RUNNING
    assert now(store, other).state is State.ENDED
    node.trouble.clear()
    await reconciler.look(LATER + MINUTE)
    assert now(store, stuck).reason is Reason.UNKNOWN
