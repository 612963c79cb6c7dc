"""Housekeeping's keeper of Drive sidecars: real tables, and a node that fails as real ones do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from hub import accounts, drive_keeper, drive_links, drive_syncs, sessions
from hub.accounts import NewAccount
from hub.audit import By
from hub.drive_bearers import Bearers
from hub.drive_keeper import DriveKeeper, Told
from hub.drive_keeping import Sidecar
from hub.drive_links import Consent
from hub.enums import DriveScope, Reason, Role
from hub.reconciling import Stand
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.conftest import NOW

AWAY = CarrelError(Code.UNAVAILABLE, "away")
BEARERS = Bearers.of([b"k" * 32])
SECOND = timedelta(seconds=1)
TOLD = Told("http://10.203.0.2:8081/hub/api/carrel/drive", ("https_proxy=http://p:1",))


@dataclass
class FakeNode:
    """Has one sidecar a user; an end takes until ``flushed``."""

    there: dict[str, Sidecar] = field(default_factory=dict)
    bearers: dict[str, str] = field(default_factory=dict)
    """By session: what the sidecar that runs was started with."""
    bodies: list[dict[str, object]] = field(default_factory=list)
    trouble: CarrelError | None = None
    """Of every question."""
    start_trouble: CarrelError | None = None
    end_trouble: CarrelError | None = None
    late: bool = False
    """Starts are carried out, and the answer is lost."""
    flushed: asyncio.Event = field(default_factory=asyncio.Event)
    lists: int = 0
    under_way: int = 0
    ended: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.flushed.set()

    async def sidecars(self) -> list[Sidecar]:
        self.lists += 1
        self._answer(self.trouble)
        return list(self.there.values())

    async def start_sidecar(self, user: str, body: dict[str, object]) -> None:
        self._answer(self.trouble or self.start_trouble)
        if user in self.there:
            raise CarrelError(Code.CONFLICT, "A sidecar of that user is there.")
        session = str(body["session"])
        self.bodies.append(body)
        self.there[user] = Sidecar(user, session, Stand.LIVE)
        self.bearers[session] = str(body["bearer"])
        if self.late:
            raise AWAY

    async def end_sidecar(self, user: str, session: str) -> bool:
        self._answer(self.trouble or self.end_trouble)
        self.under_way += 1
        await self.flushed.wait()
        self.under_way -= 1
        self.ended.append(session)
        found = self.there.get(user)
        if found is None or found.session != session:
            return False
        del self.there[user]
        return True

    def crash(self, user: str, code: int = 137) -> None:
        one = self.there[user]
        self.there[user] = Sidecar(one.user, one.session, Stand.ENDED, code)

    @staticmethod
    def _answer(trouble: CarrelError | None) -> None:
        if trouble:
            raise trouble


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Stage:
    store: Store
    node: FakeNode
    clock: Clock
    keeper: DriveKeeper

    async def look(self, after: timedelta = SECOND) -> None:
        """A look, and all that it began."""
        await self.glance(after)
        async with asyncio.timeout(10):
            await self.keeper.settled()

    async def glance(self, after: timedelta = SECOND) -> None:
        """A look alone."""
        self.clock.now += after
        await self.keeper.look(self.clock.now)
        await asyncio.sleep(0)

    def link(self, user: str) -> None:
        by = By(user, NOW)
        if not self.store.read(accounts.find, user):
            self.store.decide(accounts.create, NewAccount(user, Role.STUDENT), by)
        consent = Consent("sealed", DriveScope.FULL, f"{user}@x.org", "root")
        self.store.decide(drive_links.link, user, consent, by)
        self.store.decide(drive_links.choose, user, (), True, by)

    def session(self, user: str) -> str:
        id_ = self.store.decide(sessions.open_session, user, "small", NOW).id
        self.store.decide(sessions.mark_starting, id_, NOW)
        return id_

    def end(self, session: str) -> None:
        self.store.decide(sessions.close_session, session, Reason.EXITED, self.clock.now)

    def opens(self, session: str) -> bool:
        """Whether the bearer of the sidecar that runs opens the hub."""
        bearer = self.node.bearers[session]
        found = self.store.read(drive_syncs.by_bearer, bearer, BEARERS, self.clock.now)
        return found is not None and found.session == session

    def again(self) -> None:
        """Housekeeping begins anew."""
        self.keeper = DriveKeeper(self.store, self.node, TOLD, lambda: BEARERS, self.clock)


@pytest.fixture
def stage(store: Store) -> Stage:
    node, clock = FakeNode(), Clock()
    made = Stage(store, node, clock, DriveKeeper(store, node, TOLD, lambda: BEARERS, clock))
    for user in ("ada", "bob"):
        made.link(user)
    return made


async def test_a_session_of_a_linked_user_gets_a_sidecar_with_a_bearer_of_its_own(
    stage: Stage,
) -> None:
    ada = stage.session("ada")
    stage.session("eve")
    await stage.look()
    await stage.look()
    (body,) = stage.node.bodies
    assert body == {
        "session": ada,
        "bearer": stage.node.bearers[ada],
        "hub_url": TOLD.hub_url,
        "proxies": ["https_proxy=http://p:1"],
    }
    assert stage.opens(ada)


async def test_it_ends_with_its_session_and_so_does_its_bearer_once_it_has_flushed(
    stage: Stage,
) -> None:
    ada = stage.session("ada")
    await stage.look()
    stage.store.decide(sessions.mark_draining, ada)
    await stage.look()
    assert not stage.node.ended  # the session's container is there still
    stage.end(ada)
    stage.node.flushed.clear()
    await stage.glance()
    await stage.glance()
    assert stage.node.under_way == 1
    assert stage.opens(ada)  # it needs it to flush
    stage.node.flushed.set()
    await stage.keeper.settled()
    assert not stage.node.there
    assert not stage.opens(ada)
    await stage.look()
    assert stage.node.ended == [ada]


async def test_ends_go_on_together_and_no_start_waits_for_them(stage: Stage) -> None:
    ada, bob = stage.session("ada"), stage.session("bob")
    await stage.look()
    stage.end(ada)
    stage.end(bob)
    stage.node.flushed.clear()
    await stage.glance()
    assert stage.node.under_way == 2
    stage.link("cyd")
    cyd = stage.session("cyd")
    await stage.glance()
    await _eventually(lambda: "cyd" in stage.node.there)
    assert stage.node.there["cyd"].session == cyd
    stage.node.flushed.set()
    await stage.keeper.settled()


async def test_a_new_sessions_sidecar_waits_until_the_earlier_one_has_gone(stage: Stage) -> None:
    first = stage.session("ada")
    await stage.look()
    stage.end(first)
    second = stage.session("ada")
    stage.node.flushed.clear()
    await stage.glance()
    await stage.glance()
    assert stage.node.there["ada"].session == first
    stage.node.flushed.set()
    await stage.keeper.settled()
    await stage.look()
    assert stage.node.there["ada"].session == second
    assert stage.opens(second)


async def test_who_disconnects_is_flushed_and_ended_and_may_come_back(stage: Stage) -> None:
    ada = stage.session("ada")
    await stage.look()
    stage.store.decide(drive_links.disconnect, "ada", By("ada", NOW))
    await stage.look()
    assert (stage.node.there, stage.node.ended) == ({}, [ada])
    stage.link("ada")
    await stage.look()
    assert stage.opens(ada)


async def test_one_whose_bearer_opens_nothing_any_more_is_replaced(stage: Stage) -> None:
    """Disconnected and connected again between two looks."""
    ada = stage.session("ada")
    await stage.look()
    stage.store.decide(drive_syncs.end_all_of, "ada", NOW)
    assert not stage.opens(ada)
    await stage.look()
    await stage.look()
    assert stage.opens(ada)


async def test_a_crash_is_followed_by_a_new_one_with_a_fresh_bearer_later_each_time(
    stage: Stage,
) -> None:
    ada = stage.session("ada")
    await stage.look()
    for wait_s in (2, 4, 8):
        bearer = stage.node.bearers[ada]
        stage.node.crash("ada")
        await stage.look()
        assert not stage.node.there
        assert not stage.opens(ada)
        await stage.look((wait_s - 1) * SECOND)
        assert not stage.node.there
        await stage.look()
        assert stage.node.bearers[ada] != bearer
        assert stage.opens(ada)
    # One that lived on for long begins at the shortest wait again.
    await stage.look(timedelta(minutes=5))
    stage.node.crash("ada")
    await stage.look()
    await stage.look(2 * SECOND)
    assert stage.opens(ada)


async def test_the_session_ends_while_its_sidecar_lies_crashed(stage: Stage) -> None:
    ada = stage.session("ada")
    await stage.look()
    stage.node.crash("ada")
    stage.end(ada)
    await stage.look()
    assert (stage.node.there, stage.opens(ada)) == ({}, False)


async def test_where_node_cannot_be_asked_nothing_is_concluded(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    ada, bob = stage.session("ada"), stage.session("bob")
    await stage.look()
    stage.node.trouble = AWAY
    stage.end(bob)
    for _ in range(3):
        await stage.look()
    assert stage.opens(ada)
    assert stage.opens(bob)
    assert set(stage.node.there) == {"ada", "bob"}
    assert len([line for line in caplog.messages if "unknown, and kept" in line]) == 1
    stage.node.trouble = None
    await stage.look()
    assert set(stage.node.there) == {"ada"}
    assert stage.opens(ada)


async def test_a_start_whose_answer_was_lost_is_taken_on(stage: Stage) -> None:
    ada = stage.session("ada")
    stage.node.late = True
    await stage.look()
    stage.node.late = False
    await stage.look(timedelta(minutes=2))
    assert len(stage.node.bodies) == 1
    assert stage.opens(ada)


async def test_a_start_that_came_after_it_was_given_up_is_replaced(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bearer had been replaced when it turned up."""
    ada = stage.session("ada")
    stage.node.late = True
    await stage.look()
    stage.node.late = False
    seen = FakeNode.sidecars

    async def not_seen(_: FakeNode) -> list[Sidecar]:
        return []

    monkeypatch.setattr(FakeNode, "sidecars", not_seen)
    await stage.look(timedelta(minutes=2))
    monkeypatch.setattr(FakeNode, "sidecars", seen)
    assert stage.node.ended == [ada]
    await stage.look(timedelta(minutes=2))
    assert stage.opens(ada)


async def test_an_image_that_is_not_there_yet_is_waited_for(stage: Stage) -> None:
    ada = stage.session("ada")
    stage.node.start_trouble = CarrelError(Code.UNAVAILABLE, "The image is still being built.")
    for _ in range(20):
        await stage.look()
    stage.node.start_trouble = None
    await stage.look(timedelta(seconds=60))
    assert stage.opens(ada)


async def test_an_end_that_fails_is_tried_again_and_its_bearer_lives_as_long(stage: Stage) -> None:
    ada = stage.session("ada")
    await stage.look()
    stage.end(ada)
    stage.node.end_trouble = AWAY
    await stage.look()
    assert stage.opens(ada)
    stage.node.end_trouble = None
    await stage.look(timedelta(seconds=2))
    assert (stage.node.there, stage.opens(ada)) == ({}, False)


async def test_housekeeping_that_begins_anew_takes_on_what_runs(stage: Stage) -> None:
    ada, bob = stage.session("ada"), stage.session("bob")
    await stage.look()
    stage.end(bob)
    stage.again()
    await stage.look()
    await stage.look()
    assert len(stage.node.bodies) == 2  # nothing was started twice
    assert stage.opens(ada)
    assert (set(stage.node.there), stage.node.ended) == ({"ada"}, [bob])


async def test_housekeeping_that_was_killed_at_an_end_ends_it(stage: Stage) -> None:
    ada = stage.session("ada")
    await stage.look()
    stage.end(ada)
    stage.node.flushed.clear()
    await stage.glance()
    for task in stage.keeper._tasks.values():
        task.cancel()
    await asyncio.sleep(0)
    stage.again()
    stage.node.flushed.set()
    await stage.look()
    assert (stage.node.there, stage.opens(ada)) == ({}, False)


async def test_a_bearer_of_a_container_that_was_taken_away_with_its_session_is_closed(
    stage: Stage,
) -> None:
    ada = stage.session("ada")
    await stage.look()
    stage.node.there.clear()
    stage.end(ada)
    await stage.look()
    assert not stage.opens(ada)


async def test_where_nobody_has_a_drive_the_engine_is_hardly_asked(stage: Stage) -> None:
    for _ in range(drive_keeper.QUIET_LOOKS * 2):
        await stage.look()
    assert stage.node.lists <= 3


async def test_a_leftover_that_nobody_knows_of_is_ended(stage: Stage) -> None:
    stage.node.there["eve"] = Sidecar("eve", "e" * 12, Stand.LIVE)
    for _ in range(drive_keeper.QUIET_LOOKS + 1):
        await stage.look()
    assert stage.node.ended == ["e" * 12]


async def _eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
