"""Listens to the engine's events through node, for as long as any session runs.

Beside polling, not instead of it: an event that is missed costs a poll's interval. Nothing here
holds a thread, and nothing raises: a stream that breaks is opened again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path

import aiohttp

from spawner.background import keep
from spawner.engine import RETRY_FIRST_S, RETRY_MOST_S
from spawner.engine_events import Happened, What, read

log = logging.getLogger("carrel.engine")

FILTERS = json.dumps({"event": [what.value for what in What]})
_LIMITS = aiohttp.ClientTimeout(total=None, sock_connect=5)
_FAULTS = (aiohttp.ClientError, OSError, TimeoutError, ValueError)


class EngineWatch:
    """Tells whoever follows a session what happens to its container."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._followers: dict[str, Callable[[Happened], None]] = {}
        self._since = ""
        self._heard = False
        self._listening: asyncio.Task[None] | None = None

    def follow(self, session: str, told: Callable[[Happened], None]) -> None:
        """Needs the running event loop."""
        self._followers[session] = told
        if self._listening is None or self._listening.done():
            self._listening = keep(self._listen())

    def forget(self, session: str) -> None:
        self._followers.pop(session, None)

    async def _listen(self) -> None:
        wait_s = RETRY_FIRST_S
        while self._followers:
            self._heard = False
            try:
                await self._hear()
                log.info("The engine's events broke off; listening again.")
            except _FAULTS as error:
                if self._heard or wait_s == RETRY_FIRST_S:  # once, not at every try
                    log.warning("The engine is not heard, so sessions are polled: %s", error)
            if self._heard:
                wait_s = RETRY_FIRST_S
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, RETRY_MOST_S)

    async def _hear(self) -> None:
        """Returns when the stream ends. What came since the last event is told first."""
        query = {"filters": FILTERS} | ({"since": self._since} if self._since else {})
        connector = aiohttp.UnixConnector(str(self._socket))
        async with (
            aiohttp.ClientSession(connector=connector, timeout=_LIMITS) as http,
            http.get("http://node/events", params=query, raise_for_status=True) as answer,
        ):
            self._heard = True
            async for line in answer.content:
                if (event := read(line)) is not None:
                    self._tell(event)

    def _tell(self, event: Happened) -> None:
        self._since = event.at
        told = self._followers.get(event.session)
        if told is None:
            return
        try:
            told(event)
        except Exception:
            log.exception("What happened to session %s reached nobody.", event.session)
