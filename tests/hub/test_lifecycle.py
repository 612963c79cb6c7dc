"""The record of sessions as the spawner keeps it, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub import accounts, drive_links, sessions
from hub.audit import By
from hub.drive_links import Consent
from hub.enums import DriveScope, Reason, Role, State
from hub.lifecycle import REASONS, Lifecycle
from hub.queueing import House, Limits
from hub.store import Store
from spawner.confinement import GIB
from spawner.ending import Ask, Cause, Ending
from spawner.errors import CarrelError, Code
from spawner.profiles import Catalog, Grant, Profile, Request
from spawner.wait import Wait

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SMALL = Profile("small", "Small", "", "base", 1, GIB, GIB)
CATALOG = Catalog((SMALL,), {"base": "carrel/base:1"})
READY = {"carrel/base:1"}


HOUSE = House(CATALOG, Limits(2 * GIB, 3, timedelta(minutes=10)))
NAMES = ("ada", "bob", "eve", "mia")


def deaf(_wait: Wait) -> None:
    """Nobody listens to the places."""


@pytest.fixture
def lifecycle(store: Store, by: By) -> Lifecycle:
    """Room for two sessions; some people have accounts."""
    for name in NAMES:
        store.decide(accounts.create, accounts.NewAccount(name, Role.STUDENT), by)
    return Lifecycle(store, HOUSE, clock=lambda: NOW)


async def admitted(lifecycle: Lifecycle, name: str) -> Grant:
    grant = await lifecycle.enqueue(Request(name, SMALL), READY)
    await lifecycle.turn(grant.session_id, deaf)
    return grant


async def test_a_grant_is_a_session_on_record(lifecycle: Lifecycle, store: Store) -> None:
    grant = await lifecycle.enqueue(Request("ada", SMALL), READY)
    assert (grant.user, grant.profile, grant.image) == ("ada", SMALL, "carrel/base:1")
    session = store.read(sessions.get, grant.session_id)
    assert (session.user, session.profile, session.state) == ("ada", "small", State.QUEUED)
    assert await lifecycle.leftover("ada") is None
    await lifecycle.turn(grant.session_id, deaf)
    assert store.read(sessions.get, grant.session_id).state is State.STARTING
    assert await lifecycle.leftover("ada") == grant.session_id
    assert await lifecycle.leftover("bob") is None


async def test_sessions_see_a_drive_once_folders_were_chosen_also_after_a_disconnect(
    lifecycle: Lifecycle, store: Store, by: By
) -> None:
    """The files are on disk still, and may be newer than Drive's."""
    consent = Consent("sealed", DriveScope.FULL, "ada@x.org", "root")
    store.decide(drive_links.link, "ada", consent, by)
    assert not (await lifecycle.enqueue(Request("ada", SMALL), READY)).drive
    store.decide(drive_links.choose, "ada", (), True, by)
    assert (await lifecycle.enqueue(Request("ada", SMALL), READY)).drive
    store.decide(drive_links.disconnect, "ada", by)
    assert (await lifecycle.enqueue(Request("ada", SMALL), READY)).drive
    assert not (await lifecycle.enqueue(Request("bob", SMALL), READY)).drive


async def test_one_user_has_one_session(lifecycle: Lifecycle) -> None:
    await admitted(lifecycle, "ada")
    with pytest.raises(CarrelError) as refused:
        await lifecycle.enqueue(Request("ada", SMALL), READY)
    assert refused.value.code is Code.CONFLICT


async def test_a_refusal_leaves_no_trace(lifecycle: Lifecycle, store: Store) -> None:
    with pytest.raises(CarrelError, match="still being built"):
        await lifecycle.enqueue(Request("ada", SMALL), set())
    assert store.read(sessions.of_user, "ada") == []


@pytest.mark.parametrize("name", ["nobody", "ada"])
async def test_who_has_no_enabled_account_starts_nothing(
    lifecycle: Lifecycle, store: Store, by: By, name: str
) -> None:
    store.decide(accounts.disable, "ada", by)
    with pytest.raises(CarrelError):
        await lifecycle.enqueue(Request(name, SMALL), READY)
    assert store.read(sessions.active) == []


async def test_running_and_ended_are_recorded_once(lifecycle: Lifecycle, store: Store) -> None:
    grant = await admitted(lifecycle, "ada")
    for _ in range(2):
        await lifecycle.running(grant.session_id, "c1", "http://10.203.8.1:8888/user/ada/")
    assert store.read(sessions.get, grant.session_id).state is State.RUNNING
    await lifecycle.settle(Ending(grant.session_id, Cause.OUT_OF_MEMORY, "exit code 137"))
    await lifecycle.settle(Ending(grant.session_id, Cause.STOPPED))
    session = store.read(sessions.get, grant.session_id)
    assert (session.reason, session.detail) == (Reason.OUT_OF_MEMORY, "exit code 137")
    assert session.container_id == "c1"
    assert await lifecycle.leftover("ada") is None


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_a_reason(lifecycle: Lifecycle, cause: Cause) -> None:
    assert isinstance(lifecycle.reason(Ending("0" * 12, cause)), Reason)


@pytest.mark.parametrize("cause", list(Cause))
async def test_what_it_was_ended_for_is_recorded_unless_it_had_ended_by_itself(
    lifecycle: Lifecycle, store: Store, cause: Cause
) -> None:
    grant = await admitted(lifecycle, "ada")
    ask = Ask(Reason.ADMIN, "The account is not let in any more.")
    await lifecycle.settle(Ending(grant.session_id, cause, "", ask))
    session = store.read(sessions.get, grant.session_id)
    if cause in (Cause.STOPPED, Cause.START_CANCELLED):
        assert (session.reason, session.detail) == (Reason.ADMIN, ask.detail)
    else:
        told = "The hub ended during the start." if cause is Cause.START_INTERRUPTED else ""
        assert (session.reason, session.detail) == (REASONS[cause], told)
