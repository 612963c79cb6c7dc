"""A real node on its socket, in a thread: its own code on real homes, with no engine behind it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from spawner.node import config as node_config
from spawner.node.actions import Actions
from spawner.node.app import Application
from spawner.node.config import NodeConfig
from spawner.node.engine import Engine
from spawner.node.firewall_keeper import Status
from spawner.node.layout import ensure_layout
from tests.spawner.node.conftest import NETWORK, node_json


@dataclass
class NodeBeside:
    """``containers`` is what the engine lists of anybody."""

    config: NodeConfig
    containers: list[dict[str, Any]] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    def home(self, name: str, **files: str) -> Path:
        """A home with files in it."""
        path = self.config.homes / name
        path.mkdir()
        for file, text in files.items():
            (path / file).write_text(text)
        return path

    async def engine(self, request: web.Request) -> web.Response:
        if request.path == "/version":
            return web.json_response({"ApiVersion": "1.41"})
        if request.method == "DELETE":
            self.removed.append(request.path)
            return web.Response(status=204)
        if request.path.endswith("/stop"):
            self.stopped.append(request.path_qs)
            return web.Response(status=204)
        if request.path.endswith("/containers/json"):
            return web.json_response(self.containers)
        if request.path.endswith("/containers/create"):
            self.made.append(request.query["name"])
            return web.json_response({"Id": "a" * 64}, status=201)
        if request.method == "POST":
            return web.Response(status=204)
        if "/networks/" in request.path:
            return web.json_response(NETWORK)
        kind = "drive" if "-drive/" in request.path else "session"
        labels = {"carrel.project": "carrel", f"carrel.{kind}": "0123456789ab"}
        about = {"Id": "a" * 64, "Config": {"Labels": labels}, "State": {"Pid": 4711}}
        return web.json_response(about)


@contextmanager
def node_beside(data_dir: Path) -> Iterator[NodeBeside]:
    """node's socket is ``<data_dir>/run/node.sock``; gone at the end."""
    config = node_config.parse(json.dumps(node_json(data_dir)))
    ensure_layout(config)
    made = NodeBeside(config)
    ready, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        engine = Engine(config.engine_socket)
        actions = Actions(config, engine, lambda: Status(True, ""), frozenset())
        behind = web.Application()
        behind.router.add_route("*", "/{path:.*}", made.engine)
        runners = []
        for app, path in (
            (behind, config.engine_socket),
            (Application(actions, engine, config.hub_uid).make(), config.socket),
        ):
            runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
            await runner.setup()
            await web.UnixSite(runner, str(path)).start()
            runners.append(runner)
        ready.set()
        await ended.wait()
        actions.homes.close()
        for runner in runners:
            await runner.cleanup()
        await engine.close()
        config.socket.unlink(missing_ok=True)

    thread = threading.Thread(target=lambda: (loop.run_until_complete(serve()), loop.close()))
    thread.start()
    assert ready.wait(10)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
