"""JupyterHub's spawner: options in, a grant from policy, then a session's life on the engine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import docker
from dockerspawner import DockerSpawner
from jupyterhub.utils import maybe_future
from traitlets import default

from spawner import plan, tokens
from spawner.background import keep
from spawner.bindings import Bindings
from spawner.choosing import Choosing
from spawner.confinement import SERVER_PORT
from spawner.ending import Ask, Asked, Cause, Ending, end
from spawner.engine import Engine
from spawner.engine_events import Happened
from spawner.engine_pool import EnginePool
from spawner.engine_watch import EngineWatch
from spawner.errors import CarrelError, Code
from spawner.images import ReadyImages
from spawner.life import PATIENCE_S, Life, Tools, place, server_url, settle
from spawner.profiles import Grant, Request
from spawner.refusal import as_spawn_exception
from spawner.steps import Steps
from spawner.wait import Wait

ENGINE_TIMEOUT_S = 60
ENGINE_MARGIN_S = 3 * ENGINE_TIMEOUT_S
"""What JupyterHub's start_timeout leaves on top of our own limit: create, start, inspect."""
ADOPTION_TIMEOUT_S = 3600
"""At a hub start JupyterHub stops a server that does not answer for this long, though it may
only be slow or paused: so, long."""
ANSWERED_TIMEOUT_S = 60
"""JupyterHub's own check after a start that we saw answer already."""

CANCELLED = {"progress": 100, "failed": True, "message": "Spawn cancelled"}
"""JupyterHub's own event for it."""


def bound(bindings: Bindings) -> type[CarrelSpawner]:
    """The spawner class for JupyterHub.

    A class, since traitlets would hand every instance a deep copy of configured objects.
    """
    attributes = {
        "bindings": bindings,
        "ready_images": ReadyImages(),
        "engine_pool": EnginePool(bindings.engine_threads),
        "engine_watch": EngineWatch(node_socket(bindings)),
        "_client": None,
        "__module__": __name__,
    }
    return type("CarrelSpawner", (CarrelSpawner,), attributes)


def node_socket(bindings: Bindings) -> Path:
    return bindings.site.data_dir / "run" / "node.sock"


class CarrelSpawner(Choosing, DockerSpawner):
    """One user's session, from JupyterHub's side."""

    bindings: ClassVar[Bindings]
    ready_images: ClassVar[ReadyImages]
    engine_pool: ClassVar[EnginePool]
    engine_watch: ClassVar[EngineWatch]
    _client_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, **kwargs: Any) -> None:
        self.steps = Steps()
        self._noticing: asyncio.Task[int | None] | None = None
        self._forget()
        super().__init__(**kwargs)

    def _forget(self) -> None:
        self.session_id = ""
        """Of the session that is here, from its place in the queue to its end; else empty."""
        self.asked = Asked()
        self._grant: Grant | None = None
        self._life: Life | None = None
        self._withdrawing: asyncio.Task[None] | None = None

    @property
    def client(self) -> docker.APIClient:
        """One client for all; its first use, in a thread, asks the engine for its version."""
        cls = type(self)
        with cls._client_lock:
            if cls._client is None:
                cls._client = docker.APIClient(
                    base_url=f"unix://{node_socket(self.bindings)}",
                    version="auto",
                    timeout=ENGINE_TIMEOUT_S,
                    max_pool_size=self.bindings.engine_threads,
                )
            return cls._client

    def docker(self, method: str, /, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        """Calls docker-py in a thread, after this user's earlier calls and beside all others'."""
        return asyncio.wrap_future(
            self.engine_pool.submit(self.user.name, self._docker, method, *args, **kwargs)
        )

    @property
    def engine(self) -> Engine:
        return Engine(self.docker)

    @property
    def tools(self) -> Tools:
        return Tools(self.engine, self.bindings, self.log)

    async def run_pre_spawn_hook(self) -> None:
        """From options to a grant. Waiting belongs here: JupyterHub's timeouts do not count it."""
        try:
            request = self.checked_request()
            await self._end_leftover()
            grant = await self._admitted(request)
        except CarrelError as error:
            raise as_spawn_exception(error) from error
        self._take(grant)
        await maybe_future(super().run_pre_spawn_hook())

    async def _end_leftover(self) -> None:
        """Ends what an interrupted hub left on record: never two containers for one home."""
        session_id = await self.bindings.policy.leftover(self.user.name)
        if session_id is None:
            return
        self.steps.add(5, "An earlier session is being cleared away.")
        name = self.bindings.site.container_name(self.user.name, session_id)
        try:
            async with asyncio.timeout(PATIENCE_S + self.bindings.stop_grace_s):
                cause, detail = await end(self.engine, place(name, self.bindings), self.log)
        except TimeoutError as error:
            raise CarrelError(
                Code.UNAVAILABLE,
                "An earlier session cannot be ended yet: the container engine does not answer.",
                "Your files are safe. Try again in a minute.",
            ) from error
        if cause in (Cause.GONE, Cause.STOPPED):
            cause = Cause.START_INTERRUPTED
        await self.bindings.policy.settle(Ending(session_id, cause, detail))

    async def _admitted(self, request: Request) -> Grant:
        """In the queue until it is its turn."""
        entry = keep(self.bindings.policy.enqueue(request, await self.find_ready_images()))
        try:
            grant = await asyncio.shield(entry)
            self.session_id = grant.session_id
            await self.bindings.policy.turn(grant.session_id, self._tell_place)
        except asyncio.CancelledError:
            self._withdrawing = keep(self._withdraw(entry))
            raise
        return grant

    def _tell_place(self, wait: Wait) -> None:
        self.steps.wait(5, wait)

    async def _withdraw(self, entry: asyncio.Task[Grant]) -> None:
        try:
            grant = await entry
        except CarrelError:
            return
        ending = Ending(grant.session_id, Cause.START_CANCELLED, ask=self.asked.first)
        await settle(ending, self.tools)

    def _take(self, grant: Grant) -> None:
        profile = grant.profile
        self._grant = grant
        self.image = grant.image
        self.object_name = self.bindings.site.container_name(grant.user, grant.session_id)
        self._live(grant.session_id, made=False)
        self.mem_limit, self.mem_guarantee = profile.memory_bytes, profile.guarantee_bytes
        self.cpu_limit = profile.cores
        self.steps.add(10, f"You have a place: {profile.title}.")
        # JupyterHub commits this before start() runs: a hub that is killed during the start
        # finds the container again.
        self.orm_spawner.state = self.get_state()

    def _live(self, session_id: str, *, made: bool) -> None:
        self.session_id = session_id
        self._life = Life(session_id, self.object_name, self.tools, self.asked, made=made)

    async def start(self) -> tuple[str, int]:
        """Runs what was granted; returns where its server answers."""
        if self._grant is None or self._life is None:
            raise RuntimeError("start() without a grant")
        built = plan.build(self._grant, self.bindings.site, self.get_env())
        try:
            address = await self._life.start(built, self.server.base_url, self.steps)
        except CarrelError as error:
            raise as_spawn_exception(error) from error
        self.object_id = self._life.container_id
        self.http_timeout = ANSWERED_TIMEOUT_S
        return address, SERVER_PORT

    async def poll(self) -> int | None:
        """None unless it has definitively ended; at a hub's start it waits for the engine."""
        if self._withdrawing is not None:
            return 0 if self._withdrawing.done() else None
        if self._life is None:
            return 0
        # A hub that starts forgets what does not seem to run, hence patient.
        return await self._life.status(patient=self._check_pending)

    async def stop(self, now: bool = False) -> None:
        """Never raises: JupyterHub would forget the session and let its container live."""
        if self._withdrawing is not None:
            await asyncio.wait([self._withdrawing], timeout=PATIENCE_S)
        elif self._life is not None:
            await self._life.stop()

    async def run_post_stop_hook(self) -> None:
        """JupyterHub calls stop() for live servers only; what ended by itself is settled here."""
        tokens.revoke(self)
        if self._life is not None:
            await self._life.settle_ended()
        await maybe_future(super().run_post_stop_hook())

    async def poll_and_notify(self) -> int | None:
        """One at a time: whoever comes while an end is being noticed waits until it has been.

        JupyterHub's own answers the second at once, before the session is marked as stopping.
        """
        if self._noticing is None or self._noticing.done():
            self._noticing = keep(super().poll_and_notify())
        return await asyncio.shield(self._noticing)

    def start_polling(self) -> None:
        """Polling, and beside it the engine's own word: an end is noticed as it happens."""
        super().start_polling()
        if self.session_id:
            self.engine_watch.follow(self.session_id, self._happened)

    def stop_polling(self) -> None:
        super().stop_polling()
        self.engine_watch.forget(self.session_id)

    def _happened(self, event: Happened) -> None:
        if self._life is not None:
            self._life.seen = self._life.seen.after(event)
        if event.ends:
            keep(self.poll_and_notify())

    def end_for(self, ask: Ask) -> None:
        """Says what the stop that begins now is for; the first one stays."""
        self.asked.note(ask)

    async def get_url(self) -> str:
        """Where the engine says that the server is: the hub may have died during its start."""
        path = self.server.base_url
        address = await self._life.find(path) if self._life else None
        if self._check_pending and self._life:
            # JupyterHub asks it next, for ADOPTION_TIMEOUT_S: also where its container ends
            # meanwhile, and then it would stop what was started since.
            self.server.wait_up = partial(self._life.until_answers, self.server.wait_up)
        return server_url(address, path) if address else str(self.server.url)

    def get_state(self) -> dict[str, Any]:
        state = dict(super().get_state())
        if self._life is not None:
            state.update(session_id=self._life.session_id, object_name=self._life.name)
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        if state.get("session_id"):
            self._live(state["session_id"], made=True)

    def clear_state(self) -> None:
        super().clear_state()
        self.object_id = ""
        self.http_timeout = ADOPTION_TIMEOUT_S
        if self.steps.begun:
            self.steps = Steps()
        self._forget()

    async def progress(self) -> AsyncGenerator[dict[str, Any], None]:
        """The steps so far and those to come, for the progress page."""
        async with aclosing(self.steps.follow()) as steps:
            async for step in steps:
                yield step.as_event()

    @default("progress_ready_hook")
    def _default_progress_ready_hook(self) -> Any:
        # For a second after a cancel JupyterHub takes the server for ready, and would send
        # every page that follows the start there.
        return lambda _spawner, event: CANCELLED if self._leaving else event

    @property
    def _leaving(self) -> bool:
        return self._withdrawing is not None or bool(self._life and self._life.undone)

    @default("start_timeout")
    def _default_start_timeout(self) -> int:
        return self.bindings.start_limit_s + ENGINE_MARGIN_S

    @default("http_timeout")
    def _default_http_timeout(self) -> int:
        return ADOPTION_TIMEOUT_S

    @default("remove")
    def _default_remove(self) -> bool:
        # Otherwise JupyterHub expects the container back, and keeps token and OAuth client for it.
        return True

    @default("pull_policy")
    def _default_pull_policy(self) -> str:
        return "never"
