"""Work that may take longer than a page: one job for each subject, looked at as often as wanted."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

KEPT_S = 600.0
"""How long a finished job can still be looked at."""


@dataclass
class Job:
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


class Jobs:
    """Those of this session."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def find(self, id_: str, subject: str) -> Job | None:
        """The job that a page was about, if it was about this."""
        job = self._jobs.get(id_)
        return job if job is not None and job.subject == subject else None

    def start(self, subject: str, work: Callable[[Job], Awaitable[Any]]) -> Job:
        """The one that is at work on ``subject``, or a new one."""
        now = time.monotonic()
        self._jobs = {
            id_: job
            for id_, job in self._jobs.items()
            if not job.is_done or now - job.started < KEPT_S
        }
        for job in self._jobs.values():
            if job.subject == subject and not job.is_done:
                return job
        job = Job(subject)
        job.task = asyncio.ensure_future(work(job))
        # Nobody may come to look: its failure is then told to nobody, and that is no error.
        job.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._jobs[job.id] = job
        return job
