"""Stands in for node and for all sessions of a hub bench, as a process of its own.

It answers what node answers, at once and at real sizes, but runs nothing: every session is the
same HTTP server. As real notebook servers do, each session tells the hub that it is active, with
its own token, every five minutes. It also keeps the proxy's table of routes.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from spawner.confinement import LABEL_USER
from tests.bench import place
from tests.hub.hub_process import ProxyApi
from tests.spawner.fake_engine import FakeContainer, FakeEngine, notebook

ACTIVE_EVERY_S = 300
FILLER = "x" * 2_000
"""Inspect answers of a real engine have some 8 KB, entries of its list some 1.5 KB."""


class Sessions(FakeEngine):
    """An engine of containers that cost nothing."""

    def __init__(self, socket: Path, hub_api: str) -> None:
        super().__init__(socket, 0, server=lambda _container: None)
        self.hub_api = hub_api
        self.reports = 0
        """How often the hub took a session's word that it is active."""
        self._reporting: dict[str, asyncio.Task[None]] = {}
        self._http: aiohttp.ClientSession | None = None

    def more_routes(self) -> list[web.RouteDef]:
        return [
            web.get("/bench/counts", self._counts),
            web.get("/carrel/homes", self._homes),
            web.get("/carrel/homes/{name}", self._home),
        ]

    def _find(self, request: web.Request) -> FakeContainer | None:
        return self.containers.get(request.match_info["id"]) or super()._find(request)

    async def _start(self, request: web.Request) -> web.Response:
        answer = await super()._start(request)
        if container := self._find(request):
            report = asyncio.create_task(self._report(container))
            self._reporting[container.name] = report
        return answer

    async def _quit(self, container: FakeContainer) -> None:
        if report := self._reporting.pop(container.name, None):
            report.cancel()
        await super()._quit(container)

    async def _inspect(self, request: web.Request) -> web.Response:
        answer = json.loads((await super()._inspect(request)).body or b"{}")
        if container := self._find(request):
            answer |= {"Config": container.body, "HostConfig": container.body["HostConfig"],
                       "GraphDriver": FILLER, "Mounts": FILLER}  # fmt: skip
        return web.json_response(answer, status=200 if container else 404)

    async def _list(self, request: web.Request) -> web.Response:
        listed = json.loads((await super()._list(request)).body or b"[]")
        return web.json_response([one | {"Mounts": FILLER[:1000]} for one in listed])

    async def _counts(self, _request: web.Request) -> web.Response:
        counts: dict[str, Any] = {verb: self.calls.count(verb) for verb in set(self.calls)}
        return web.json_response(counts | {"reports": self.reports})

    async def _homes(self, _request: web.Request) -> web.Response:
        users = sorted({c.body["Labels"][LABEL_USER] for c in self.containers.values()})
        return web.json_response({"homes": users})

    async def _home(self, _request: web.Request) -> web.Response:
        return web.json_response({"bytes": 10**8})

    async def _report(self, container: FakeContainer) -> None:
        variables = dict(v.split("=", 1) for v in container.body["Env"])
        headers = {"Authorization": f"token {variables['JUPYTERHUB_API_TOKEN']}"}
        self._http = self._http or aiohttp.ClientSession()
        url = f"{self.hub_api}/users/{container.body['Labels'][LABEL_USER]}/activity"
        await asyncio.sleep(random.uniform(0, ACTIVE_EVERY_S))
        while True:
            now = datetime.now(UTC).isoformat()
            body = {"last_activity": now, "servers": {"": {"last_activity": now}}}
            async with self._http.post(url, json=body, headers=headers) as answer:
                self.reports += answer.status == 200
            await asyncio.sleep(ACTIVE_EVERY_S)


class Proxy(ProxyApi):
    """As configurable-http-proxy does, it says of each route when it was last used: just now."""

    async def _all(self, _request: web.Request) -> web.Response:
        used = {"last_activity": datetime.now(UTC).isoformat()}
        return web.json_response({path: route | used for path, route in self.routes.items()})


async def main() -> None:
    """Runs until it is ended."""
    engine = Sessions(Path(os.environ["BENCH_SOCKET"]), os.environ["BENCH_HUB_API"])
    engine.images = set(json.loads(os.environ["BENCH_IMAGES"]))
    await engine.start()
    runner = web.AppRunner(notebook(None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["BENCH_SERVER_PORT"])).start()
    await Proxy(int(os.environ["BENCH_PROXY_PORT"])).start()
    await asyncio.Event().wait()


def environment(
    socket: Path, images: list[str], server_port: int, proxy_port: int, hub_api: str
) -> dict[str, str]:
    """What this program is told."""
    return {
        "BENCH_SOCKET": str(socket), "BENCH_IMAGES": json.dumps(images),
        "BENCH_SERVER_PORT": str(server_port), "BENCH_PROXY_PORT": str(proxy_port),
        "BENCH_HUB_API": hub_api,
    }  # fmt: skip


async def counts(socket: Path) -> dict[str, int]:
    """How often each verb was asked for so far."""
    connector = aiohttp.UnixConnector(str(socket))
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.get("http://node/bench/counts") as answer,
    ):
        return dict(await answer.json())


async def ready(socket: Path) -> None:
    """Returns once it answers."""
    await place.answers("http://node/bench/counts", aiohttp.UnixConnector(str(socket)))


if __name__ == "__main__":
    asyncio.run(main())
