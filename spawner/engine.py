"""The container engine in Carrel's words: a few verbs, and four kinds of no.

**Unknown is not dead**: an engine that is down, slow or answers 500 says nothing about a
container. Only a definitive 404 (GONE) or an exit ends a session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeVar

from docker.errors import APIError, ImageNotFound

from spawner import container as container_
from spawner.plan import Plan

T = TypeVar("T")

RETRY_FIRST_S = 0.5
RETRY_MOST_S = 5.0
"""Between two attempts while the engine cannot be asked; sessions are back soon after it is."""


LAST_BYTES = 4096
"""How much of a server's output goes into the hub's log."""


class Answer(Enum):
    """What an error of the engine means."""

    GONE = "gone"
    NO_IMAGE = "no image"
    CONFLICT = "conflict"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class EngineError(Exception):
    """The engine did not do it; ``detail`` is for the log, never for a page."""

    def __init__(self, answer: Answer, detail: str) -> None:
        super().__init__(f"{answer.value}: {detail}")
        self.answer = answer
        self.detail = detail


def classify(error: Exception) -> Answer:
    """What an exception of docker-py says about the thing that was asked for."""
    if isinstance(error, ImageNotFound):
        return Answer.NO_IMAGE
    status = error.status_code if isinstance(error, APIError) else None
    if status == 404:
        return Answer.GONE
    if status == 409:
        return Answer.CONFLICT
    if status is not None and 400 <= status < 500 and status not in (408, 429):
        return Answer.REFUSED
    # 5xx, no connection, no answer in time, or no client because the engine was down.
    return Answer.UNKNOWN


class Phase(Enum):
    """Where a container is in its life."""

    NOT_STARTED = "not started"
    LIVE = "live"
    EXITED = "exited"


@dataclass(frozen=True)
class Container:
    """What the engine says of a container."""

    id: str
    phase: Phase
    exit_code: int
    oom_killed: bool
    address: str
    """IPv4 address on the sessions' network; empty unless it runs."""


def read(inspected: dict[str, Any], network: str) -> Container:
    """A container from the engine's inspect answer."""
    state = inspected["State"]
    phase = {
        "created": Phase.NOT_STARTED,
        "exited": Phase.EXITED,
        "dead": Phase.EXITED,
        "removing": Phase.EXITED,
    }.get(state["Status"], Phase.LIVE)  # running, paused, restarting
    networks = (inspected.get("NetworkSettings") or {}).get("Networks") or {}
    return Container(
        id=inspected["Id"],
        phase=phase,
        exit_code=int(state.get("ExitCode") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        address=(networks.get(network) or {}).get("IPAddress") or "",
    )


class Call(Protocol):
    """Runs a docker-py method in a thread; DockerSpawner's ``docker``."""

    def __call__(self, method: str, /, *args: Any, **kwargs: Any) -> Awaitable[Any]: ...


class Engine:
    """Verbs on containers by name. Each asks once and raises EngineError."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def create(self, plan: Plan) -> str:
        """Makes the container; returns its id."""
        made = await self._ask("create_container", **container_.kwargs(plan))
        return str(made["Id"])

    async def start(self, name: str) -> None:
        await self._ask("start", name)

    async def inspect(self, name: str, network: str) -> Container:
        return read(await self._ask("inspect_container", name), network)

    async def stop(self, name: str, grace_s: int) -> None:
        """Asks it to end and ends it after ``grace_s``; no error when it had ended already."""
        await self._ask("stop", name, timeout=grace_s)

    async def remove(self, name: str) -> None:
        """Removes an ended container with its anonymous volumes."""
        await self._ask("remove_container", name, v=True)

    async def kill_and_remove(self, name: str) -> None:
        """Removes a container whatever it is doing; for starts that nobody waits for."""
        await self._ask("remove_container", name, v=True, force=True)

    async def last_lines(self, name: str, lines: int = 20) -> str:
        """The end of what its server printed."""
        raw = await self._ask("logs", name, tail=lines)
        # A student wrote them: no escape sequences for whoever reads the log, and not for ever.
        text = bytes(raw)[-LAST_BYTES:].decode(errors="replace")
        return "\n".join(
            "  | " + "".join(c if c.isprintable() else "\ufffd" for c in line)
            for line in text.splitlines()
        )

    async def has_image(self, reference: str) -> bool:
        try:
            await self._ask("inspect_image", reference)
        except EngineError as error:
            if error.answer in (Answer.GONE, Answer.NO_IMAGE):
                return False
            raise
        return True

    async def _ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return await self._call(method, *args, **kwargs)
        except Exception as error:
            raise EngineError(classify(error), f"{method}: {error}") from error


async def until_answered(
    ask: Callable[[], Awaitable[T]], log: logging.Logger | logging.LoggerAdapter[Any]
) -> T:
    """Asks until the engine's answer is definitive, for as long as it takes.

    Raises EngineError only for answers other than UNKNOWN.
    """
    wait_s = RETRY_FIRST_S
    while True:
        try:
            return await ask()
        except EngineError as error:
            if error.answer is not Answer.UNKNOWN:
                raise
            log.warning("The engine cannot be asked, trying again in %.1f s: %s", wait_s, error)
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, RETRY_MOST_S)
