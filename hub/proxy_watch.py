"""Gives a proxy that was restarted its routes back.

A restarted proxy has no routes, and JupyterHub looks at them once a minute only. So the proxy is
asked here, which costs the hub nothing, and the hub is told when it is to compare.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from spawner.errors import CarrelError, Code

log = logging.getLogger("carrel.housekeeping")

TIMEOUT_S = 5


class Hub(Protocol):
    """What is asked of the hub."""

    def check_proxy(self) -> None: ...


def has_lost_routes(routes: dict[str, dict[str, Any]]) -> bool:
    """Whether not even the hub has its route, which is the first that it makes.

    Not whether there are none at all: a session that has just started may have one.
    """
    return not any(route.get("hub") for route in routes.values())


@dataclass(frozen=True)
class ProxyWatch:
    """``url`` is of the proxy's API, ``token`` what it was started with."""

    url: str
    token: str
    hub: Hub

    async def look(self, _now: object = None) -> None:
        """Has the hub compare the routes if the proxy has lost them.

        Raises CarrelError(UNAVAILABLE) if proxy or hub cannot be asked.
        """
        if has_lost_routes(await self._routes()):
            await asyncio.to_thread(self.hub.check_proxy)
            log.info("The proxy had no routes and has them again.")

    async def _routes(self) -> dict[str, dict[str, Any]]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        headers = {"Authorization": f"token {self.token}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=headers) as http,
                http.get(f"{self.url}/api/routes", raise_for_status=True) as answer,
            ):
                routes: dict[str, dict[str, Any]] = await answer.json()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise CarrelError(Code.UNAVAILABLE, f"The proxy cannot be asked: {error}") from error
        return routes
