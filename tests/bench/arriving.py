"""People who arrive at a hub: they press Start by its API, and leave again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

PATIENCE_S = 600
LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class Target:
    """A hub that people arrive at, and how to ask it."""

    name: str
    api: str
    token: str
    options: dict[str, str] = field(default_factory=dict)
    containers: tuple[str, ...] = ()
    """Its processes, whose memory is looked at."""


@asynccontextmanager
async def client(target: Target) -> AsyncIterator[aiohttp.ClientSession]:
    """Any number of requests at a time."""
    async with aiohttp.ClientSession(
        headers={"Authorization": f"token {target.token}"},
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=120),
    ) as http:
        yield http


async def enrol(http: aiohttp.ClientSession, target: Target, name: str) -> None:
    """Makes the hub know somebody."""
    async with http.post(f"{target.api}/users/{name}") as answer:
        await answer.read()


async def arrive(http: aiohttp.ClientSession, target: Target, name: str) -> float | None:
    """Seconds from the request until the server was ready, or None when it failed.

    The hub answers the request itself when it is ready within ten seconds; after that it is
    asked again and again.
    """
    began = time.monotonic()
    url = f"{target.api}/users/{name}"
    async with http.post(f"{url}/server", json=target.options) as answer:
        if answer.status not in (201, 202):
            return None
        if answer.status == 201:
            return time.monotonic() - began
    while time.monotonic() - began < PATIENCE_S:
        async with http.get(url) as answer:
            server = (await answer.json()).get("servers", {}).get("")
        if server and server["ready"]:
            return time.monotonic() - began
        if server is None or not server.get("pending"):
            return None
        await asyncio.sleep(LOOK_EVERY_S)
    return None


async def leave(http: aiohttp.ClientSession, target: Target, name: str) -> None:
    """Returns when nothing of the server is left, as far as the hub knows."""
    url = f"{target.api}/users/{name}"
    async with http.delete(f"{url}/server") as answer:
        await answer.read()
    for _ in range(240):
        async with http.get(url) as answer:
            servers = (await answer.json()).get("servers", {})
        if not any(s["ready"] or s["pending"] for s in servers.values()):
            return
        await asyncio.sleep(LOOK_EVERY_S)
