"""An engine that behaves: containers that live and die, and every trouble a real one gives.

It speaks the few routes that the spawner uses, on a unix socket, and each started container is
a real HTTP server on loopback, so that "answers" means what it says.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket as sockets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

Trouble = Callable[[], Any]
"""Awaited before a route answers: may wait, or return a response that replaces the answer."""


@dataclass
class FakeContainer:
    """What the fake knows of one container."""

    id: str
    name: str
    body: dict[str, Any]
    status: str = "created"
    exit_code: int = 0
    oom_killed: bool = False
    log: bytes = b"the last line\n"
    runner: web.AppRunner | None = None


@dataclass
class FakeEngine:
    """``trouble`` maps a verb to what happens before it is carried out; ``after`` to afterwards."""

    socket: Path
    port: int
    network: str = "carrel-sessions"
    images: set[str] = field(default_factory=set)
    containers: dict[str, FakeContainer] = field(default_factory=dict)
    trouble: dict[str, Trouble] = field(default_factory=dict)
    after: dict[str, Trouble] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    server: Callable[[FakeContainer], web.Application | None] = lambda _container: None
    """What a started container serves; None is a server that never listens."""
    listeners: list[asyncio.Queue[dict[str, Any]]] = field(default_factory=list)
    """Of the events; each has its queue."""
    _runner: web.AppRunner | None = None
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    async def start(self) -> None:
        app = web.Application()
        app.add_routes(
            [
                web.get("/version", self._version),
                web.get("/{v}/images/{name:.+}/json", self._image),
                web.post("/{v}/containers/create", self._verb("create", self._create)),
                web.get("/containers/json", self._verb("list", self._list)),
                web.get("/events", self._events),
                web.post("/containers/{id}/stop", self._verb("stop", self._stop)),
                web.delete("/containers/{id}", self._verb("remove", self._remove)),
                web.get("/{v}/containers/{id}/json", self._verb("inspect", self._inspect)),
                web.post("/{v}/containers/{id}/start", self._verb("start", self._start)),
                web.post("/{v}/containers/{id}/stop", self._verb("stop", self._stop)),
                web.get("/{v}/containers/{id}/logs", self._verb("logs", self._logs)),
                web.delete("/{v}/containers/{id}", self._verb("remove", self._remove)),
            ]
        )
        app.add_routes(self.more_routes())
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self.socket)).start()

    def more_routes(self) -> list[web.RouteDef]:
        """For who makes more of it."""
        return []

    async def close(self) -> None:
        """The engine goes away; its containers live on."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def end(self) -> None:
        await self.close()
        for container in list(self.containers.values()):
            await self._quit(container)

    @property
    def only(self) -> FakeContainer:
        (container,) = self.containers.values()
        return container

    async def kill(self, container: FakeContainer, exit_code: int, *, oom: bool = False) -> None:
        """The container's main process ends by itself."""
        await self._quit(container)
        container.status, container.exit_code, container.oom_killed = "exited", exit_code, oom
        if oom:
            self.tell(container, "oom")
        self.tell(container, "die", exitCode=str(exit_code))

    async def lose(self, container: FakeContainer) -> None:
        """Somebody removes it."""
        await self._quit(container)
        del self.containers[container.name]
        self.tell(container, "destroy")

    def tell(self, container: FakeContainer, action: str, **attributes: str) -> None:
        """An event, for everybody who listens."""
        labels = container.body.get("Labels", {})
        event = {"Type": "container", "Action": action, "timeNano": time.time_ns()}
        event["Actor"] = {"ID": container.id, "Attributes": {**labels, **attributes}}
        for listener in self.listeners:
            listener.put_nowait(event)

    async def _quit(self, container: FakeContainer) -> None:
        if container.runner:
            runner, container.runner = container.runner, None
            await runner.cleanup()

    def _verb(self, verb: str, act: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            self.calls.append(verb)
            await request.read()
            if verb in self.trouble and (answer := await self.trouble[verb]()) is not None:
                return answer
            # As a daemon does: carried out even when the client has gone.
            done = await asyncio.shield(asyncio.ensure_future(act(request)))
            if verb in self.after and (answer := await self.after[verb]()) is not None:
                return answer
            return done

        return handle

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": "1.41", "MinAPIVersion": "1.24"})

    async def _image(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name in self.images:
            return web.json_response({"Id": "sha256:1"})
        return web.json_response({"message": f"No such image: {name}"}, status=404)

    async def _create(self, request: web.Request) -> web.Response:
        name, body = request.query["name"], await request.json()
        if body["Image"] not in self.images:
            return web.json_response({"message": f"No such image: {body['Image']}"}, status=404)
        if name in self.containers:
            return web.json_response({"message": f"{name} is in use"}, status=409)
        container = FakeContainer(f"{next(self._ids):064x}", name, body)
        self.containers[name] = container
        return web.json_response({"Id": container.id, "Warnings": []}, status=201)

    async def _start(self, request: web.Request) -> web.Response:
        container = self._find(request)
        if container is None:
            return _gone()
        container.status = "running"
        app = self.server(container)
        if app is not None:
            container.runner = web.AppRunner(app, shutdown_timeout=0.1)
            await container.runner.setup()
            await web.TCPSite(container.runner, "127.0.0.1", self.port, reuse_address=True).start()
        return web.Response(status=204)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self.calls.append("events")
        wanted = json.loads(request.query["filters"])["event"]
        response = web.StreamResponse()
        await response.prepare(request)
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.listeners.append(queue)
        try:
            # Looked at, not cancelled: what else was asked for goes on when the caller has left.
            while request.transport is not None and not request.transport.is_closing():
                try:
                    event = await asyncio.wait_for(queue.get(), 0.1)
                except TimeoutError:
                    continue
                if event["Action"] in wanted:
                    await response.write(json.dumps(event).encode() + b"\n")
        finally:
            self.listeners.remove(queue)
        return response

    async def _list(self, request: web.Request) -> web.Response:
        wanted = json.loads(request.query.get("filters", "{}")).get("status")
        return web.json_response(
            [
                {
                    "Id": container.id,
                    "Names": [f"/{container.name}"],
                    "Labels": container.body["Labels"],
                    "State": container.status,
                }
                for container in self.containers.values()
                if wanted is None or container.status in wanted
            ]
        )

    async def _inspect(self, request: web.Request) -> web.Response:
        container = self._find(request)
        if container is None:
            return _gone()
        live = container.status in ("running", "paused")
        address = "127.0.0.1" if live else ""
        return web.json_response(
            {
                "Id": container.id,
                "State": {
                    "Status": container.status,
                    "Running": live,
                    "ExitCode": container.exit_code,
                    "OOMKilled": container.oom_killed,
                },
                "Config": {"Tty": False},
                "NetworkSettings": {"Networks": {self.network: {"IPAddress": address}}},
            }
        )

    async def _stop(self, request: web.Request) -> web.Response:
        container = self._find(request)
        if container is None:
            return _gone()
        if container.status != "exited":
            await self.kill(container, 0)
        return web.Response(status=204)

    async def _logs(self, request: web.Request) -> web.Response:
        container = self._find(request)
        if container is None:
            return _gone()
        # Without a terminal the engine sends frames: stream, length, bytes.
        return web.Response(body=struct.pack(">BxxxL", 1, len(container.log)) + container.log)

    async def _remove(self, request: web.Request) -> web.Response:
        container = self._find(request)
        if container is None:
            return _gone()
        if container.status == "running" and request.query.get("force") not in ("1", "True"):
            return web.json_response({"message": "it is running"}, status=409)
        await self.lose(container)
        return web.Response(status=204)

    def _find(self, request: web.Request) -> FakeContainer | None:
        wanted = request.match_info["id"]
        return next((c for c in self.containers.values() if wanted in (c.name, c.id)), None)


def status(code: int) -> Trouble:
    """Answers with an HTTP status."""

    async def trouble() -> web.Response:
        return web.json_response({"message": "trouble"}, status=code)

    return trouble


def slow(seconds: float) -> Trouble:
    """Answers, but late."""

    async def trouble() -> None:
        await asyncio.sleep(seconds)

    return trouble


def notebook(_container: FakeContainer | None) -> web.Application:
    """A notebook server that answers everything."""
    app = web.Application()

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"version": "fake"})

    app.router.add_route("*", "/{path:.*}", answer)
    return app


def _gone() -> web.Response:
    return web.json_response({"message": "No such container"}, status=404)


def free_port() -> int:
    """A TCP port on loopback that nobody listens on at this moment."""
    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
