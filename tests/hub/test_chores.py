"""Housekeeping's chores, with a hub and a node that fail on demand."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from hub import accounts, departures, homes, housekeeping, outsiders, sessions
from hub.accounts import NewAccount
from hub.audit import By
from hub.chores import Chores
from hub.enums import Reason, Role, State
from hub.hub_api import WantedEnd
from hub.settings import Settings
from hub.store import Store
from spawner.errors import CarrelError, Code

AWAY = CarrelError(Code.UNAVAILABLE, "away")
DAY = timedelta(days=1)


@dataclass
class FakeHub:
    """Knows some users; ``trouble`` is raised for a name."""

    users: set[str] = field(default_factory=set)
    trouble: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ended: list[WantedEnd] = field(default_factory=list)

    def knows(self, name: str) -> bool:
        self.asked.append(name)
        if name in self.trouble:
            raise self.trouble[name]
        return name in self.users

    def end_session(self, ending: WantedEnd, timeout_s: float) -> bool:
        assert timeout_s > 60
        self.ended.append(ending)
        return True

    def remove_user(self, name: str, timeout_s: float) -> None:
        assert timeout_s > 60
        self.users.discard(name)


@dataclass
class FakeNode:
    """Holds homes by name, with their sizes."""

    homes: dict[str, int] = field(default_factory=dict)
    trouble: dict[str, Exception] = field(default_factory=dict)
    measured: list[str] = field(default_factory=list)
    containers: list[str] = field(default_factory=list)

    async def names(self) -> list[str]:
        if "names" in self.trouble:
            raise self.trouble["names"]
        return list(self.homes)

    async def size(self, name: str) -> int | None:
        self.measured.append(name)
        if name in self.trouble:
            raise self.trouble[name]
        return self.homes.get(name)

    async def remove(self, name: str) -> bool:
        if name in self.trouble:
            raise self.trouble[name]
        return self.homes.pop(name, None) is not None

    async def remove_container(self, name: str) -> None:
        self.containers.append(name)


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def chores(store: Store, hub: FakeHub, node: FakeNode) -> Chores:
    return Chores(Settings(), store, hub, node)


def add(store: Store, by: By, *names: str) -> None:
    for name in names:
        store.decide(accounts.create, NewAccount(name, Role.STUDENT), by)


def delete(store: Store, by: By, *names: str) -> None:
    add(store, by, *names)
    for name in names:
        store.decide(accounts.remove, name, by, by.at + DAY)


async def test_homes_that_are_due_are_removed_and_forgotten(
    chores: Chores, store: Store, node: FakeNode, by: By
) -> None:
    delete(store, by, "mia", "never")
    node.homes = {"mia": 1, "tom": 2}

    await chores.remove_homes(by.at + DAY - timedelta(seconds=1))
    assert node.homes.keys() == {"mia", "tom"}

    await chores.remove_homes(by.at + DAY)
    assert node.homes.keys() == {"tom"}
    assert store.read(departures.listed) == []


@pytest.mark.parametrize("error", [AWAY, CarrelError(Code.CONFLICT, "a container"), OSError("x")])
async def test_a_home_that_node_did_not_remove_is_not_forgotten_and_does_not_keep_others(
    chores: Chores, store: Store, node: FakeNode, by: By, error: Exception
) -> None:
    delete(store, by, "ann", "mia")
    node.homes, node.trouble = {"ann": 1, "mia": 1}, {"ann": error}

    await chores.remove_homes(by.at + DAY)

    assert [one.name for one in store.read(departures.listed)] == ["ann"]
    node.trouble.clear()
    await chores.remove_homes(by.at + DAY)
    assert node.homes == {}
    assert store.read(departures.listed) == []


async def test_no_home_is_removed_while_the_hub_cannot_say_whether_it_is_used(
    chores: Chores, store: Store, node: FakeNode, hub: FakeHub, by: By
) -> None:
    delete(store, by, "mia")
    node.homes, hub.trouble = {"mia": 1}, {"mia": AWAY}
    await chores.remove_homes(by.at + DAY)
    assert node.homes == {"mia": 1}


async def test_a_session_that_is_left_ends_before_its_home_goes(
    chores: Chores, store: Store, node: FakeNode, hub: FakeHub, by: By
) -> None:
    delete(store, by, "mia")
    node.homes, hub.users = {"mia": 1}, {"mia"}
    await chores.remove_homes(by.at + DAY)
    assert (hub.users, node.homes) == (set(), {})


async def test_the_disabled_and_the_deleted_are_put_out_and_nobody_else(
    chores: Chores, store: Store, hub: FakeHub, by: By
) -> None:
    add(store, by, "well", "off")
    delete(store, by, "left")
    store.decide(accounts.disable, "off", by)
    hub.users = {"well", "off", "left"}

    await chores.put_out(by.at)

    assert hub.users == {"well"}
    assert "well" not in hub.asked


async def test_whoever_was_found_to_have_nothing_is_asked_about_once_an_hour(
    chores: Chores, store: Store, hub: FakeHub, by: By
) -> None:
    add(store, by, "off")
    store.decide(accounts.disable, "off", by)
    for minutes in (0, 1, 2):
        await chores.put_out(by.at + timedelta(minutes=minutes))
    assert hub.asked == ["off"]
    await chores.put_out(by.at + timedelta(minutes=61))
    assert hub.asked == ["off"] * 2


async def test_disabled_again_is_put_out_again_at_once(
    chores: Chores, store: Store, hub: FakeHub, by: By
) -> None:
    add(store, by, "off")
    store.decide(accounts.disable, "off", by)
    await chores.put_out(by.at)
    store.decide(accounts.enable, "off", by)
    hub.users = {"off"}
    await chores.put_out(by.at)
    assert hub.users == {"off"}
    store.decide(accounts.disable, "off", By("root", by.at + timedelta(seconds=1)))
    await chores.put_out(by.at + timedelta(seconds=2))
    assert hub.users == set()


async def test_one_that_cannot_be_put_out_is_tried_again_and_keeps_nobody(
    chores: Chores, store: Store, hub: FakeHub, by: By
) -> None:
    add(store, by, "off1", "off2")
    for name in ("off1", "off2"):
        store.decide(accounts.disable, name, by)
    hub.users, hub.trouble = {"off1", "off2"}, {"off1": AWAY}
    await chores.put_out(by.at)
    assert hub.users == {"off1"}
    hub.trouble.clear()
    await chores.put_out(by.at)
    assert hub.users == set()


async def test_somebody_let_in_again_meanwhile_keeps_the_session(
    chores: Chores, store: Store, hub: FakeHub, by: By, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, by, "off")
    store.decide(accounts.disable, "off", by)
    hub.users = {"off"}
    real = outsiders.everyone

    def and_then_enabled(tx):
        found = real(tx)
        monkeypatch.setattr(outsiders, "is_one", lambda _tx, _name: False)
        return found

    monkeypatch.setattr(outsiders, "everyone", and_then_enabled)
    await chores.put_out(by.at)
    assert hub.users == {"off"}


async def test_a_session_that_the_hub_forgot_is_ended_too(
    chores: Chores, store: Store, node: FakeNode, by: By
) -> None:
    add(store, by, "o.ff")
    session = store.decide(sessions.open_session, "o.ff", "small", by.at)
    store.decide(accounts.disable, "o.ff", by)

    await chores.put_out(by.at)

    assert node.containers == [f"carrel-o_2eff-{session.id}"]
    ended = store.read(sessions.get, session.id)
    assert (ended.state, ended.reason) == (State.ENDED, Reason.ADMIN)


async def test_homes_are_measured_and_what_is_gone_is_forgotten(
    chores: Chores, store: Store, node: FakeNode
) -> None:
    now = datetime.now(UTC)
    node.homes = {"mia": 5, "tom": 2**40}
    store.decide(homes.record, "left", 1, now)

    await chores.measure(now)

    sizes = {name: one.size_bytes for name, one in store.read(homes.sizes).items()}
    assert sizes == {"mia": 5, "tom": 2**40}
    await chores.measure(datetime.now(UTC))
    assert node.measured == ["mia", "tom"], "nothing has changed since"


async def test_one_home_that_cannot_be_measured_keeps_nobody(
    chores: Chores, store: Store, node: FakeNode
) -> None:
    node.homes, node.trouble = {"ann": 1, "mia": 5}, {"ann": AWAY}
    await chores.measure(datetime.now(UTC))
    assert store.read(homes.sizes).keys() == {"mia"}


async def test_a_node_that_cannot_be_asked_changes_no_size(
    chores: Chores, store: Store, node: FakeNode, by: By
) -> None:
    store.decide(homes.record, "mia", 1, by.at)
    node.trouble = {"names": AWAY}
    with pytest.raises(CarrelError):
        await chores.measure(by.at)
    assert store.read(homes.sizes)["mia"].size_bytes == 1


@pytest.mark.parametrize("error", [AWAY, CarrelError(Code.FAILED, "no"), ValueError("x")])
async def test_a_chore_that_fails_is_done_again(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done = []
    monkeypatch.setattr(housekeeping, "AGAIN_S", 0.01)

    async def chore(now: datetime) -> None:
        done.append(now)
        if len(done) < 3:
            raise error

    with caplog.at_level(logging.WARNING), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await housekeeping.again_and_again(chore, 0.02)

    assert len(done) > 3
    assert len(caplog.records) == 2


async def test_what_could_not_be_asked_is_asked_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the hub's own start, housekeeping is there first."""
    done = []
    monkeypatch.setattr(housekeeping, "AGAIN_S", 0.01)

    async def chore(now: datetime) -> None:
        done.append(now)
        if len(done) == 1:
            raise AWAY

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await housekeeping.again_and_again(chore, 60)

    assert len(done) == 2
