"""The true steps of one start, kept for every page that follows it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """Something that has happened; ``percent`` of the whole start."""

    percent: int
    message: str


class Steps:
    """Steps so far; ``follow`` tells them from the first one, whenever a page comes."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._grown = asyncio.Event()
        self._began: float | None = None

    def add(self, percent: int, message: str) -> None:
        if self._began is None:
            self._began = time.monotonic()
        self._steps.append(Step(percent, message))
        self._grown.set()
        self._grown = asyncio.Event()

    @property
    def begun(self) -> bool:
        return bool(self._steps)

    @property
    def elapsed_s(self) -> int:
        """Since the first step, in whole seconds."""
        return 0 if self._began is None else int(time.monotonic() - self._began)

    async def follow(self) -> AsyncGenerator[Step, None]:
        """Never ends by itself: JupyterHub closes it when the start is over."""
        told = 0
        while True:
            grown = self._grown
            while told < len(self._steps):
                yield self._steps[told]
                told += 1
            await grown.wait()
