"""A hub process with an engine that behaves, Carrel's database, and a browser without script."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hub import accounts, passwords, sessions
from hub.audit import COMMAND_LINE, By
from hub.enums import Role
from hub.installation import load
from hub.sessions import Session
from hub.store import Store, open_store
from tests.hub.hub_process import IMAGES, HubProcess, ProxyApi, write_installation
from tests.spawner.fake_engine import FakeEngine, free_port, notebook

PASSWORD = "correct horse battery"


@dataclass
class World:
    """A hub process with everything around it, and Carrel's database."""

    hub: HubProcess
    engine: FakeEngine
    store: Store

    def add(self, name: str, role: Role = Role.STUDENT) -> None:
        by = By(COMMAND_LINE, datetime.now(UTC))
        new = accounts.NewAccount(name, role, passwords.HASHER.hash(PASSWORD))
        self.store.decide(accounts.create, new, by)

    async def start(self, name: str, options: Any = None) -> tuple[int, Any]:
        await self.hub.api("POST", f"/users/{name}")
        return await self.hub.api("POST", f"/users/{name}/server", options)

    async def servers(self, name: str) -> dict[str, Any]:
        _, user = await self.hub.api("GET", f"/users/{name}?include_stopped_servers")
        return {k: v for k, v in user["servers"].items() if v["ready"] or v["pending"]}

    async def ready(self, name: str) -> bool:
        return any(server["ready"] for server in (await self.servers(name)).values())

    def session(self, name: str) -> Session:
        return self.store.read(sessions.of_user, name)[0]


@pytest.fixture
async def world(tmp_path: Path, cheap_hashes: None) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


@asynccontextmanager
async def opened(folder: Path, **settings: Any) -> AsyncIterator[World]:
    """A world with these settings, as long as this lasts."""
    etc = write_installation(folder / "data", **settings)
    data_dir = etc.parent
    port = free_port()
    engine = FakeEngine(data_dir / "run" / "node.sock", port, server=notebook)
    engine.images = set(IMAGES.values())
    await engine.start()
    proxy = ProxyApi(free_port())
    await proxy.start()
    hub = HubProcess(data_dir, proxy, port, free_port())
    store = open_store(load(etc).settings)
    store.migrate()
    try:
        await hub.start()
        yield World(hub, engine, store)
    finally:
        await hub.stop(signal.SIGKILL)
        await engine.end()
        await proxy.close()
        store.close()


@asynccontextmanager
async def answering_for_all(world: World) -> AsyncIterator[None]:
    """Any number of sessions: all have one address here, so one server answers for all."""
    world.engine.server = lambda _container: None
    runner = web.AppRunner(notebook(None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", world.engine.port).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def until(true: Callable[[], Any], within_s: float = 20) -> None:
    """Waits until an awaitable question is answered with yes."""
    async with asyncio.timeout(within_s):
        while not await true():  # noqa: ASYNC110  the hub tells nobody when it is done
            await asyncio.sleep(0.1)


@dataclass
class Browser:
    """Somebody's browser, without script."""

    http: aiohttp.ClientSession
    url: str

    async def get(self, path: str) -> tuple[int, str]:
        async with self.http.get(f"{self.url}{path}") as answer:
            return answer.status, await answer.text()

    async def log_in(self, name: str) -> None:
        _, page = await self.get("/login")
        xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page)
        assert xsrf
        form = {"username": name, "password": PASSWORD, "_xsrf": xsrf[1]}
        async with self.http.post(f"{self.url}/login?next=/hub/home", data=form) as answer:
            assert answer.status == 200, await answer.text()

    async def submit(self, page: str, **form: str) -> tuple[int, str]:
        action = re.search(r'<form[^>]*action="(/hub/spawn[^"]*)"', page)
        assert action, page
        where = action[1].replace("&amp;", "&").removeprefix("/hub")
        async with self.http.post(f"{self.url}{where}", data=form) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def browser(world: World) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Browser(http, world.hub.url)
