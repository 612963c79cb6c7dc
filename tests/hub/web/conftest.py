"""The web service in the tests' own loop, before a hub that knows tokens and little else."""

from __future__ import annotations

import gc
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from jupyterhub.httpclient import JupyterHubHTTPClient

from hub import accounts, scopes
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.enums import Role
from hub.hub_api import HubApi
from hub.installation import load
from hub.origins import Origins
from hub.sealing import Label, Sealer
from hub.store import Store
from hub.web.app import MOST_BODY_BYTES, make_app
from hub.web.auth import hub_oauth
from tests.hub.hub_process import write_installation
from tests.spawner.fake_engine import free_port

SEALER = Sealer([bytes(32)])
ACCESS = f"access:services!service={scopes.WEB}"


@dataclass
class TokenHub:
    """Says whose a token is, and gives one for a code if the verifier comes with it."""

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    exchanged: list[dict[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    """Users of whom everything was ended."""
    broken: bool = False
    """Whether it answers 500 to whoever wants to end something."""
    keyless: bool = False
    """Whether it has lost its key for secrets."""

    drive: dict[str, Any] = field(default_factory=dict)
    """What it says about everybody's Drive, by verb; folders by their id."""

    def know(self, token: str, name: str, *held: str) -> None:
        self.models[token] = {"kind": "user", "name": name, "groups": [], "scopes": list(held)}

    async def remove(self, request: web.Request) -> web.Response:
        if self.broken:
            return web.json_response({"message": "out of order"}, status=500)
        self.removed.append(request.match_info["name"])
        return web.Response(status=204)

    async def seal(self, request: web.Request) -> web.Response:
        if self.keyless:
            return web.json_response({"message": "The key is missing."}, status=503)
        said = await request.json()
        sealed = SEALER.seal(Label(said["user"], said["name"]), said["value"])
        return web.json_response({"sealed": sealed})

    async def ask_drive(self, request: web.Request) -> web.Response:
        said, told = await request.json(), self.drive[request.match_info["verb"]]
        if "folder" in said:
            told = told[said["folder"]]
        elif "folders" in said:
            told = {"folders": [told[one] for one in said["folders"]]}
        return web.json_response(told)

    async def unknown(self, _request: web.Request) -> web.Response:
        return web.json_response({"message": "no such user"}, status=404)

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

    def add(self, name: str, role: Role = Role.STUDENT, **more: Any) -> None:
        """An account, and a login of it: the token ``<name>-token``."""
        by = By(COMMAND_LINE, datetime.now(UTC))
        self.store.decide(accounts.create, NewAccount(name, role, **more), by)
        held = {
            Role.STUDENT: (ACCESS,),
            Role.TEACHER: (ACCESS, scopes.PEOPLE),
            Role.ADMIN: (ACCESS, scopes.PEOPLE, scopes.ADMIN),
        }[role]
        self.hub.know(f"{name}-token", name, *held)

    async def post(
        self, path: str, token: str, fields: Sequence[tuple[str, str]] = (), **headers: str
    ) -> tuple[int, str]:
        """Sends a form as a program with a token does; ``headers`` may ask for JSON."""
        headers["Authorization"] = f"token {token}"
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.post(self.url + path, data=list(fields), allow_redirects=False) as answer,
        ):
            return answer.status, await answer.text()

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
    etc = write_installation(data_dir, drive={"client_id": "client-1"})
    shutil.copy(sqlite_template, data_dir / "db" / "carrel.sqlite")
    hub = TokenHub()
    app = web.Application()
    app.router.add_get("/hub/api/user", hub.user)
    app.router.add_post("/hub/api/oauth2/token", hub.token)
    app.router.add_post("/hub/api/carrel/seal", hub.seal)
    app.router.add_post("/hub/api/carrel/drive/{verb}", hub.ask_drive)
    app.router.add_get("/hub/api/users/{name}", hub.unknown)
    app.router.add_delete("/hub/api/users/{name}", hub.remove)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    hub_port, port = free_port(), free_port()
    await web.TCPSite(runner, "127.0.0.1", hub_port).start()
    installation = load(etc)
    store = Store(f"sqlite+pysqlite:///{data_dir}/db/carrel.sqlite")
    token, api = installation.secret("web/token"), f"http://127.0.0.1:{hub_port}/hub/api"
    auth = hub_oauth(token, Origins("", ""), api)
    made = make_app(installation, store, auth, HubApi(token, api))
    server = made.listen(port, "127.0.0.1", max_body_size=MOST_BODY_BYTES)
    site = Site(f"http://127.0.0.1:{port}/services/carrel", hub, store, data_dir, runner.cleanup)
    for name, role in (("ada", Role.STUDENT), ("tess", Role.TEACHER), ("root", Role.ADMIN)):
        site.add(name, role)
    hub.know("student-token", "ada", ACCESS)
    hub.know("admin-token", "root", ACCESS, scopes.ADMIN, scopes.PEOPLE)
    hub.know("stranger-token", "eve")
    yield site
    server.stop()
    await server.close_all_connections()
    await runner.cleanup()
    store.close()
    await JupyterHubHTTPClient.loop_instance().close()
    gc.collect()
