"""Starts that the hub forgot are asked for again, once, and only those."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub import sessions
from hub.enums import Reason, State
from hub.reentry import AGAIN_AFTER, Reentry
from hub.sessions import Session
from hub.store import Store
from spawner.errors import CarrelError, Code

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(minutes=1)
SPAWNING = {"ready": False, "pending": "spawn"}
REFUSED = CarrelError(Code.REFUSED, "The hub says: no such profile.")


@dataclass
class FakeHub:
    """Knows some servers; starts what it is asked for unless there is trouble."""

    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    trouble: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    started: list[tuple[str, str]] = field(default_factory=list)
    meanwhile: Any = None
    """Happens while the hub thinks about a server."""
    _lock: Any = field(default_factory=threading.Lock)

    def server(self, name: str) -> dict[str, Any] | None:
        with self._lock:
            self.asked.append(name)
        found = self.servers.get(name)
        if self.meanwhile:
            self.meanwhile()
        return found

    def resume_server(self, name: str, profile: str) -> None:
        if name in self.trouble:
            raise self.trouble[name]
        with self._lock:
            self.started.append((name, profile))
            self.servers[name] = SPAWNING


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def reentry(store: Store, hub: FakeHub) -> Reentry:
    return Reentry(store, hub, NOW)  # type: ignore[arg-type]


def waits(store: Store, name: str, at: datetime = EARLIER) -> Session:
    return store.decide(sessions.open_session, name, "small", at)


async def test_those_who_waited_before_are_asked_for_once(
    reentry: Reentry, hub: FakeHub, store: Store
) -> None:
    for name in ("ada", "bob"):
        waits(store, name)
    hub.servers["bob"] = SPAWNING  # was quicker, with a click
    for seconds in (0, 2, 4):
        await reentry.bring_back(NOW + timedelta(seconds=seconds))
    assert hub.started == [("ada", "small")]
    assert sorted(hub.asked) == ["ada", "bob"]


async def test_who_came_since_is_in_the_hub_and_not_asked_about(
    reentry: Reentry, hub: FakeHub, store: Store
) -> None:
    waits(store, "ada", NOW)
    await reentry.bring_back(NOW + timedelta(seconds=10))
    assert hub.asked == []
    await reentry.bring_back(NOW + AGAIN_AFTER)
    assert hub.started == [("ada", "small")]


async def test_a_start_that_died_with_the_hub_is_asked_for_again(
    reentry: Reentry, hub: FakeHub, store: Store
) -> None:
    old, new, runs = waits(store, "ada"), waits(store, "bob", NOW), waits(store, "eve")
    for session in (old, new, runs):
        store.decide(sessions.mark_starting, session.id, NOW)
    store.decide(sessions.mark_running, runs.id, "c", "http://10.0.0.1/", NOW)
    await reentry.bring_back(NOW + AGAIN_AFTER)
    assert hub.started == [("ada", "small")]


async def test_while_the_hub_is_still_looking_it_is_asked_again_soon(
    reentry: Reentry, hub: FakeHub, store: Store
) -> None:
    waits(store, "ada")
    hub.servers["ada"] = {"ready": False, "pending": "check"}
    await reentry.bring_back(NOW)
    del hub.servers["ada"]
    await reentry.bring_back(NOW + timedelta(seconds=2))
    assert hub.started == [("ada", "small")]


async def test_who_cancels_in_between_is_not_started(
    reentry: Reentry, hub: FakeHub, store: Store
) -> None:
    session = waits(store, "ada")
    hub.meanwhile = lambda: store.decide(
        sessions.close_session, session.id, Reason.STOPPED_BY_USER, NOW
    )
    await reentry.bring_back(NOW)
    assert hub.started == []


async def test_a_place_that_the_hub_refuses_is_closed_with_its_sentence(
    reentry: Reentry, hub: FakeHub, store: Store
) -> None:
    session = waits(store, "ada")
    waits(store, "bob")
    hub.trouble["ada"] = REFUSED
    await reentry.bring_back(NOW)
    closed = store.read(sessions.get, session.id)
    assert (closed.state, closed.reason) == (State.ENDED, Reason.FAILED_TO_START)
    assert "no such profile" in closed.detail
    assert hub.started == [("bob", "small")]


async def test_a_refusal_because_somebody_was_quicker_closes_nothing(
    reentry: Reentry, hub: FakeHub, store: Store
) -> None:
    session = waits(store, "ada")
    hub.trouble["ada"] = REFUSED
    answers = iter([None, SPAWNING])
    hub.server = lambda _name: next(answers)  # type: ignore[method-assign]
    await reentry.bring_back(NOW)
    assert store.read(sessions.get, session.id).state is State.QUEUED


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.FAILED])
async def test_a_hub_that_cannot_do_it_now_is_asked_again_and_nothing_is_lost(
    reentry: Reentry, hub: FakeHub, store: Store, code: Code
) -> None:
    session = waits(store, "ada")
    hub.trouble["ada"] = CarrelError(code, "not now")
    await reentry.bring_back(NOW)
    assert store.read(sessions.get, session.id).state is State.QUEUED
    hub.trouble.clear()
    await reentry.bring_back(NOW + timedelta(seconds=2))
    assert hub.started == [("ada", "small")]
