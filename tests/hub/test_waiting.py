"""Waiting in the queue until it is one's turn, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from hub import accounts, sessions, waiting
from hub.audit import By
from hub.enums import Reason, Role, State
from hub.lifecycle import Lifecycle
from hub.queueing import House, Limits
from hub.sessions import Session
from hub.store import Store
from spawner.confinement import GIB
from spawner.ending import Cause, Ending
from spawner.errors import CarrelError, Code
from spawner.profiles import Catalog, Profile, Request
from spawner.wait import Wait

SMALL = Profile("small", "Small", "", "base", 1, GIB, GIB)
BIG = Profile("big", "Big", "", "base", 2, 3 * GIB, 3 * GIB)
CATALOG = Catalog((SMALL, BIG), {"base": "carrel/base:1"})
READY = {"carrel/base:1"}
NAMES = tuple(f"u{n:02}" for n in range(20))


@dataclass
class Queue:
    """A hub's lifecycle, its waiters, and a clock that is set by hand."""

    store: Store
    limits: Limits = field(default=Limits(30 * GIB, 3, timedelta(minutes=10)))
    now: datetime = field(default=datetime(2026, 3, 1, 9, 0, tzinfo=UTC))
    places: dict[str, list[Wait]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    tasks: dict[str, asyncio.Task[str]] = field(default_factory=dict)
    lifecycle: Lifecycle = field(init=False)

    def __post_init__(self) -> None:
        self.open(self.limits)

    def open(self, limits: Limits) -> None:
        """A hub that has just started; the one before it was killed and settled nothing."""
        for task in self.tasks.values():
            task.cancel()
        self.places.clear()
        self.order.clear()
        house = House(CATALOG, limits)
        self.lifecycle = Lifecycle(self.store, house, clock=lambda: self.now)

    async def wait(self, name: str, profile: Profile = SMALL) -> str:
        grant = await self.lifecycle.enqueue(Request(name, profile), READY)
        await self.lifecycle.turn(grant.session_id, self.places.setdefault(name, []).append)
        self.order.append(name)
        return grant.session_id

    async def come(self, *names: str, profile: Profile = SMALL) -> None:
        """One after the other; returns when all have a place or their turn."""
        for name in names:
            self.now += timedelta(seconds=1)
            self.tasks[name] = asyncio.create_task(self.wait(name, profile))
            while not self.tasks[name].done() and not self.places.get(name):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def ready(self, name: str) -> None:
        await self.lifecycle.running(self.session(name).id, "c1", f"http://10.0.0.1/{name}/")

    async def leave(self, name: str, cause: Cause = Cause.STOPPED) -> None:
        await self.lifecycle.settle(Ending(self.session(name).id, cause))

    def session(self, name: str) -> Session:
        return self.store.read(sessions.of_user, name)[0]

    def starting(self) -> list[str]:
        active = self.store.read(sessions.active)
        return [s.user for s in active if s.state is State.STARTING]

    def place(self, name: str) -> int:
        return self.places[name][-1].place


@pytest.fixture
async def queue(store: Store, by: By, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Queue]:
    """Three at a time, memory for all."""
    monkeypatch.setattr(waiting, "REST_S", 0.01)
    monkeypatch.setattr(waiting, "LOOK_EVERY_S", 0.2)
    for name in NAMES:
        store.decide(accounts.create, accounts.NewAccount(name, Role.STUDENT), by)
    queue = Queue(store)
    yield queue
    for task in queue.tasks.values():
        task.cancel()
    await asyncio.gather(*queue.tasks.values(), return_exceptions=True)


async def soon(true: object, within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not true():  # type: ignore[operator]  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_twenty_at_once_all_arrive_and_never_more_than_the_slots_start(queue: Queue) -> None:
    tasks = [asyncio.create_task(queue.wait(name)) for name in NAMES]
    arrived = 0
    while arrived < len(NAMES):
        await soon(queue.starting)
        starting = queue.starting()
        assert len(starting) <= 3
        for name in starting:
            await queue.ready(name)
            arrived += 1
    await asyncio.gather(*tasks)
    assert sorted(queue.order) == sorted(NAMES)
    assert all(s.state is State.RUNNING for s in queue.store.read(sessions.active))


async def test_turns_come_in_order_and_places_count_down(queue: Queue) -> None:
    await queue.come(*NAMES[:6])
    assert (queue.starting(), queue.order) == ([*NAMES[:3]], [*NAMES[:3]])
    assert [queue.place(name) for name in NAMES[3:6]] == [1, 2, 3]
    assert "3 are starting" in queue.places["u03"][0].reason
    for name in NAMES[:3]:
        await queue.ready(name)
    await asyncio.gather(*queue.tasks.values())
    assert queue.order == [*NAMES[:6]]
    places = [wait.place for wait in queue.places["u05"]]
    assert places[0] == 3 and places == sorted(places, reverse=True)


async def test_a_full_machine_is_a_place_with_its_reason_until_somebody_stops(queue: Queue) -> None:
    queue.open(Limits(2 * GIB, 3, timedelta(minutes=10)))
    await queue.come("u00", "u01", "u02")
    assert "its memory is promised to 2 sessions" in queue.places["u02"][-1].reason
    await queue.ready("u00")
    await asyncio.sleep(0.1)
    assert not queue.tasks["u02"].done()
    await queue.leave("u00")
    await asyncio.wait_for(queue.tasks["u02"], 5)
    assert len(queue.store.read(sessions.active)) == 2


async def test_what_other_processes_end_makes_room_too(queue: Queue, store: Store) -> None:
    queue.open(Limits(GIB, 3, timedelta(minutes=10)))
    await queue.come("u00", "u01")
    store.decide(sessions.close_session, queue.session("u00").id, Reason.ADMIN, queue.now)
    await asyncio.wait_for(queue.tasks["u01"], 5)


async def test_who_leaves_gives_up_the_place_and_the_others_move_up(queue: Queue) -> None:
    await queue.come(*NAMES[:6])
    queue.tasks["u03"].cancel()
    await queue.leave("u03", Cause.START_CANCELLED)
    await soon(lambda: queue.place("u05") == 2)
    session = queue.session("u03")
    assert (session.state, session.reason) == (State.ENDED, Reason.STOPPED_BY_USER)
    await queue.ready("u00")
    await asyncio.wait_for(queue.tasks["u04"], 5)
    assert queue.order[-1] == "u04"


async def test_who_loses_the_place_is_told(queue: Queue, store: Store, by: By) -> None:
    await queue.come(*NAMES[:5])
    store.decide(sessions.close_session, queue.session("u03").id, Reason.ADMIN, queue.now)
    with pytest.raises(CarrelError, match="given up"):
        await asyncio.wait_for(queue.tasks["u03"], 5)
    # Disabled while they waited: found out when it is their turn.
    store.decide(accounts.disable, "u04", by)
    await queue.ready("u00")
    with pytest.raises(CarrelError, match="given up"):
        await asyncio.wait_for(queue.tasks["u04"], 5)
    assert queue.session("u04").reason is Reason.ADMIN


async def test_a_disabled_accounts_turn_goes_to_the_next(
    queue: Queue, store: Store, by: By
) -> None:
    await queue.come(*NAMES[:5])
    store.decide(accounts.disable, "u03", by)
    await queue.ready("u00")
    await asyncio.wait_for(queue.tasks["u04"], 5)


async def test_a_database_that_is_away_is_waited_for(
    queue: Queue, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await queue.come(*NAMES[:4])
    away = True
    read = store.read

    def sometimes(*args: object) -> object:
        if away:
            raise CarrelError(Code.UNAVAILABLE, "away")
        return read(*args)

    monkeypatch.setattr(store, "read", sometimes)
    session_id = read(sessions.active)[0].id
    await queue.lifecycle.running(session_id, "c1", "http://10.0.0.1/u00/")
    await asyncio.sleep(0.3)
    assert not queue.tasks["u03"].done()
    away = False
    await asyncio.wait_for(queue.tasks["u03"], 5)


async def test_after_a_restart_places_are_held_and_taken_up_in_order(queue: Queue) -> None:
    await queue.come(*NAMES[:7])
    ids = {name: queue.session(name).id for name in NAMES[:7]}
    queue.open(queue.limits)
    # Somebody new, and then those who waited, the other way round.
    for name in ("u19", "u06", "u05", "u04"):
        await queue.come(name)
    assert [queue.place(name) for name in ("u04", "u05", "u06", "u19")] == [2, 3, 4, 5]
    await queue.ready("u00")
    await asyncio.sleep(0.1)
    assert queue.order == [], "the slot is u03's, who is not back yet"
    await queue.come("u03")
    for name in ("u01", "u02"):
        await queue.ready(name)
    await asyncio.wait_for(asyncio.gather(*(queue.tasks[f"u0{n}"] for n in (3, 4, 5))), 5)
    assert queue.order == ["u03", "u04", "u05"]
    assert {name: queue.session(name).id for name in NAMES[:7]} == ids


async def test_a_place_is_not_held_for_ever(queue: Queue) -> None:
    await queue.come(*NAMES[:4])
    queue.open(queue.limits)
    await queue.come("u10")
    assert queue.place("u10") == 2
    queue.now += waiting.HELD_FOR
    await queue.ready("u00")
    await asyncio.wait_for(queue.tasks["u10"], 5)
    assert queue.session("u03").state is State.QUEUED, "only passed over"


async def test_asking_for_something_else_gives_up_the_old_place(queue: Queue) -> None:
    await queue.come(*NAMES[:5])
    old = queue.session("u03")
    queue.open(queue.limits)
    await queue.come("u04")
    await queue.come("u03", profile=BIG)
    assert queue.session("u03").id != old.id and queue.place("u03") == 2
    closed = queue.store.read(sessions.get, old.id)
    assert (closed.state, closed.reason) == (State.ENDED, Reason.STOPPED_BY_USER)


async def test_a_place_that_can_never_be_had_is_closed_with_the_reason(queue: Queue) -> None:
    await queue.come(*NAMES[:3])
    await queue.come("u03", profile=BIG)
    queue.open(Limits(2 * GIB, 3, timedelta(0)))  # the machine has less memory now
    with pytest.raises(CarrelError, match="more memory than this machine has"):
        await queue.wait("u03", BIG)
    session = queue.session("u03")
    assert session.reason is Reason.FAILED_TO_START and "more memory" in session.detail


async def test_a_hub_that_is_ended_keeps_the_places(queue: Queue) -> None:
    await queue.come(*NAMES[:5])
    # As JupyterHub does on SIGTERM: every task at once, whatever it does.
    current = asyncio.current_task()
    tasks = [task for task in asyncio.all_tasks() if task is not current]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for name in NAMES[3:5]:
        await queue.leave(name, Cause.START_CANCELLED)
        assert queue.session(name).state is State.QUEUED
    await queue.leave("u00", Cause.START_CANCELLED)
    assert queue.session("u00").state is State.ENDED
