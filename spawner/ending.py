"""Ends a session's container and says why it ended."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from enum import Enum
from typing import Any

from spawner.engine import (
    RETRY_FIRST_S,
    RETRY_MOST_S,
    Answer,
    Container,
    Engine,
    EngineError,
    Phase,
)

SIGKILLED = 137
"""Exit code of a server that the kernel killed: 128 + SIGKILL."""


class Cause(Enum):
    """Why a session ended, as far as its container tells."""

    STOPPED = "stopped"
    EXITED = "exited"
    OUT_OF_MEMORY = "out of memory"
    GONE = "gone"
    START_FAILED = "start failed"
    START_CANCELLED = "start cancelled"
    START_INTERRUPTED = "start interrupted"


@dataclass(frozen=True)
class Ask:
    """Why somebody wants a session ended: policy's own words, carried here and not understood."""

    reason: Enum
    detail: str = ""


class Asked:
    """What the ending under way was asked for; the first one stays."""

    def __init__(self) -> None:
        self.first: Ask | None = None

    def note(self, ask: Ask) -> None:
        self.first = self.first or ask

    def take_back(self) -> None:
        """The ending did not come about."""
        self.first = None


@dataclass(frozen=True)
class Ending:
    """The end of one session, for the record."""

    session_id: str
    cause: Cause
    detail: str = ""
    ask: Ask | None = None
    """What we ended it for, if anybody said."""


@dataclass(frozen=True)
class Place:
    """Which container, in which network, and how long it may take to end by itself."""

    name: str
    network: str
    grace_s: int


async def end(
    engine: Engine, place: Place, log: logging.Logger | logging.LoggerAdapter[Any]
) -> tuple[Cause, str]:
    """Stops and removes a container; returns the cause, and its exit code in words.

    Returns only when the container ended or is definitively gone. While the engine cannot be
    asked or refuses, it tries again for ever: whoever waits here would otherwise forget a
    container that lives.
    """
    stopped = False
    last: Container | None = None
    wait_s = RETRY_FIRST_S
    while True:
        try:
            last = await engine.inspect(place.name, place.network)
            if last.phase is Phase.LIVE:
                stopped = True
                await engine.stop(place.name, place.grace_s)
                continue
            await engine.remove(place.name)
            return cause_of(last, stopped)
        except EngineError as error:
            if error.answer is Answer.GONE:
                return cause_of(last, stopped)
            log.warning("%s is not ended yet, trying again: %s", place.name, error)
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, RETRY_MOST_S)


def cause_of(container: Container | None, stopped: bool) -> tuple[Cause, str]:
    """Why it ended, from its last state; ``stopped`` when we had to end it."""
    if stopped:
        return Cause.STOPPED, ""
    if container is None:
        return Cause.GONE, "the container was removed"
    if container.phase is Phase.NOT_STARTED:
        return Cause.START_INTERRUPTED, ""
    if container.oom_killed and container.exit_code == SIGKILLED:
        return Cause.OUT_OF_MEMORY, f"exit code {container.exit_code}"
    return Cause.EXITED, f"exit code {container.exit_code}"
