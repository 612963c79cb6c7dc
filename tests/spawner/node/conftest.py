"""What node's tests share: a configuration, a create body that passes, an engine that records."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from spawner.node import config as node_config
from spawner.node.actions import Actions
from spawner.node.app import Application
from spawner.node.config import NodeConfig
from spawner.node.engine import Engine
from spawner.node.firewall_keeper import Status
from spawner.node.layout import ensure_layout

SESSION = "0123456789ab"
NAME = f"carrel-ann-{SESSION}"
SESSION_ID = "a" * 64
TOKEN = "s3cr3t-token"


def node_json(data_dir: Path) -> dict[str, Any]:
    """What `up` writes, for the account that runs the tests."""
    return {
        "project": "carrel",
        "data_dir": str(data_dir),
        "engine_socket": str(data_dir / "engine.sock"),
        "socket": str(data_dir / "run/node.sock"),
        "hub_uid": os.geteuid(),
        "session_uid": os.geteuid(),
        "images": ["carrel/session-base:1", "site/own:2"],
        "tools_image": "carrel/hub:1",
        "drive_image": "carrel/drivesync:1",
        "drive_grace_s": 75,
        "network": {
            "name": "carrel-sessions",
            "bridge": "carrel0",
            "subnet": "10.203.0.0/20",
            "hub": "10.203.0.2",
            "proxy": "10.203.0.3",
            "hub_port": 8081,
            "allow": ["10.9.0.0/16", "192.168.7.7:3142"],
            "services": [],
        },
        "limits": {
            "sessions_max_bytes": 2**33,
            "memory_max_bytes": 2**31,
            "nano_cpus_max": 2 * 10**9,
            "pids_max": 1024,
            "shm_max_bytes": 2**28,
            "log_max_bytes": 10 * 2**20,
        },
    }


def create_body(data_dir: Path) -> dict[str, Any]:
    """A create body as docker-py writes it for a session, its empty fields included."""
    return {
        "Hostname": "carrel",
        "Domainname": None,
        "ExposedPorts": {"8888/tcp": {}},
        "User": None,
        "Tty": False,
        "OpenStdin": False,
        "StdinOnce": False,
        "AttachStdin": False,
        "AttachStdout": True,
        "AttachStderr": True,
        "Env": [f"JUPYTERHUB_API_TOKEN={TOKEN}", "LANG=C.UTF-8"],
        "Cmd": ["jupyterhub-singleuser", "--debug"],
        "Image": "carrel/session-base:1",
        "Volumes": None,
        "NetworkDisabled": False,
        "Entrypoint": None,
        "WorkingDir": "/content",
        "NetworkingConfig": None,
        "MacAddress": None,
        "Labels": {
            "carrel.project": "carrel",
            "carrel.session": SESSION,
            "carrel.user": "ann",
            "carrel.profile": "small",
        },
        "StopSignal": None,
        "Healthcheck": None,
        "StopTimeout": None,
        "Runtime": None,
        "HostConfig": {
            "Memory": 2**30,
            "MemorySwap": 2**30,
            "NanoCpus": 10**9,
            "PidsLimit": 512,
            "ShmSize": 2**26,
            "CapDrop": ["ALL"],
            "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
            "SecurityOpt": ["no-new-privileges"],
            "Binds": [f"{data_dir}/homes/ann:/content:rw"],
            "NetworkMode": "carrel-sessions",
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "1"}},
            "Init": True,
        },
    }


NETWORK = {
    "Name": "carrel-sessions",
    "Driver": "bridge",
    "EnableIPv6": False,
    "IPAM": {"Config": [{"Subnet": "10.203.0.0/20", "IPRange": "10.203.8.0/21"}]},
    "Options": {
        "com.docker.network.bridge.name": "carrel0",
        "com.docker.network.bridge.enable_icc": "false",
    },
}


def container(labels: dict[str, str]) -> dict[str, Any]:
    return {"Id": SESSION_ID, "Config": {"Labels": labels, "Tty": False}, "State": {}}


@dataclass
class RecordingEngine:
    """Stands where the engine's socket is; remembers every request that reached it."""

    requests: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    no: dict[str, str] = field(default_factory=dict)
    """Paths whose requests are answered ``no_status``, with these words."""
    no_status: int = 400
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    """Paths whose requests are answered once somebody says so."""
    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    listed: list[dict[str, Any]] = field(default_factory=list)
    """What a list of containers holds."""
    network: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(NETWORK))
    pieces: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)
    """What a streaming route says, one at a time; None ends it, b"" breaks it off."""
    exit_code: int = 0
    """Of every container that is waited for."""
    streams: int = 0
    raw_paths: list[str] = field(default_factory=list)

    @property
    def changes(self) -> list[tuple[str, str]]:
        """Requests that were more than questions."""
        return [(method, path) for method, path, _, _ in self.requests if method != "GET"]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        self.raw_paths.append(request.path)
        path = request.path.removeprefix("/v1.41")
        body = json.loads(text) if text else None
        self.requests.append((request.method, path, dict(request.query), body))
        if path in self.held:
            await self.held[path].wait()
        if path.endswith(("/logs", "/attach")) or path == "/events":
            return await self._stream(request)
        if path in self.no and (path != "/containers/create" or body["HostConfig"]["CgroupParent"]):
            return web.json_response({"message": self.no[path]}, status=self.no_status)
        if path == "/containers/create":
            return web.json_response({"Id": SESSION_ID, "Warnings": []}, status=201)
        if path.endswith("/wait"):
            return web.json_response({"StatusCode": self.exit_code})
        if request.method != "GET":
            return web.Response(status=204)
        return self._answer(path)

    def _answer(self, path: str) -> web.Response:
        said: dict[str, Any] = {
            "/version": {"ApiVersion": "1.41", "Version": "20.10.24"},
            "/_ping": ["OK"],
            "/info": {"CgroupDriver": "systemd"},
            "/containers/json": self.listed,
            "/networks/carrel-sessions": self.network or None,
            "/images/site/own:2/json": {"Id": "sha256:1"},
        }
        said |= {f"/containers/{name}/json": found for name, found in self.containers.items()}
        found = said.get(path)
        return web.json_response(found, status=404 if found is None else 200)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        self.streams += 1
        try:
            while (piece := await self.pieces.get()) is not None:
                if piece == b"":
                    request.transport.abort()
                    break
                await response.write(piece)
        finally:
            self.streams -= 1
        return response


@dataclass
class Node:
    """node's application on its socket, with the engine behind it and a client before it."""

    config: NodeConfig
    engine: RecordingEngine
    client: aiohttp.ClientSession
    body: dict[str, Any]
    status: Status = field(default_factory=lambda: Status(True, ""))
    peer: int = field(default_factory=os.geteuid)

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        url = URL(f"http://node{path}", encoded=True)  # as written, nothing tidied up
        async with self.client.request(method, url, **more) as response:
            text = await response.read()
            return response.status, json.loads(text) if text[:1] in (b"{", b"[") else text

    async def create(self, body: Any, name: str = NAME) -> tuple[int, Any]:
        return await self.ask("POST", f"/v1.41/containers/create?name={name}", json=body)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Short, as a socket's path may hold 107 bytes."""
    path = Path(tempfile.mkdtemp(prefix="node-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def config(data_dir: Path) -> NodeConfig:
    return node_config.parse(json.dumps(node_json(data_dir)))


@pytest.fixture
def body(data_dir: Path) -> dict[str, Any]:
    return create_body(data_dir)


@pytest.fixture
def session() -> dict[str, Any]:
    """A session's container as the engine describes it."""
    return container({"carrel.project": "carrel", "carrel.session": SESSION, "carrel.user": "ann"})


@pytest.fixture
def make_container() -> Callable[[dict[str, str]], dict[str, Any]]:
    return container


@contextlib.asynccontextmanager
async def _served(app: web.Application, path: Path, **options: Any) -> AsyncIterator[web.AppRunner]:
    runner = web.AppRunner(app, shutdown_timeout=0.1, **options)
    await runner.setup()
    await web.UnixSite(runner, str(path)).start()
    try:
        yield runner
    finally:
        await runner.cleanup()


@pytest.fixture
async def node(config: NodeConfig, body: dict[str, Any]) -> AsyncIterator[Node]:
    ensure_layout(config)
    recorder = RecordingEngine()
    engine_app = web.Application(client_max_size=2**24)
    engine_app.router.add_route("*", "/{path:.*}", recorder.handle)
    engine = Engine(config.engine_socket)
    client = aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(config.socket)))
    made = Node(config, recorder, client, body)
    app = Application(
        Actions(config, engine, lambda: made.status, frozenset()),
        engine,
        config.hub_uid,
        uid_of=lambda _request: made.peer,
    )
    async with (
        _served(engine_app, config.engine_socket, handler_cancellation=True),
        _served(app.make(), config.socket, handler_cancellation=True),
        client,
    ):
        yield made
        await engine.close()
