"""The true steps of one start, kept for every page that follows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from spawner.wait import Wait


@dataclass(frozen=True)
class Step:
    """Something that has happened; ``percent`` of the whole start."""

    percent: int
    message: str
    wait: Wait | None = None

    def as_event(self) -> dict[str, Any]:
        """For JupyterHub's progress stream."""
        event: dict[str, Any] = {"progress": self.percent, "message": self.message}
        if self.wait is not None:
            event |= {"place": self.wait.place, "reason": self.wait.reason}
        return event


class Steps:
    """Steps so far; ``follow`` tells them from the first one, whenever a page comes."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._grown = asyncio.Event()
        self._began: float | None = None

    def add(self, percent: int, message: str) -> None:
        self._put(Step(percent, message))

    def wait(self, percent: int, wait: Wait) -> None:
        """A place in the queue: it stands until the next step, or another place, replaces it."""
        self._put(Step(percent, str(wait), wait))

    @property
    def waiting(self) -> Wait | None:
        """The place in the queue, while waiting is what happens now."""
        return self._steps[-1].wait if self._steps else None

    @property
    def begun(self) -> bool:
        return bool(self._steps)

    @property
    def elapsed_s(self) -> int:
        """Since the first step, in whole seconds."""
        return 0 if self._began is None else int(time.monotonic() - self._began)

    async def follow(self) -> AsyncGenerator[Step, None]:
        """Never ends by itself: JupyterHub closes it when the start is over."""
        told: list[Step] = []
        while True:
            grown = self._grown
            # The last one told may have been replaced since.
            last = len(told) - 1
            if told and self._steps[last] != told[last]:
                told[last] = self._steps[last]
                yield told[last]
            while len(told) < len(self._steps):
                told.append(self._steps[len(told)])
                yield told[-1]
            await grown.wait()

    def _put(self, step: Step) -> None:
        if self._began is None:
            self._began = time.monotonic()
        if self.waiting:
            self._steps[-1] = step
        else:
            self._steps.append(step)
        self._grown.set()
        self._grown = asyncio.Event()
