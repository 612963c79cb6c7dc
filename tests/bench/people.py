"""Measures people: a class list of 1,000, the people page with 5,000, 200 logins at once.

A real hub process with Carrel's configuration and real argon2, the carrel service as a process
of its own, SQLite; no engine is needed, since nobody starts a session.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from hub import accounts, passwords, sessions
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.enums import Reason, Role
from hub.models import homes
from hub.store import Store
from tests.bench.figures import Figure, Say, percentile
from tests.bench.place import PASSWORD, Place, log_in, opened
from tests.hub.hub_process import HubProcess, ProxyApi, write_installation
from tests.spawner.fake_engine import free_port

LISTED, PEOPLE, LOGINS, LOOKS = 1_000, 5_000, 200, 60
EVERY_S = 0.05
"""How often somebody who is logged in already asks for a page meanwhile."""


async def measure(say: Say, _options: argparse.Namespace) -> list[Figure]:
    """Takes about two minutes."""
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as folder:
        async with _place(Path(folder) / "data") as place:
            say(f"a class list of {LISTED}")
            figures = [await _roster(place)]
            say(f"the people page with {PEOPLE} people")
            figures += await _people(place)
            say(f"{LOGINS} logins at once")
            return figures + await _logins(place)


@asynccontextmanager
async def _place(data_dir: Path) -> AsyncIterator[Place]:
    etc = write_installation(data_dir)
    proxy = ProxyApi(free_port())
    await proxy.start()
    try:
        async with opened(etc, proxy, free_port()) as place:
            yield place
    finally:
        await proxy.close()


async def _roster(place: Place) -> Figure:
    text = "\n".join(f"listed{i:04}, Person Number {i}" for i in range(LISTED))
    headers = {"Authorization": f"token {place.token}", "Accept": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as http:
        began = time.monotonic()
        form = {"text": text, "invite": "1"}
        async with http.post(f"{place.web}/roster", data=form) as answer:
            told = await answer.json()
        took = time.monotonic() - began
    if answer.status != 200 or len(told["invited"]) != LISTED:
        raise SystemExit(f"the list was not taken: {answer.status} {str(told)[:300]}")
    return Figure(f"class list of {LISTED}, from the form to the links", took, "s", 5.0)


async def _people(place: Place) -> list[Figure]:
    await asyncio.to_thread(_fill, place.store)
    headers = {"Authorization": f"token {place.token}"}
    figures = []
    async with aiohttp.ClientSession(headers=headers) as http:
        for what, query in (("first page", ""), ("page 40", "?page=40"), ("search", "?q=ber+49")):
            times = []
            for _ in range(LOOKS):
                began = time.monotonic()
                async with http.get(f"{place.web}/people{query}") as answer:
                    await answer.read()
                times.append((time.monotonic() - began) * 1000)
                if answer.status != 200:
                    raise SystemExit(f"the people page answered {answer.status}")
            name = f"people page, {PEOPLE} people, {what}"
            figures.append(Figure(f"{name}: median of {LOOKS}", percentile(times, 0.5), "ms"))
            figures.append(Figure(f"{name}: p95", percentile(times, 0.95), "ms", 300))
    return figures


def _fill(store: Store) -> None:
    """Everybody with a past, every tenth with a session, every home measured."""
    now = datetime.now(UTC)
    by = By(COMMAND_LINE, now)
    with store.deciding() as tx:
        for i in range(PEOPLE):
            name = f"person{i:04}"
            new = NewAccount(name, Role.STUDENT, None, f"Member Number {i}", "teacher")
            accounts.create(tx, new, by)
            for days in (30, 20):
                past = sessions.open_session(tx, name, "small", now - timedelta(days=days))
                sessions.close_session(tx, past.id, Reason.IDLE, now - timedelta(days=days - 1))
            if i % 10 == 0:
                sessions.open_session(tx, name, "small", now)
            tx.execute(homes.insert().values(name=name, size_bytes=i * 10**6, measured_at=now))


async def _logins(place: Place) -> list[Figure]:
    hashed = passwords.hash_password(PASSWORD)
    by = By(COMMAND_LINE, datetime.now(UTC))
    for i in range(LOGINS):
        new = NewAccount(f"student{i}", Role.STUDENT, hashed)
        await place.store.in_thread(place.store.decide, accounts.create, new, by)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as somebody:
        await log_in(somebody, place.hub, "teacher")
        done = asyncio.Event()
        others = asyncio.create_task(_ask(somebody, place.hub, done))
        began = time.monotonic()
        came = await asyncio.gather(*(_arrive(place.hub, f"student{i}") for i in range(LOGINS)))
        took = time.monotonic() - began
        done.set()
        times = await others
    return [
        Figure(f"{LOGINS} logins at once: those that failed", came.count(False), "", 0),
        Figure(f"{LOGINS} logins at once: until the last was in", took, "s", 60),
        Figure(f"meanwhile a page for somebody else: median of {len(times)}",
               percentile(times, 0.5), "ms"),
        Figure("meanwhile a page for somebody else: p99", percentile(times, 0.99), "ms", 500),
    ]  # fmt: skip


async def _arrive(hub: HubProcess, name: str) -> bool:
    timeout = aiohttp.ClientTimeout(total=120)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as http:
        return await log_in(http, hub, name)


async def _ask(http: aiohttp.ClientSession, hub: HubProcess, done: asyncio.Event) -> list[float]:
    times = []
    while not done.is_set():
        began = time.monotonic()
        async with http.get(f"{hub.url}/account") as answer:
            await answer.read()
            if answer.status != 200:
                raise SystemExit(f"the account page answered {answer.status}")
        times.append((time.monotonic() - began) * 1000)
        await asyncio.sleep(EVERY_S)
    return times
