"""Work that may take longer than a page: one errand a subject, looked at as often as wanted."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

KEPT_S = 600.0
"""How long a finished errand can still be looked at."""


@dataclass
class Errand:
    """``line`` is the last that was heard of it."""

    subject: str
    id: str = field(default_factory=lambda: secrets.token_urlsafe(8))
    line: str = ""
    started: float = field(default_factory=time.monotonic)
    task: asyncio.Task[Any] | None = None

    def hear(self, line: str) -> None:
        """May be called from any thread."""
        self.line = line

    @property
    def is_done(self) -> bool:
        return self.task is not None and self.task.done()

    async def wait(self, seconds: float) -> bool:
        """Whether it is done, after at most so long."""
        assert self.task is not None
        await asyncio.wait({self.task}, timeout=seconds)
        return self.task.done()


class Errands:
    """Those of this session."""

    def __init__(self) -> None:
        self._errands: dict[str, Errand] = {}

    def find(self, id_: str, subject: str) -> Errand | None:
        """The errand that a page was about, if it was about this."""
        errand = self._errands.get(id_)
        return errand if errand is not None and errand.subject == subject else None

    def start(self, subject: str, work: Callable[[Errand], Awaitable[Any]]) -> Errand:
        """The one that is at work on ``subject``, or a new one."""
        now = time.monotonic()
        self._errands = {
            id_: errand
            for id_, errand in self._errands.items()
            if not errand.is_done or now - errand.started < KEPT_S
        }
        for errand in self._errands.values():
            if errand.subject == subject and not errand.is_done:
                return errand
        errand = Errand(subject)
        errand.task = asyncio.ensure_future(work(errand))
        # Nobody may come to look: its failure is then told to nobody, and that is no error.
        errand.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._errands[errand.id] = errand
        return errand
