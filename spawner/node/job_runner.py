"""Runs jobs: makes the container, streams what it prints, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from types import TracebackType

import aiohttp

from spawner.confinement import LABEL_PROJECT
from spawner.errors import CarrelError, Code
from spawner.node.cgroup import SessionsCgroup
from spawner.node.config import NodeConfig
from spawner.node.engine import Answer, Call, Engine
from spawner.node.jobs import LABEL_JOB, Job, Kind, container_name, create_body

log = logging.getLogger("carrel.node")

AT_ONCE = 2
"""The others wait for their turn; a class in session has the machine's better half."""
INSTALLS_AT_ONCE = 1
"""They have a turn of their own: a long one keeps no teacher from publishing."""
LIMIT_S, INSTALL_LIMIT_S = 600.0, 1860.0
CLEAR_EVERY_S = 60.0
MOST_TOLD_BYTES = 4096
"""Of what a job says on its standard error, the end."""
_STDOUT, _STDERR = 1, 2
_HEADER_BYTES = 8


class Output:
    """A job's standard output, as it comes: ``async with made as pieces``.

    It breaks off, raising CarrelError, when the job fails in the middle.
    """

    content_type = "application/x-tar"

    def __init__(self, running: _Running, first: bytes) -> None:
        self._running = running
        self._first = first

    async def __aenter__(self) -> AsyncIterator[bytes]:
        return self._each()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._running.close()

    async def _each(self) -> AsyncIterator[bytes]:
        piece = self._first
        while piece:
            yield piece
            piece = await self._running.piece()
        await self._running.succeeded()


class JobRunner:
    """``run`` answers once the job prints, or raises what it said instead."""

    def __init__(self, config: NodeConfig, engine: Engine, cgroup: SessionsCgroup) -> None:
        self._config = config
        self._engine = engine
        self._cgroup = cgroup
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._install_turn = asyncio.Semaphore(INSTALLS_AT_ONCE)
        self._names: set[str] = set()

    async def run(self, job: Job) -> Output:
        """Raises CarrelError: REFUSED with the job's own words, UNAVAILABLE for the engine's no."""
        name = container_name(self._config.project, job)
        installs = job.kind is Kind.INSTALL
        limit_s = INSTALL_LIMIT_S if installs else LIMIT_S
        running = _Running(self._engine, name, self._names.discard, limit_s)
        self._names.add(name)
        try:
            await running.wait_for(self._install_turn if installs else self._turn)
            await running.begin(create_body(job, self._config, await self._cgroup.name()))
            first = await running.piece()
            if not first:
                await running.succeeded()
        except BaseException:
            await running.close()
            raise
        return Output(running, first)

    async def clear_again_and_again(self) -> None:
        """Removes what an earlier node was killed at, and what could not be removed in time."""
        while True:
            try:
                await self.clear()
            except CarrelError as error:
                log.warning("Jobs of before may be left behind: %s", error)
            await asyncio.sleep(CLEAR_EVERY_S)

    async def clear(self) -> None:
        """Removes the containers of jobs that nobody runs. Raises CarrelError(UNAVAILABLE)."""
        labels = [f"{LABEL_PROJECT}={self._config.project}", LABEL_JOB]
        query = {"all": "1", "filters": json.dumps({"label": labels})}
        answer = await self._engine.ask(Call("GET", "/containers/json", query))
        for listed in answer.json() if answer.status == 200 else ():
            names = {name.removeprefix("/") for name in listed["Names"]}
            if names and not names & self._names:
                await _remove(self._engine, str(listed["Id"]))


class _Running:
    """One job's container, from its create to its removal."""

    def __init__(
        self, engine: Engine, name: str, ended: Callable[[str], None], limit_s: float
    ) -> None:
        self._engine = engine
        self._name = name
        self._ended = ended
        self._limit_s = limit_s
        self._id = ""
        self._making: asyncio.Task[Answer] | None = None
        self._said = b""
        self._stack = AsyncExitStack()
        self._attached: aiohttp.StreamReader | None = None
        self._ends_at = 0.0

    async def wait_for(self, turn: asyncio.Semaphore) -> None:
        await self._stack.enter_async_context(turn)

    async def begin(self, body: dict[str, object]) -> None:
        self._ends_at = asyncio.get_running_loop().time() + self._limit_s
        # Carried out to its end, whoever has left: else nobody would know what was made.
        self._making = asyncio.create_task(
            self._engine.ask(Call("POST", "/containers/create", {"name": self._name}, body))
        )
        made = await asyncio.shield(self._making)
        if made.status != 201:
            log.error("%s is not made: %s", self._name, made.content[:500])
            raise CarrelError(Code.UNAVAILABLE, "The engine did not make the container for it.")
        self._id = str(made.json()["Id"])
        # Attached before it begins: its output is kept nowhere else.
        query = {"stream": "1", "stdout": "1", "stderr": "1"}
        path = f"/containers/{self._id}"
        upstream = await self._stack.enter_async_context(
            self._engine.stream(Call("POST", f"{path}/attach", query))
        )
        if upstream.status != 200:
            raise CarrelError(Code.UNAVAILABLE, "The engine does not hand out its output.")
        self._attached = upstream.content
        started = await self._engine.ask(Call("POST", f"{path}/start"))
        if started.status not in (204, 304):
            log.error("%s does not start: %s", self._name, started.content[:500])
            raise CarrelError(Code.UNAVAILABLE, "The engine did not start the container for it.")

    async def piece(self) -> bytes:
        """The next of its standard output; empty at the end."""
        try:
            async with asyncio.timeout_at(self._ends_at):
                while True:
                    source, text = await self._frame()
                    if source == _STDERR:
                        self._said = (self._said + text)[-MOST_TOLD_BYTES:]
                    elif text or source == 0:
                        return text
        except TimeoutError as error:
            raise CarrelError(
                Code.REFUSED, f"It was not done within {self._limit_s / 60:.0f} minutes."
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise CarrelError(Code.UNAVAILABLE, "The engine's answer broke off.") from error

    async def succeeded(self) -> None:
        """Raises CarrelError unless it ended well."""
        answer = await self._engine.ask(Call("POST", f"/containers/{self._id}/wait"))
        code = answer.json().get("StatusCode") if answer.status == 200 else None
        if code is None:
            raise CarrelError(Code.UNAVAILABLE, "The engine does not say how it ended.")
        if code != 0:
            raise CarrelError(Code.REFUSED, _words(self._said) or f"It ended with code {code}.")

    async def close(self) -> None:
        """Removes the container, whatever it is doing; also for a caller that left."""
        closing = asyncio.create_task(self._close())
        _closing.add(closing)
        closing.add_done_callback(_closing.discard)
        await asyncio.shield(closing)

    async def _close(self) -> None:
        try:
            if self._making is not None:
                await asyncio.wait([self._making])
                await _remove(self._engine, self._id or self._name)
        finally:
            self._ended(self._name)
            await self._stack.aclose()

    async def _frame(self) -> tuple[int, bytes]:
        """Which stream, and its bytes (the engine's API, "attach"); (0, b"") at the end."""
        assert self._attached is not None
        try:
            header = await self._attached.readexactly(_HEADER_BYTES)
            size = int.from_bytes(header[4:], "big")
            return header[0], await self._attached.readexactly(size)
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise CarrelError(Code.UNAVAILABLE, "The engine's answer broke off.") from error
            return 0, b""


_closing: set[asyncio.Task[None]] = set()  # the event loop itself holds tasks only weakly


async def _remove(engine: Engine, id_: str) -> None:
    try:
        answer = await engine.ask(Call("DELETE", f"/containers/{id_}", {"force": "1", "v": "1"}))
    except CarrelError as error:
        # The next look removes it.
        log.warning("The container %s of a job is left behind: %s", id_[:40], error)
        return
    if answer.status not in (204, 404, 409):
        log.warning("The container %s of a job is left behind: %s", id_[:40], answer.content[:300])


def _words(said: bytes) -> str:
    """The last line that the job said, made harmless."""
    lines = said.decode(errors="replace").strip().splitlines()
    return "".join(c for c in lines[-1] if c.isprintable())[:500] if lines else ""
