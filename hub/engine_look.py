"""Looks every few seconds whether the engine answers, and which sessions are paused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub import reach
from hub.store import Store
from spawner.errors import CarrelError

log = logging.getLogger("carrel.housekeeping")

PATIENCE_S = 6.0
"""How long the engine may take to answer what it keeps in memory."""


class Node(Protocol):
    """What is asked of node."""

    async def paused(self) -> Sequence[str]: ...


@dataclass
class EngineLook:
    """Puts on record what it finds: that is all that pages and the command line know of it."""

    store: Store
    node: Node
    _silent: bool = False

    async def look(self, now: datetime) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                paused = await self.node.paused()
        except (CarrelError, TimeoutError) as error:
            await self.store.in_thread(self.store.decide, reach.record_silence, now)
            self._say(silent=True, why=str(error) or f"no answer within {PATIENCE_S:.0f} s")
            return
        await self.store.in_thread(self.store.decide, reach.record_answer, paused, now)
        self._say(silent=False)

    def _say(self, *, silent: bool, why: str = "") -> None:
        """Once for each change."""
        if silent and not self._silent:
            log.warning("The engine does not answer; sessions are unknown, and kept: %s", why)
        elif self._silent and not silent:
            log.info("The engine answers again.")
        self._silent = silent
