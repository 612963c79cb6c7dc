"""The web service in the tests' own loop, before a hub that knows tokens and little else."""

from __future__ import annotations

import gc
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from jupyterhub.httpclient import JupyterHubHTTPClient

from hub import scopes
from hub.installation import load
from hub.origins import Origins
from hub.store import Store
from hub.web.app import make_app
from hub.web.auth import hub_oauth
from tests.hub.hub_process import write_installation
from tests.spawner.fake_engine import free_port

ACCESS = f"access:services!service={scopes.WEB}"


@dataclass
class TokenHub:
    """Says whose a token is, and gives one for a code if the verifier comes with it."""

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    exchanged: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def know(self, token: str, name: str, *held: str) -> None:
        self.models[token] = {"kind": "user", "name": name, "groups": [], "scopes": list(held)}

    async def user(self, request: web.Request) -> web.Response:
        token = request.headers["Authorization"].split()[1]
        if token not in self.models:
            return web.json_response({"status": 403}, status=403)
        return web.json_response(self.models[token])

    async def token(self, request: web.Request) -> web.Response:
        self.exchanged.append(dict(await request.post()))
        return web.json_response({"access_token": "student-token"})


@dataclass
class Site:
    """Where the service is; whom its hub knows."""

    url: str
    hub: TokenHub
    store: Store
    data_dir: Path
    close_hub: Callable[[], Any]

    async def get(
        self, path: str, token: str | None = None, **headers: str
    ) -> tuple[int, str, dict[str, str]]:
        if token:
            headers["Authorization"] = f"token {token}"
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.get(self.url + path, allow_redirects=False) as answer,
        ):
            return answer.status, await answer.text(), dict(answer.headers)


@pytest.fixture
async def site(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Site]:
    data_dir = tmp_path / "data"
    etc = write_installation(data_dir)
    shutil.copy(sqlite_template, data_dir / "db" / "carrel.sqlite")
    hub = TokenHub()
    app = web.Application()
    app.router.add_get("/hub/api/user", hub.user)
    app.router.add_post("/hub/api/oauth2/token", hub.token)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    hub_port, port = free_port(), free_port()
    await web.TCPSite(runner, "127.0.0.1", hub_port).start()
    installation = load(etc)
    store = Store(f"sqlite+pysqlite:///{data_dir}/db/carrel.sqlite")
    auth = hub_oauth(
        installation.secret("web/token"), Origins("", ""), f"http://127.0.0.1:{hub_port}/hub/api"
    )
    server = make_app(installation, store, auth).listen(port, "127.0.0.1")
    hub.know("student-token", "ada", ACCESS)
    hub.know("admin-token", "root", ACCESS, scopes.ADMIN)
    hub.know("stranger-token", "eve")
    yield Site(f"http://127.0.0.1:{port}/services/carrel", hub, store, data_dir, runner.cleanup)
    server.stop()
    await server.close_all_connections()
    await runner.cleanup()
    store.close()
    await JupyterHubHTTPClient.loop_instance().close()
    gc.collect()
