"""Knows which session images are on the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from spawner.engine import Engine, EngineError

ASK_TIMEOUT_S = 2.0
"""A start page does not wait longer for an engine that is slow to answer."""


class ReadyImages:
    """References seen on the engine. What was there stays believed; a start finds out."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    async def among(self, references: Collection[str], engine: Engine) -> frozenset[str]:
        """Those of ``references`` that are there, or that the engine could not be asked about."""
        wanted = [reference for reference in references if reference not in self._seen]
        absent = set()
        for reference, there in zip(
            wanted,
            await asyncio.gather(*(self._has(reference, engine) for reference in wanted)),
            strict=True,
        ):
            if there:
                self._seen.add(reference)
            elif there is False:
                absent.add(reference)
        return frozenset(references) - absent

    async def _has(self, reference: str, engine: Engine) -> bool | None:
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                return await engine.has_image(reference)
        except (EngineError, TimeoutError):
            return None
