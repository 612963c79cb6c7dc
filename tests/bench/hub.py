"""Measures a hub with a thousand sessions: pages and API, what it costs at rest, a long queue.

Hub, housekeeping, culler and the carrel service are real processes with Carrel's configuration
and a real database. The sessions are simulated: a program stands in for node, for all notebook
servers and for the proxy's table of routes (see ``tests.bench.sessions_process``). Every session
was started by the hub's API and went all the way through queue, record and spawner.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from hub import accounts, passwords, sessions
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.enums import Role, State
from tests.bench import memory, sessions_process
from tests.bench.cpu import Meter
from tests.bench.figures import Figure, Say, percentile
from tests.bench.memory import Process
from tests.bench.place import PASSWORD, Place, log_in, opened, program
from tests.hub.hub_process import IMAGES, MACHINE, ProxyApi, write_installation
from tests.spawner.fake_engine import free_port

GUARANTEE_GIB, RESERVE_GIB, START_SLOTS = 0.25, 2, 20
AT_ONCE = 40
"""Starts that are asked for at a time while the sessions are made; not what is measured."""
SETTLE_S = 15
PAUSE_S = 0.25
"""Between two looks at the same page: five people's pages, four times a second each."""
LOOKS = 200
MORE_STARTS = 10
P99_MS, BACKGROUND_PERCENT = 200.0, 20.0
"""What is promised."""


@dataclass(frozen=True)
class School:
    """The place, the stand-in's socket, and the processes that are looked at."""

    place: Place
    socket: Path
    processes: tuple[Process, ...]
    running: int
    waiting: int

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return await self.place.hub.api(method, path, body)


async def measure(say: Say, options: argparse.Namespace) -> list[Figure]:
    """Takes about ten minutes."""
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as folder:
        async with _school(Path(folder) / "data", options) as school:
            say(f"{school.running} sessions are started; simulated ones")
            figures = await _begin(school)
            say(f"at rest, for {options.seconds} s")
            figures += await _rest(school, options.seconds)
            say("pages and API, while all of it goes on")
            figures += await _pages(school, f"{school.running} sessions")
            say("one more start and stop")
            figures += await _one_more(school)
            say(f"{school.waiting} wait in the queue")
            figures += await _queue(school)
            return figures


@asynccontextmanager
async def _school(data_dir: Path, options: argparse.Namespace) -> AsyncIterator[School]:
    one = {"slug": "small", "title": "Small", "image": "base", "machine": "one"}
    etc = write_installation(
        data_dir, profiles=[one], machines={"one": {"memory_gib": GUARANTEE_GIB}},
        capacity={"start_slots": START_SLOTS, "reserve_gib": RESERVE_GIB},
    )  # fmt: skip
    # One place more than there are sessions: with it taken, the machine is full.
    room_gib = RESERVE_GIB + (options.sessions + 1) * GUARANTEE_GIB
    (etc / "machine.json").write_text(
        json.dumps(MACHINE | {"memory_bytes": int(room_gib * 1024**3)})
    )
    socket = data_dir / "run" / "node.sock"
    server_port, hub_port, proxy = free_port(), free_port(), ProxyApi(free_port())
    told = sessions_process.environment(
        socket, list(IMAGES.values()), server_port, proxy.port,
        f"http://127.0.0.2:{hub_port}/hub/api",
    )  # fmt: skip
    async with program("sessions_process", data_dir / "sessions.log", told):
        await sessions_process.ready(socket)
        async with opened(etc, proxy, server_port, hub_port) as place:
            await asyncio.to_thread(_enrol, place, options.sessions + options.waiting + 2)
            yield School(
                place, socket, _processes(place), options.sessions, options.waiting
            )  # fmt: skip


def _enrol(place: Place, count: int) -> None:
    by, hashed = By(COMMAND_LINE, datetime.now(UTC)), passwords.hash_password(PASSWORD)
    with place.store.deciding() as tx:
        for number in range(count):
            accounts.create(tx, NewAccount(_name(number), Role.STUDENT, hashed), by)


def _name(number: int) -> str:
    return f"person{number:04}"


def _processes(place: Place) -> tuple[Process, ...]:
    assert place.hub.process
    hub = place.hub.process.pid
    children = Path(f"/proc/{hub}/task/{hub}/children").read_text().split()
    found = (memory.of_pid(int(pid)) for pid in (hub, place.web_pid, *children))
    return tuple(process for process in found if process)


async def _begin(school: School) -> list[Figure]:
    meter, began = Meter(school.processes), time.monotonic()
    turn = asyncio.Semaphore(AT_ONCE)

    async def start(name: str) -> None:
        async with turn:
            await school.call("POST", f"/users/{name}")
            status, said = await school.call("POST", f"/users/{name}/server")
            if status not in (201, 202):
                raise SystemExit(f"{name} did not start: {status} {said}")

    await asyncio.gather(*(start(_name(number)) for number in range(school.running)))
    await _states(school, State.RUNNING, school.running)
    took = time.monotonic() - began
    each_ms = 1000 * meter.used_s("JupyterHub") / school.running
    return [
        Figure(f"{school.running} simulated sessions started, {AT_ONCE} asked for at a time",
               took, "s"),
        Figure("hub's processor time for each start", each_ms, "ms"),
    ]  # fmt: skip


async def _states(school: School, state: State, count: int) -> None:
    store = school.place.store
    async with asyncio.timeout(600):
        while True:
            rows = await store.in_thread(store.read, sessions.active)
            if sum(row.state is state for row in rows) >= count:
                return
            await asyncio.sleep(0.5)


async def _rest(school: School, seconds: int) -> list[Figure]:
    await asyncio.sleep(SETTLE_S)
    before = await sessions_process.counts(school.socket)
    meter = Meter(school.processes)
    async with memory.Watch(school.processes) as watch:
        await asyncio.sleep(seconds)
    after = await sessions_process.counts(school.socket)
    asked = {verb: (count - before.get(verb, 0)) / seconds for verb, count in after.items()}
    shares = {p.name: meter.share(p.name) for p in school.processes}
    return [
        Figure("at rest: JupyterHub, of a core", shares["JupyterHub"], "%", BACKGROUND_PERCENT),
        *(Figure(f"at rest: {name}, of a core", share, "%")
          for name, share in shares.items() if name != "JupyterHub"),
        Figure("at rest: sessions looked at (inspect)", asked.get("inspect", 0), "/s"),
        Figure("at rest: all containers listed", asked.get("list", 0), "/s"),
        Figure("at rest: sessions' own reports of activity", asked["reports"], "/s"),
        *watch.figures(),
    ]  # fmt: skip


async def _pages(school: School, when: str) -> list[Figure]:
    hub, web = school.place.hub.url, school.place.web
    token = (school.place.hub.data_dir / "secrets" / "hub" / "cli_token").read_text()
    jars = {name: aiohttp.CookieJar(unsafe=True) for name in ("with", "without", "admin")}
    async with (
        aiohttp.ClientSession(cookie_jar=jars["with"]) as runs,
        aiohttp.ClientSession(cookie_jar=jars["without"]) as starts,
        aiohttp.ClientSession(headers={"Authorization": f"token {token}"}) as api,
        aiohttp.ClientSession(headers={"Authorization": f"token {school.place.token}"}) as admin,
    ):
        await log_in(runs, school.place.hub, _name(0))
        await log_in(starts, school.place.hub, _name(school.running + school.waiting + 1))
        asked = {
            "API, one user": (api, f"{hub}/api/users/{_name(1)}"),
            "start page": (starts, f"{hub}/spawn"),
            "session page": (runs, f"{hub}/home"),
            "Machine page": (admin, f"{web}/admin"),
            "queue by API": (admin, f"{web}/api/queue"),
        }
        times = await asyncio.gather(*(_look(*one) for one in asked.values()))
    return [
        figure
        for what, took in zip(asked, times, strict=True)
        for figure in (
            Figure(f"{when}: {what}, median of {LOOKS}", percentile(took, 0.5), "ms"),
            Figure(f"{when}: {what}, p99", percentile(took, 0.99), "ms", P99_MS),
        )
    ]


async def _look(http: aiohttp.ClientSession, url: str) -> list[float]:
    """Milliseconds of each look."""
    times = []
    for _ in range(LOOKS):
        times.append(1000 * await _timed(lambda: _get(http, url)))
        await asyncio.sleep(PAUSE_S)
    return times


async def _get(http: aiohttp.ClientSession, url: str) -> None:
    async with http.get(url, allow_redirects=False) as answer:
        await answer.read()
        if answer.status != 200:
            raise SystemExit(f"{url} answered {answer.status}")


async def _timed(what: Callable[[], Coroutine[Any, Any, Any]]) -> float:
    began = time.monotonic()
    await what()
    return time.monotonic() - began


async def _one_more(school: School) -> list[Figure]:
    name = _name(school.running + school.waiting)
    await school.call("POST", f"/users/{name}")
    starts, stops = [], []
    for _ in range(MORE_STARTS):
        starts.append(await _timed(lambda: school.call("POST", f"/users/{name}/server")))
        stops.append(await _timed(lambda: school.call("DELETE", f"/users/{name}/server")))
    return [
        Figure(f"one more start, of a server that answers at once: median of {MORE_STARTS}",
               percentile(starts, 0.5), "s"),
        Figure(f"and its stop: median of {MORE_STARTS}", percentile(stops, 0.5), "s"),
    ]  # fmt: skip


async def _queue(school: School) -> list[Figure]:
    """With a page open for each that follows its place."""
    first, count = school.running, school.waiting
    names = [_name(first + number) for number in range(count + 1)]
    # The first of them takes the last place.
    await school.call("POST", f"/users/{names[0]}")
    await school.call("POST", f"/users/{names[0]}/server")
    following: list[asyncio.Task[None]] = []
    began = time.monotonic()
    for name in names[1:]:
        await school.call("POST", f"/users/{name}")
        following.append(asyncio.create_task(_wait(school, name)))
    await _states(school, State.QUEUED, count)
    took = time.monotonic() - began
    await asyncio.sleep(SETTLE_S)
    meter = Meter(school.processes)
    figures = await _pages(school, f"{count} waiting")
    # Somebody leaves: the first of the queue moves in, all others move up, each page is told.
    stopped = Meter(school.processes)
    await school.call("DELETE", f"/users/{_name(0)}/server")
    await _states(school, State.RUNNING, first + 1)
    await asyncio.sleep(2)
    moved_s = stopped.used_s("JupyterHub")
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    return [
        Figure(f"{count} more came into the queue within", took, "s"),
        Figure(f"{count} waiting: JupyterHub with the pages below, of a core",
               meter.share("JupyterHub"), "%"),
        Figure(f"{count} waiting: hub's processor time for one who leaves", moved_s, "s"),
        *figures,
    ]  # fmt: skip


async def _wait(school: School, name: str) -> None:
    """Presses Start and follows the progress as the page does."""
    await school.call("POST", f"/users/{name}/server")
    token = (school.place.hub.data_dir / "secrets" / "hub" / "cli_token").read_text()
    headers = {"Authorization": f"token {token}", "Accept": "text/event-stream"}
    url = f"{school.place.hub.url}/api/users/{name}/server/progress"
    forever = aiohttp.ClientTimeout(total=None)
    async with (
        aiohttp.ClientSession(headers=headers, timeout=forever) as http,
        http.get(url) as answer,
    ):
        async for _line in answer.content:
            pass
