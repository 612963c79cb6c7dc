"""The engine's API over its unix socket: whole answers, and answers that stream."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from spawner.errors import CarrelError, Code

_CONNECT_TIMEOUT_S = 5.0
_ANSWER_TIMEOUT_S = 1200.0
"""Longer than the longest stop that routes allow; clients give up long before."""


@dataclass(frozen=True)
class Call:
    """One request to the engine. ``path`` has no version and holds checked parts only."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None


@dataclass(frozen=True)
class Answer:
    """What the engine said, an error of its own included."""

    status: int
    content_type: str
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content or b"null")


class Engine:
    """Raises CarrelError(UNAVAILABLE) wherever the engine cannot be asked.

    Calls carry the engine's own newest API version, never the caller's: older ones change what a
    create body means.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._session: aiohttp.ClientSession | None = None
        self._version = ""

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, call: Call) -> Answer:
        with self._as_unavailable():
            async with asyncio.timeout(_ANSWER_TIMEOUT_S), self.stream(call) as response:
                content = await response.read()
                return Answer(response.status, response.content_type, content)

    async def learn_version(self) -> None:
        """Asks for the API version, which changes when the engine is upgraded under us."""
        with self._as_unavailable():
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                response = await self._request(Call("GET", "/version"), "")
                self._version = f"/v{(await response.json())['ApiVersion']}"

    @contextlib.asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer's head, with its body still to be read; hangs up at the end."""
        if not self._version:
            await self.learn_version()
        with self._as_unavailable():
            response = await self._request(call, self._version)
        try:
            yield response
        finally:
            response.close()

    async def _request(self, call: Call, version: str) -> aiohttp.ClientResponse:
        if self._session is None:
            # A connection per call: a kept one breaks with the engine's restart, and a create
            # must not be sent twice to find out.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(self._socket), limit=0, force_close=True),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S),
            )
        return await self._session.request(
            call.method,
            f"http://engine{version}{call.path}",
            params=call.query,
            json=call.body,
            allow_redirects=False,
        )

    @contextlib.contextmanager
    def _as_unavailable(self) -> Iterator[None]:
        try:
            yield
        except (aiohttp.ClientError, OSError, ValueError, KeyError) as error:
            self._version = ""
            raise CarrelError(
                Code.UNAVAILABLE,
                "The Docker engine of this host does not answer.",
                "Look whether its daemon runs.",
            ) from error
