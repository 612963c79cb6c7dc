"""A spawner on a fake engine, driven as JupyterHub's ``User.spawn`` and ``User.stop`` drive it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from jupyterhub import orm
from jupyterhub.objects import Hub

from spawner.carrel_spawner import CarrelSpawner
from spawner.ending import Cause, Ending
from spawner.errors import CarrelError, Code
from spawner.profiles import Catalog, Grant, Request
from spawner.wait import Wait
from tests.spawner.fake_engine import FakeEngine

# docker-py leaves its unix socket to the garbage collector when it cannot connect.
DOCKER_PY_LEAKS = "ignore:unclosed <socket.socket fd=[0-9]+, family=1:ResourceWarning"

SESSION = "000000000001"
"""Id of the first session that RecordingPolicy grants."""
NAME = f"carrel-ada-{SESSION}"
"""Its container, when it is ada's."""


@dataclass
class RecordingPolicy:
    """Grants everybody one session and remembers what it was told."""

    catalog: Catalog
    open: dict[str, str] = field(default_factory=dict)
    ended: list[Ending] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    refusal: CarrelError | None = None
    delay_s: float = 0
    database_down: bool = False
    queue: list[asyncio.Event] = field(default_factory=list)
    """Who comes waits for the last of these, then for the one before it."""

    async def leftover(self, user: str) -> str | None:
        return self.open.get(user)

    async def enqueue(self, request: Request, ready_images: Collection[str]) -> Grant:
        if self.refusal:
            raise self.refusal
        session_id = f"{len(self.ended) + len(self.open) + 1:012x}"
        self.open[request.user] = session_id
        await asyncio.sleep(self.delay_s)
        image = self.catalog.reference(request.profile)
        return Grant(session_id, request.user, request.profile, image)

    async def turn(self, session_id: str, told: Callable[[Wait], None]) -> None:
        for place, called in reversed(list(enumerate(self.queue, start=1))):
            told(Wait(place, "The machine is full."))
            await called.wait()

    async def running(self, session_id: str, container_id: str, url: str) -> None:
        assert session_id in self.open.values() and container_id
        self.urls.append(url)

    async def settle(self, ending: Ending) -> None:
        if self.database_down:
            raise CarrelError(Code.UNAVAILABLE, "The database cannot be asked right now.")
        if ending.session_id in self.open.values():
            self.ended.append(ending)
        self.open = {u: s for u, s in self.open.items() if s != ending.session_id}

    @property
    def causes(self) -> list[Cause]:
        return [ending.cause for ending in self.ended]


@dataclass
class Stage:
    """The engine, the policy, and spawners of one hub."""

    engine: FakeEngine
    policy: RecordingPolicy
    spawner_class: type[CarrelSpawner]

    def spawner(self, user: str = "ada", state: dict[str, Any] | None = None) -> CarrelSpawner:
        """A user's spawner; with ``state``, as a hub makes it at its start."""
        server = orm.Server(proto="http", ip="", port=0, base_url=f"/user/{user}/", cookie_name="")
        row = orm.Spawner(name="", server=server, user_options={}, state=None)
        spawner = self.spawner_class(
            user=SimpleNamespace(name=user, url=server.base_url, escaped_name=user),
            hub=Hub(ip="10.203.0.2", port=8081, base_url="/hub/", public_host=""),
            orm_spawner=row,
            oauth_client_id=f"jupyterhub-user-{user}",
        )
        if state is not None:
            spawner.load_state(state)
            spawner._check_pending = True
        return spawner


async def spawn(spawner: CarrelSpawner, options: Any = None) -> tuple[str, int]:
    """What JupyterHub does to start a server, without the hub."""
    spawner.user_options = spawner.orm_spawner.user_options = options or {}
    spawner.clear_state()
    spawner.api_token = "a-token"
    try:
        await spawner.run_pre_spawn_hook()
        start = asyncio.ensure_future(spawner.start())
        await asyncio.wait_for(start, spawner.start_timeout)
        return start.result()
    except Exception:
        await stop(spawner)
        raise


async def stop(spawner: CarrelSpawner) -> None:
    """What JupyterHub does to stop a server."""
    spawner._check_pending = False
    if await spawner.poll() is None:
        await spawner.stop()
    await spawner.run_post_stop_hook()
    spawner.clear_state()


async def eventually(true: Callable[[], Any], within_s: float = 5) -> None:
    """Waits until something holds; fails after ``within_s``."""
    until = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until, "it did not come about in time"
        await asyncio.sleep(0.01)


async def noted(into: list[bool]) -> None:
    """For ``after``: remembers that a call was carried out."""
    into.append(True)
