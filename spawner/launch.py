"""One start of one container: made, started, awaited; or undone without a trace.

JupyterHub gives a cancelled start one second. So waiting is left at once, engine calls run on
shielded, and ``undo`` removes afterwards what they made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from spawner.confinement import SERVER_PORT
from spawner.engine import Answer, Container, Engine, EngineError, Phase, until_answered
from spawner.errors import CarrelError, Code
from spawner.plan import Plan
from spawner.readiness import answers
from spawner.steps import Steps

T = TypeVar("T")
Log = logging.Logger | logging.LoggerAdapter[Any]

PROBE_EVERY_S = 0.2
LOOK_EVERY_S = 2.0
"""How often a starting container is looked at: a server that died must not be waited for."""
LATE_FOR_S = 30.0
LATE_EVERY_S = 3.0
"""A create call that was never answered may still be carried out: for how long to look again."""


class Launch:
    """Runs a plan on an engine, once."""

    def __init__(self, engine: Engine, plan: Plan, steps: Steps, log: Log) -> None:
        self._engine = engine
        self._plan = plan
        self._steps = steps
        self._log = log
        self._call: asyncio.Task[Any] | None = None
        self.container_id = ""

    async def run(self, path: str, limit_s: float) -> str:
        """From plan to a server that answers under ``path``; returns its address.

        Raises CarrelError: the engine refused or does not answer, the server ended, or it did
        not answer within ``limit_s`` seconds of the container's start.
        """
        try:
            self.container_id = await self._shielded(self._engine.create(self._plan))
            self._steps.add(30, "The container is made.")
            await self._shielded(self._engine.start(self._plan.name))
            self._steps.add(50, "The container runs; the notebook server starts.")
            container = await self._look()
            await self._until_ready(f"http://{container.address}:{SERVER_PORT}{path}api", limit_s)
        except EngineError as error:
            self._log.error("Not started: %s", error)
            raise _explained(error) from error
        self._steps.add(90, "The notebook server answers.")
        return container.address

    async def undo(self) -> None:
        """Removes what this launch made; returns when nothing is left of it.

        Waits for the engine call that may still be under way, and for an engine that cannot be
        asked, for as long as it takes.
        """
        if self._call is None:
            return
        await asyncio.wait([self._call])
        error = None if self._call.cancelled() else self._call.exception()
        await self._remove()
        unanswered = isinstance(error, EngineError) and error.answer is Answer.UNKNOWN
        if unanswered and not self.container_id:
            for _ in range(int(LATE_FOR_S / LATE_EVERY_S)):
                await asyncio.sleep(LATE_EVERY_S)
                await self._remove()

    async def _look(self) -> Container:
        """The container, alive. Raises CarrelError when it ended or was taken away."""
        container = await self._shielded(self._engine.inspect(self._plan.name, self._plan.network))
        if container.phase is not Phase.LIVE or not container.address:
            self._log.error(
                "%s ended while starting (exit code %d). Its last lines:\n%s",
                self._plan.name, container.exit_code, await self._last_lines(),
            )  # fmt: skip
            raise _ended(container)
        return container

    async def _last_lines(self) -> str:
        try:
            return await self._shielded(self._engine.last_lines(self._plan.name))
        except EngineError as error:
            return f"(cannot be read: {error})"

    async def _until_ready(self, url: str, limit_s: float) -> None:
        loop = asyncio.get_running_loop()
        began = looked = loop.time()
        while not await answers(url):
            now = loop.time()
            if now - began > limit_s:
                raise CarrelError(
                    Code.UNAVAILABLE,
                    f"The notebook server did not answer within {limit_s:.0f} seconds.",
                    "The machine may be very busy. Try again in some minutes.",
                )
            if now - looked > LOOK_EVERY_S:
                looked = now
                try:
                    await self._look()
                except EngineError as error:
                    if error.answer is not Answer.UNKNOWN:
                        raise
            await asyncio.sleep(PROBE_EVERY_S)

    async def _shielded(self, call: Coroutine[Any, Any, T]) -> T:
        self._call = asyncio.create_task(call)
        return await asyncio.shield(self._call)

    async def _remove(self) -> None:
        try:
            await until_answered(lambda: self._engine.kill_and_remove(self._plan.name), self._log)
        except EngineError as error:
            # CONFLICT: its removal is under way already.
            if error.answer not in (Answer.GONE, Answer.CONFLICT):
                self._log.error("%s could not be removed: %s", self._plan.name, error)


def _explained(error: EngineError) -> CarrelError:
    if error.answer is Answer.NO_IMAGE:
        return CarrelError(
            Code.UNAVAILABLE,
            "The image of this profile is still being built.",
            "Try again in some minutes, or start another profile.",
        )
    if error.answer is Answer.UNKNOWN:
        return CarrelError(
            Code.UNAVAILABLE,
            "The container engine does not answer.",
            "Your files are safe. Try again in a minute.",
        )
    if error.answer is Answer.GONE:
        return CarrelError(
            Code.FAILED, "The container was removed while it was starting.", "Try again."
        )
    return CarrelError(
        Code.FAILED,
        "The engine refused to make the container.",
        "Tell your administrator; the reason is in the logs of hub and node.",
    )


def _ended(container: Container) -> CarrelError:
    if container.oom_killed:
        return CarrelError(
            Code.FAILED,
            "The notebook server ran out of memory while starting.",
            "Start a profile with more memory.",
        )
    return CarrelError(
        Code.FAILED,
        f"The notebook server ended while starting (exit code {container.exit_code}).",
        "Try again. If it happens again, tell your administrator; its last lines are in the "
        "hub's log.",
    )
