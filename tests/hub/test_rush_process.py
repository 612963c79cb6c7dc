"""A class that arrives at once: a real hub process, Carrel's queue, an engine that behaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hub import accounts, sessions
from hub.audit import COMMAND_LINE, By
from hub.enums import Reason, Role, State
from hub.sessions import Session
from tests.hub.world import Browser, World, answering_for_all, opened, until
from tests.spawner.fake_engine import slow


@contextlib.asynccontextmanager
async def school(folder: Path, memory_gib: float, **capacity: float) -> AsyncIterator[World]:
    """A world whose sessions, any number of them, take a moment to start.

    The machine has 8 GiB; each session takes ``memory_gib`` of what the reserve leaves.
    """
    small = {"slug": "small", "title": "Small", "image": "base", "machine": "one"}
    machines = {"one": {"memory_gib": memory_gib}}
    async with opened(folder, capacity=capacity, machines=machines, profiles=[small]) as world:
        world.engine.trouble["start"] = slow(0.4)
        async with answering_for_all(world):
            yield world


@pytest.fixture
async def two_at_a_time(tmp_path: Path, cheap_hashes: None) -> AsyncIterator[World]:
    async with school(tmp_path, 0.5, start_slots=2) as world:
        yield world


@pytest.fixture
async def room_for_two(tmp_path: Path, cheap_hashes: None) -> AsyncIterator[World]:
    async with school(tmp_path, 1, reserve_gib=6) as world:
        yield world


@pytest.fixture
async def browser(room_for_two: World) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Browser(http, room_for_two.hub.url)


class Rush:
    """People who start at the same moment, in a known order."""

    def __init__(self, world: World, *names: str) -> None:
        self.world, self.names = world, names
        self._asking: list[asyncio.Task[Any]] = []

    async def begin(self, *, in_order: bool = False) -> None:
        for name in self.names:
            self.world.add(name)
            await self.world.hub.api("POST", f"/users/{name}")
        for name in self.names:
            self._asking.append(asyncio.create_task(self._ask(name)))
            if in_order:
                await soon(lambda name=name: self.row(name) is not None)
        await soon(lambda: all(self.row(name) for name in self.names))

    async def _ask(self, name: str) -> None:
        with contextlib.suppress(aiohttp.ClientError):  # the hub may be killed meanwhile
            await self.world.hub.api("POST", f"/users/{name}/server")

    async def asked(self) -> None:
        await asyncio.gather(*self._asking)

    def row(self, name: str) -> Session | None:
        return next(iter(self.world.store.read(sessions.of_user, name)), None)

    def states(self) -> list[State | None]:
        return [row.state if (row := self.row(name)) else None for name in self.names]

    async def arrive(self, within_s: float = 60) -> list[Session]:
        await soon(lambda: set(self.states()) == {State.RUNNING}, within_s)
        return [self.world.session(name) for name in self.names]


async def soon(true: Any, within_s: float = 20) -> None:
    await until(lambda: asyncio.sleep(0, true()), within_s)


def most_at_once(rows: list[Session]) -> int:
    """How many were starting at the same moment, by their own record."""
    marks = [(r.started_at, 1) for r in rows] + [(r.ready_at, -1) for r in rows]
    count = most = 0
    for _, change in sorted(marks, key=lambda mark: (mark[0], mark[1])):
        count += change
        most = max(most, count)
    return most


def in_queue_order(rows: list[Session]) -> list[str]:
    return [r.user for r in sorted(rows, key=lambda r: (r.requested_at, r.id))]


def in_order_of_start(rows: list[Session]) -> list[str]:
    # Those of one look have one time; who of them is first is not told by it.
    order = {name: n for n, name in enumerate(in_queue_order(rows))}
    return [r.user for r in sorted(rows, key=lambda r: (r.started_at, order[r.user]))]


async def test_twelve_at_once_all_arrive_in_order_two_at_a_time(two_at_a_time: World) -> None:
    world = two_at_a_time
    rush = Rush(world, *(f"u{n:02}" for n in range(12)))
    await rush.begin()
    rows = await rush.arrive()
    assert most_at_once(rows) == 2
    assert in_order_of_start(rows) == in_queue_order(rows)
    await rush.asked()
    assert set(world.engine.containers) == {f"carrel-{row.user}-{row.id}" for row in rows}


async def test_a_full_machine_is_waited_for_with_its_reason(
    room_for_two: World, browser: Browser
) -> None:
    world = room_for_two
    rush = Rush(world, "ada", "bob", "eve", "mia")
    await rush.begin(in_order=True)
    await soon(lambda: rush.states() == [State.RUNNING] * 2 + [State.QUEUED] * 2)
    event = await first_place(world, "mia")
    assert event["place"] == 2
    assert event["message"] == (
        "You are number 2 in the queue. The machine is full: its memory is promised to 2 sessions."
    )
    await browser.log_in("mia")
    _, page = await browser.get("/spawn-pending/mia")
    (region,) = re.findall(r'<p[^>]*id="place"[^>]*aria-live="polite"[^>]*>([^<]*)<', page)
    assert region == "You are number 2 in the queue."
    assert "promised to 2 sessions" in page
    assert "You are number 2 in the queue." in (await browser.get("/home"))[1]

    await world.hub.api("DELETE", "/users/ada/server")
    await soon(lambda: world.session("eve").state is State.RUNNING)
    assert world.session("mia").state is State.QUEUED
    await until(lambda: is_number(world, "mia", 1))
    await world.hub.api("DELETE", "/users/bob/server")
    await soon(lambda: world.session("mia").state is State.RUNNING)
    await rush.asked()
    assert len(world.engine.containers) == 2


async def first_place(world: World, name: str) -> dict[str, Any]:
    """The first thing that the progress stream says of the queue."""
    async for event in progress(world, name):
        if "place" in event:
            return event
    raise AssertionError("the stream says nothing of the queue")


async def is_number(world: World, name: str, place: int) -> bool:
    return bool((await first_place(world, name))["place"] == place)


async def progress(world: World, name: str) -> AsyncIterator[dict[str, Any]]:
    token = (world.hub.data_dir / "secrets" / "hub" / "cli_token").read_text()
    headers = {"Authorization": f"token {token}", "Accept": "text/event-stream"}
    url = f"{world.hub.url}/api/users/{name}/server/progress"
    async with aiohttp.ClientSession(headers=headers) as http, http.get(url) as answer:
        async for line in answer.content:
            if line.startswith(b"data:"):
                yield json.loads(line.removeprefix(b"data:"))


async def test_who_cancels_leaves_nothing_and_the_others_move_up(room_for_two: World) -> None:
    world = room_for_two
    rush = Rush(world, "ada", "bob", "eve", "mia")
    await rush.begin(in_order=True)
    await soon(lambda: rush.states() == [State.RUNNING] * 2 + [State.QUEUED] * 2)
    status, _ = await world.hub.api("DELETE", "/users/eve/server")
    assert status in (202, 204)
    await soon(lambda: world.session("eve").state is State.ENDED)
    assert world.session("eve").reason is Reason.STOPPED_BY_USER
    await until(lambda: nothing(world, "eve"))
    assert len(world.engine.containers) == 2
    await until(lambda: is_number(world, "mia", 1))
    # Cancelled at the very moment when it is their turn: still nothing is left.
    stopping = asyncio.create_task(world.hub.api("DELETE", "/users/ada/server"))
    await soon(lambda: world.session("mia").state is not State.QUEUED)
    await world.hub.api("DELETE", "/users/mia/server")
    await stopping
    await soon(lambda: world.session("mia").state is State.ENDED)
    await soon(lambda: len(world.engine.containers) == 1)
    await until(lambda: nothing(world, "mia"))
    await rush.asked()
    # And both can start again.
    await world.start("eve")
    await until(lambda: world.ready("eve"))


async def nothing(world: World, name: str) -> bool:
    return not await world.servers(name)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_after_a_restart_those_who_waited_go_on_in_order(
    room_for_two: World, how: signal.Signals, browser: Browser
) -> None:
    """With nobody's page open, whether the hub was killed or ended in good order."""
    world = room_for_two
    rush = Rush(world, "ada", "bob", *(f"w{n}" for n in range(5)))
    await rush.begin(in_order=True)
    await soon(lambda: rush.states() == [State.RUNNING] * 2 + [State.QUEUED] * 5)
    await until(lambda: world.ready("bob"))
    await browser.log_in("w4")
    waiting = rush.names[2:]
    before = [world.session(name).id for name in waiting]
    await world.hub.stop(how)
    await rush.asked()
    await world.hub.start()
    page = (await browser.get("/spawn-pending/w4"))[1]
    assert "Your place in the queue is kept" in page or "You are number" in page
    for name in waiting:
        await until(lambda name=name: is_pending(world, name))
    await until(lambda: is_number(world, "w4", 5))
    late = Rush(world, "late")
    await late.begin()
    for name in ("ada", "bob", *waiting):
        await until(lambda name=name: world.ready(name))
        await world.hub.api("DELETE", f"/users/{name}/server")
    await until(lambda: world.ready("late"))
    await late.asked()
    rows = [world.session(name) for name in (*waiting, "late")]
    assert [r.id for r in rows[:-1]] == before
    assert in_order_of_start(rows) == [*waiting, "late"]
    assert len(world.engine.containers) == 1


async def test_who_was_called_as_the_hub_died_holds_no_slot_and_starts_again(
    two_at_a_time: World,
) -> None:
    world = two_at_a_time
    for name in ("ada", "bob", "eve"):
        world.add(name)
        await world.hub.api("POST", f"/users/{name}")
    await world.hub.stop(signal.SIGKILL)
    lost = []
    for name in ("ada", "bob"):
        session = world.store.decide(sessions.open_session, name, "small", datetime.now(UTC))
        lost.append(world.store.decide(sessions.mark_starting, session.id, datetime.now(UTC)))
    await world.hub.start()
    await world.start("eve")
    for name in ("ada", "bob", "eve"):
        await until(lambda name=name: world.ready(name))
    for session in lost:
        ended = world.store.read(sessions.get, session.id)
        assert (ended.state, ended.reason) == (State.ENDED, Reason.FAILED_TO_START)


async def is_pending(world: World, name: str) -> bool:
    return any(server["pending"] == "spawn" for server in (await world.servers(name)).values())


async def test_a_place_of_somebody_disabled_meanwhile_is_closed(room_for_two: World) -> None:
    world = room_for_two
    rush = Rush(world, "ada", "bob", "eve", "mia")
    await rush.begin(in_order=True)
    await soon(lambda: rush.states() == [State.RUNNING] * 2 + [State.QUEUED] * 2)
    await world.hub.stop(signal.SIGKILL)
    await rush.asked()
    world.store.decide(accounts.disable, "eve", By(COMMAND_LINE, datetime.now(UTC)))
    await world.hub.start()
    await soon(lambda: world.session("eve").state is State.ENDED)
    await until(lambda: is_pending(world, "mia"))
    await until(lambda: is_number(world, "mia", 1))


async def test_what_must_not_be_is_refused_and_nothing_starts(room_for_two: World) -> None:
    world = room_for_two
    rush = Rush(world, "ada", "bob", "eve", "mia")
    await rush.begin(in_order=True)
    await soon(lambda: rush.states() == [State.RUNNING] * 2 + [State.QUEUED] * 2)
    tokens = {}
    for name in ("eve", "mia"):
        _, answer = await world.hub.api("POST", f"/users/{name}/tokens", {})
        tokens[name] = answer["token"]
    place = world.session("mia")
    # A hundred starts by one who waits already.
    answers = await asyncio.gather(
        *(world.hub.api("POST", "/users/mia/server", token=tokens["mia"]) for _ in range(100))
    )
    assert {status for status, _ in answers} <= {202, 400, 429}
    # Cancelling and starting what is somebody else's.
    for method in ("DELETE", "POST"):
        status, _ = await world.hub.api(method, "/users/mia/server", token=tokens["eve"])
        assert status in (403, 404)
    # Options of one's own making, in a start that is new.
    world.add("zoe", Role.STUDENT)
    for options in ({"place": 1}, {"profile": "small", "session_id": place.id}, [1], "small"):
        status, _ = await world.start("zoe", options)
        assert status == 400
    assert world.session("mia") == place
    assert len(world.store.read(sessions.active)) == 4
    assert world.store.read(sessions.of_user, "zoe") == []
    assert len(world.engine.containers) == 2
    await rush.asked()


async def test_a_hundred_starts_at_once_by_one_user_are_one(room_for_two: World) -> None:
    world = room_for_two
    world.add("ada")
    await world.hub.api("POST", "/users/ada")
    answers = await asyncio.gather(
        *(world.hub.api("POST", "/users/ada/server") for _ in range(100))
    )
    assert {status for status, _ in answers} <= {201, 202, 400, 409}
    said = {answer["message"] for status, answer in answers if status == 409}
    assert said <= {"A start of this session is under way already. Nothing else was started."}
    assert "Traceback" not in world.hub.log
    await until(lambda: world.ready("ada"))
    assert len(world.store.read(sessions.of_user, "ada")) == 1
    assert len(world.engine.containers) == 1
