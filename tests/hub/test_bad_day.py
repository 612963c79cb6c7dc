"""Starts, stops, cancels and kills at random: one container a user at most, and each has a row."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from hub import sessions
from hub.enums import State
from tests.hub.world import World, until
from tests.spawner.fake_engine import notebook, slow, status

NAMES = ("ada", "bob", "eve")
DEEDS = 25


@pytest.fixture
async def servers(world: World) -> AsyncIterator[None]:
    """One server that answers for all containers, as they have one address."""
    world.engine.server = lambda _container: None
    runner = web.AppRunner(notebook(None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", world.engine.port, reuse_address=True).start()
    yield
    await runner.cleanup()


class BadDay:
    """Does one thing after another, and never waits for what it began."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.asked: list[asyncio.Task[None]] = []
        self.most = 0
        self.seen: set[str] = set()

    async def ask(self, method: str, name: str) -> None:
        # A hub that was killed answers nobody.
        with contextlib.suppress(aiohttp.ClientError):
            await self.world.hub.api(method, f"/users/{name}/server")

    async def one_deed(self) -> None:
        deed = self.random.choices(
            [self.start_or_stop, self.end, self.quit, self.lose, self.trouble, self.kill_hub],
            [14, 5, 3, 1, 3, 2],
        )[0]
        await deed()
        await asyncio.sleep(self.random.uniform(0, 0.5))

    async def start_or_stop(self) -> None:
        method, name = self.random.choice(["POST", "POST", "DELETE"]), self.random.choice(NAMES)
        self.asked.append(asyncio.create_task(self.ask(method, name)))

    async def end(self) -> None:
        """By its id, at any moment of its life: also while it waits, starts or is being stopped."""
        rows = self.world.store.read(sessions.active)
        if rows:
            row = self.random.choice(rows)
            path = f"/carrel/users/{row.user}/sessions/{row.id}"
            self.asked.append(asyncio.create_task(self.ask_for(path, row.id)))

    async def ask_for(self, path: str, session: str) -> None:
        with contextlib.suppress(aiohttp.ClientError):
            status_, _ = await self.world.hub.api("DELETE", path)
            assert status_ in (202, 204, 404, 409), (status_, session)

    async def lose(self) -> None:
        """Somebody removes a container behind everybody's back."""
        for container in list(self.world.engine.containers.values())[:1]:
            await self.world.engine.lose(container)

    async def quit(self) -> None:
        for container in list(self.world.engine.containers.values())[:1]:
            if container.status == "running":
                await self.world.engine.kill(container, self.random.choice([0, 1, 137]))

    async def trouble(self) -> None:
        verb = self.random.choice(["create", "start", "inspect", "stop", "remove"])
        self.world.engine.trouble = {verb: self.random.choice([slow(1), slow(3), status(500)])}

    async def kill_hub(self) -> None:
        await self.world.hub.stop(signal.SIGKILL)
        await self.world.hub.start()

    async def watch(self) -> None:
        """How many running containers one user had at most, and which had no row ever."""
        while True:
            for name in self.world.engine.containers:
                if name not in self.seen:
                    self.seen.add(name)
                    user, session = name.split("-")[1:]
                    row = self.world.store.read(sessions.get, session)  # raises where there is none
                    assert row.user == user
            users = Counter(
                container.body["Labels"]["carrel.user"]
                for container in self.world.engine.containers.values()
                if container.status == "running"
            )
            self.most = max([self.most, *users.values()])
            await asyncio.sleep(0.01)

    async def is_settled(self) -> bool:
        """Nothing pending: the rows are running, and exactly those have containers."""
        rows = self.world.store.read(sessions.active)
        there = {(c.name, c.status) for c in self.world.engine.containers.values()}
        wanted = {(f"carrel-{row.user}-{row.id}", "running") for row in rows}
        ready = {name for name in NAMES if await self.world.ready(name)}
        return (
            there == wanted
            and {row.state for row in rows} <= {State.RUNNING}
            and {row.user for row in rows} == ready
        )


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_bad_day_ends_well(world: World, servers: None, seed: int) -> None:
    for name in NAMES:
        world.add(name)
        await world.hub.api("POST", f"/users/{name}")
    day = BadDay(world, seed)
    watching = asyncio.create_task(day.watch())
    for _ in range(DEEDS):
        await day.one_deed()
    world.engine.trouble.clear()
    await asyncio.gather(*day.asked)

    await until(day.is_settled, 75)
    assert not watching.done(), watching.exception()
    watching.cancel()
    assert day.most <= 1
    # Each session that ever was ended once, and says why.
    for name in NAMES:
        for row in world.store.read(sessions.of_user, name):
            assert (row.state is State.ENDED) == (row.reason is not None)
    # And everybody gets a session afterwards.
    for name in NAMES:
        await world.start(name)
        await until(lambda name=name: world.ready(name), 30)
    assert await day.is_settled()
