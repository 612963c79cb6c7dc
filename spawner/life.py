"""One session from its grant to its end, as the engine tells it.

Nothing here raises for an engine that cannot be asked about a session that may live: it waits,
or says that the session is still there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from jupyterhub.utils import AnyTimeoutError

from spawner.background import keep
from spawner.bindings import Bindings
from spawner.confinement import SERVER_PORT
from spawner.ending import Asked, Cause, Ending, Place, end
from spawner.engine import (
    RETRY_MOST_S,
    Answer,
    Container,
    Engine,
    EngineError,
    Phase,
    until_answered,
)
from spawner.engine_events import Seen, completed
from spawner.errors import CarrelError
from spawner.launch import LOOK_EVERY_S, Launch
from spawner.plan import Plan
from spawner.steps import Steps

ONE_QUESTION_S = 10.0
"""How long a server of before may take for one answer, until it is looked whether it still runs."""
PATIENCE_S = 10.0
"""How long somebody is kept waiting for clearing up; the rest is done behind their back."""

Log = logging.Logger | logging.LoggerAdapter[Any]


@dataclass(frozen=True)
class Tools:
    """What a life works with."""

    engine: Engine
    bindings: Bindings
    log: Log


class Life:
    """The life of one session. ``made`` says that its container may exist already."""

    def __init__(
        self, session_id: str, name: str, tools: Tools, asked: Asked, *, made: bool
    ) -> None:
        self.session_id = session_id
        self.name = name
        self.container_id = ""
        self.seen = Seen()
        self._tools = tools
        self._asked = asked
        self._made = made
        self._starting = False
        self._undoing: asyncio.Task[None] | None = None
        self._ended = False

    @property
    def undone(self) -> bool:
        """Whether its start failed or was left; what it made is removed, or being removed."""
        return self._undoing is not None

    async def start(self, plan: Plan, path: str, steps: Steps) -> str:
        """Runs the plan until its server answers under ``path``; returns its address.

        Raises CarrelError. However it fails, or when it is cancelled, it leaves at once, and
        what it made is removed in the background.
        """
        tools = self._tools
        launch = Launch(tools.engine, plan, steps, tools.log)
        self._made = self._starting = True
        try:
            address = await launch.run(path, tools.bindings.start_limit_s)
            self.container_id = launch.container_id
            await self.note_running(address, path)
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError)
            cause = Cause.START_CANCELLED if cancelled else Cause.START_FAILED
            detail = "" if cancelled else str(error)
            ending = Ending(self.session_id, cause, detail, self._asked.first)
            self._undoing = keep(self._undo(launch, ending))
            raise
        finally:
            self._starting = False
        return address

    async def status(self, *, patient: bool) -> int | None:
        """None while it lives, starts, is being undone or cannot be asked; else an exit code.

        ``patient`` waits for an engine that cannot be asked, for as long as it takes.
        """
        if self._starting:
            return None
        if self._undoing is not None:
            return 0 if self._undoing.done() else None
        if not self._made:
            return 0
        try:
            container = await (self._patiently() if patient else self._inspect())
        except EngineError as error:
            if error.answer is Answer.GONE:
                return 0
            self._tools.log.warning("%s: unknown, so kept (%s)", self.name, error)
            return None
        return None if container.phase is Phase.LIVE else container.exit_code

    async def stop(self) -> None:
        """Ends it; returns when nothing runs any more, as definitively as the engine can say."""
        if self._undoing is not None:
            await asyncio.wait([self._undoing], timeout=PATIENCE_S)
        elif not self._ended:
            await self._end()

    async def settle_ended(self) -> None:
        """Clears up and records a session that ended by itself."""
        if self._undoing is None and not self._ended:
            await asyncio.wait([keep(self._end())], timeout=PATIENCE_S)

    async def find(self, path: str) -> str | None:
        """The address of a running server, from the engine; None when it ended."""
        try:
            container = await self._patiently()
        except EngineError:
            return None
        if not container.address:
            return None
        self.container_id = container.id
        try:
            await self.note_running(container.address, path)
        except CarrelError as error:
            self._tools.log.error("%s runs, but not on record: %s", self.name, error)
        return container.address

    async def until_answers(
        self,
        ask: Callable[..., Awaitable[Any]],
        *,
        timeout: float,  # noqa: ASYNC109  its name there
        **how: Any,
    ) -> Any:
        """JupyterHub's ``wait_up`` for a session of before: it may be slow or paused, not ended.

        Returns its answer. Raises TimeoutError once the container has ended, or after ``timeout``
        seconds.
        """
        began = asyncio.get_running_loop().time()
        while True:
            try:
                # Cut off: what was asked of a container that has gone since is never answered.
                async with asyncio.timeout(ONE_QUESTION_S):
                    return await ask(timeout=LOOK_EVERY_S, **how)
            except AnyTimeoutError:
                late = asyncio.get_running_loop().time() - began > timeout
                if late or await self.status(patient=True) is not None:
                    raise

    async def note_running(self, address: str, path: str) -> None:
        url = server_url(address, path)
        await self._tools.bindings.policy.running(self.session_id, self.container_id, url)

    async def _end(self) -> None:
        cause, detail = Cause.START_CANCELLED, ""
        if self._made:
            cause, detail = await end(
                self._tools.engine, place(self.name, self._tools.bindings), self._tools.log
            )
            cause, detail = completed(cause, detail, self.seen)
        self._ended = True
        ending = Ending(self.session_id, cause, detail, self._asked.first)
        await asyncio.wait([keep(settle(ending, self._tools))], timeout=PATIENCE_S)

    async def _undo(self, launch: Launch, ending: Ending) -> None:
        await launch.undo()
        await settle(ending, self._tools)

    async def _inspect(self) -> Container:
        return await self._tools.engine.inspect(self.name, self._tools.bindings.site.network)

    async def _patiently(self) -> Container:
        return await until_answered(self._inspect, self._tools.log)


async def settle(ending: Ending, tools: Tools) -> None:
    """Records an end, however long the database takes: no end may go unrecorded."""
    while True:
        try:
            return await tools.bindings.policy.settle(ending)
        except CarrelError as error:
            tools.log.error("The end of %s is not on record yet: %s", ending.session_id, error)
        await asyncio.sleep(RETRY_MOST_S)


def place(name: str, bindings: Bindings) -> Place:
    return Place(name, bindings.site.network, bindings.stop_grace_s)


def server_url(address: str, path: str) -> str:
    """Where hub and proxy reach a notebook server; ``path`` ends in a slash."""
    return f"http://{address}:{SERVER_PORT}{path}"
