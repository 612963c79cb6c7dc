"""A real hub process on Carrel's own configuration, with stand-ins for proxy, engine and web.

Its network is 127.0.0.0/8, so that the hub's fixed address is one that this machine has.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from hub.settings import Settings
from tests.spawner.fake_engine import free_port

ROOT = Path(__file__).resolve().parents[2]

CONFIG = """
import spawner.confinement
spawner.confinement.SERVER_PORT = {server_port}
load_subconfig({config!r})
c = get_config()
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.JupyterHub.services[1]["url"] = "http://127.0.0.1:{web_port}"
c.JupyterHub.services[3]["environment"]["CARREL_PROXY_API"] = "http://127.0.0.1:{proxy_port}"
"""

MACHINE = {
    "engine_version": "26.1.5",
    "api_version": "1.45",
    "compose": "1.29.2",
    "cores": 2,
    "memory_bytes": 8 * 1024**3,
    "disk_free_bytes": 50 * 1024**3,
    "userns_remap": False,
    "gpus": [],
    "gpu_note": "no NVIDIA driver answers",
    "environment": {},
}
IMAGES = {"base": "carrel/session-base:1", "datascience": "carrel/session-datascience:1"}


def write_installation(data_dir: Path, **more: Any) -> Path:
    """The files of an installation, as ``up`` and node write them; returns its etc."""
    settings = Settings.model_validate(
        {"data_dir": str(data_dir), "network": {"subnet": "127.0.0.0/8"}, **more}
    )
    for folder in ("etc", "db", "hub-db", "run", "homes"):
        (data_dir / folder).mkdir(parents=True)
    (data_dir / "etc" / "settings.json").write_text(settings.model_dump_json())
    (data_dir / "etc" / "machine.json").write_text(json.dumps(MACHINE))
    (data_dir / "etc" / "images.json").write_text(json.dumps(IMAGES))
    for name in (
        "proxy/token", "web/token", "hub/cookie", "hub/crypt_key", "hub/cli_token",
        "hub/drive_key",
        "hub/user_secrets_key",
    ):  # fmt: skip
        path = data_dir / "secrets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_hex(32))
    return data_dir / "etc"


@dataclass
class ProxyApi:
    """The routes table of configurable-http-proxy, without the proxy."""

    port: int
    routes: dict[str, Any] = field(default_factory=dict)
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/api/routes", self._all)
        app.router.add_post("/api/routes{path:.*}", self._add)
        app.router.add_delete("/api/routes{path:.*}", self._delete)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def close(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _all(self, _request: web.Request) -> web.Response:
        return web.json_response(self.routes)

    async def _add(self, request: web.Request) -> web.Response:
        self.routes[request.match_info["path"]] = await request.json()
        return web.Response(status=201)

    async def _delete(self, request: web.Request) -> web.Response:
        gone = self.routes.pop(request.match_info["path"], None)
        return web.Response(status=204 if gone else 404)


@dataclass
class HubProcess:
    """The hub and how to talk to it."""

    data_dir: Path
    proxy: ProxyApi
    server_port: int
    web_port: int
    hub_port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.2:{self.hub_port}/hub"

    @property
    def log(self) -> str:
        return (self.data_dir / "hub.log").read_text()

    async def start(self) -> None:
        """Returns when it answers."""
        config = self.data_dir / "test_config.py"
        config.write_text(
            CONFIG.format(
                config=str(ROOT / "config" / "jupyterhub_config.py"),
                server_port=self.server_port,
                hub_port=self.hub_port,
                proxy_port=self.proxy.port,
                web_port=self.web_port,
            )
        )
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.data_dir),
            "PYTHONPATH": str(ROOT),
            "CARREL_ETC": str(self.data_dir / "etc"),
        }
        with (self.data_dir / "hub.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "jupyterhub", "-f", str(config),
                cwd=self.data_dir, env=environment, stdout=log, stderr=log,
            )  # fmt: skip
        await self._answers()

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends the hub, and the culler, which a killed hub would leave behind."""
        if self.process is None:
            return
        children = _children(self.process.pid)
        if self.process.returncode is None:
            self.process.send_signal(how)
        await self.process.wait()
        self.process = None
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    async def api(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of a call with the command line's token, or another."""
        token = token or (self.data_dir / "secrets" / "hub" / "cli_token").read_text()
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"token {token}"}) as http,
            http.request(method, f"{self.url}/api{path}", json=body) as response,
        ):
            text = await response.text()
            return response.status, json.loads(text) if text[:1] in "[{" and text else text

    async def _answers(self) -> None:
        async with aiohttp.ClientSession() as http:
            for _ in range(300):
                assert self.process and self.process.returncode is None, self.log
                try:
                    async with http.get(f"{self.url}/health") as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)
        raise AssertionError(self.log)


def _children(pid: int) -> list[int]:
    """Processes that a process started, as the kernel lists them."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []
