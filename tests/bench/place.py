"""A hub and a carrel service as processes of their own, for benches that need no engine."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from yarl import URL

from hub import accounts, passwords
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.enums import Role
from hub.installation import load
from hub.store import Store, open_store
from tests.hub.hub_process import ROOT, HubProcess, ProxyApi
from tests.spawner.fake_engine import free_port

PASSWORD = "correct horse battery"
ADMIN, TEACHER = "admin", "teacher"


@dataclass
class Place:
    """A hub, a service, a database, and a token of the admin's."""

    hub: HubProcess
    web: str
    web_pid: int
    store: Store
    token: str = ""


@asynccontextmanager
async def opened(
    etc: Path, proxy: ProxyApi, server_port: int, hub_port: int | None = None
) -> AsyncIterator[Place]:
    """With a teacher and an admin; the installation is written, the proxy's API answers."""
    port = free_port()
    hub = HubProcess(etc.parent, proxy, server_port, port, hub_port or free_port())
    store = open_store(load(etc).settings)
    store.migrate()
    by, hashed = By(COMMAND_LINE, datetime.now(UTC)), passwords.hash_password(PASSWORD)
    store.decide(accounts.create, NewAccount(TEACHER, Role.TEACHER, hashed), by)
    store.decide(accounts.create, NewAccount(ADMIN, Role.ADMIN, hashed), by)
    await hub.start()
    variables = {
        "CARREL_ETC": str(etc), "BENCH_PORT": str(port), "BENCH_HUB_API": f"{hub.url}/api",
    }  # fmt: skip
    try:
        async with program("web_process", etc.parent / "web.log", variables) as web:
            place = Place(hub, f"http://127.0.0.1:{port}/services/carrel", web, store)
            await answers(f"{place.web}/health")
            place.token = await _token(hub, ADMIN)
            yield place
    finally:
        await hub.stop()
        store.close()


@asynccontextmanager
async def program(name: str, log: Path, variables: Mapping[str, str]) -> AsyncIterator[int]:
    """A program of this folder as a process; its id."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"tests.bench.{name}",
            cwd=ROOT, env=environment, stdout=sink, stderr=sink,
        )  # fmt: skip
    try:
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


async def answers(url: str, connector: aiohttp.BaseConnector | None = None) -> None:
    """Returns once it does. Raises SystemExit after 20 seconds."""
    async with aiohttp.ClientSession(connector=connector) as http:
        for _ in range(200):
            try:
                async with http.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


async def log_in(http: aiohttp.ClientSession, hub: HubProcess, name: str) -> bool:
    """By the login form; whether it let them in."""
    async with http.get(f"{hub.url}/login") as answer:
        found = re.search(r'name="_xsrf"\s+value="([^"]*)"', await answer.text())
    form = {"_xsrf": found[1] if found else "", "username": name, "password": PASSWORD}
    async with http.post(f"{hub.url}/login", data=form, allow_redirects=False) as answer:
        cookies = http.cookie_jar.filter_cookies(URL(hub.url) / "home")
        return answer.status == 302 and any("hub" in key for key in cookies)


async def _token(hub: HubProcess, name: str) -> str:
    await hub.api("POST", f"/users/{name}")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        await log_in(http, hub, name)  # so that the hub knows the groups, and with them the role
    _, model = await hub.api("POST", f"/users/{name}/tokens", {"note": "bench"})
    return str(model["token"])
