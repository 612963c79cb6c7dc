"""Cookies where each session has a host of its own: over https no session can set the hub's."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jupyterhub.httpclient import JupyterHubHTTPClient
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from hub import origins
from hub.enums import Role
from hub.hub_api import HubApi
from hub.installation import load
from hub.web.app import make_app
from hub.web.auth import hub_oauth
from tests.hub import front, session_page
from tests.hub.world import PASSWORD, World, opened
from tests.spawner.fake_engine import FakeContainer, free_port

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TOSS = """([name, value, path]) => {
    document.cookie = `${name}=${value}; Domain=hub.localhost; Path=${path}`;
}"""


@dataclass
class School:
    """Hub, web and sessions, each with a host of its own, as a browser finds them."""

    world: World
    browser: Browser
    url: str

    @property
    def service(self) -> str:
        return self.url.replace("hub.", "carrel--service.hub.") + "/services/carrel/"

    def session(self, name: str, path: str = "") -> str:
        return self.url.replace("hub.", f"{name}.hub.") + f"/user/{name}/{path}"

    async def stranger(self) -> Page:
        context = await self.browser.new_context(ignore_https_errors=True)
        page = await context.new_page()
        page.set_default_timeout(20_000)
        return page

    async def person(self, name: str) -> Page:
        """Somebody who is logged in, and has seen the service and their session."""
        page = await self.stranger()
        await page.goto(f"{self.url}/hub/login")
        await page.get_by_label("User name").fill(name)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/hub/spawn")
        await page.goto(self.service)
        await expect(page.get_by_role("link", name="Account", exact=True)).to_be_visible()
        await self.world.start(name)
        await page.goto(self.session(name, "lab"))
        await expect(page.get_by_text(f"this is {name}")).to_be_visible()
        return page


async def _cookies(context: BrowserContext) -> dict[tuple[str, str], dict]:
    """By host and name."""
    return {(c["domain"], c["name"]): c for c in await context.cookies()}


def _certificate(path: Path) -> Path:
    """Signed by itself, with its key; no browser would trust it unasked."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hub.localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    kinds = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    path.write_bytes(key.private_bytes(pem, *kinds) + made.public_bytes(pem))
    return path


@pytest.fixture(params=["https", "http"])
async def school(
    request: pytest.FixtureRequest, tmp_path: Path, cheap_hashes: None
) -> AsyncIterator[School]:
    port = free_port()
    url = f"{request.param}://hub.localhost:{port}"
    certificate = _certificate(tmp_path / "pem") if request.param == "https" else None
    async with (
        opened(tmp_path, server={"public_url": url, "subdomains": True}) as world,
        _sessions(world),
        _service(world) as service,
    ):
        session = f"http://127.0.0.1:{world.engine.port}"
        behind = {"hub": world.hub.url.removesuffix("/hub"), "carrel--service": service}
        behind |= dict.fromkeys(("sue", "eve"), session)
        world.add("sue", Role.ADMIN)
        world.add("eve")
        async with front.by_host(port, behind, certificate), async_playwright() as playwright:
            program = shutil.which("chromium")
            assert program, "chromium is missing; ./carrel test installs it"
            browser = await playwright.chromium.launch(
                executable_path=program, args=["--no-sandbox"]
            )
            yield School(world, browser, url)
            await browser.close()


@asynccontextmanager
async def _sessions(world: World) -> AsyncIterator[None]:
    """A process for whichever session started last, with what the hub gave it."""
    running: list[asyncio.subprocess.Process] = []

    async def run(container: FakeContainer) -> None:
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        given = dict(item.split("=", 1) for item in container.body["Env"])
        environment = {**given, "PATH": os.environ["PATH"], "HOME": str(world.hub.data_dir)}
        with (world.hub.data_dir / "session.log").open("ab") as log:
            running[:] = [
                await asyncio.create_subprocess_exec(
                    sys.executable,
                    session_page.__file__,
                    str(world.engine.port),
                    env=environment,
                    stdout=log,
                    stderr=log,
                )
            ]

    starts: list[asyncio.Task] = []
    world.engine.server = lambda container: starts.append(asyncio.create_task(run(container)))
    try:
        yield
    finally:
        for process in running:
            process.kill()
            await process.wait()


@asynccontextmanager
async def _service(world: World) -> AsyncIterator[str]:
    """The real web service, before that hub."""
    installation = load(world.hub.data_dir / "etc")
    token, api = installation.secret("web/token"), f"{world.hub.url}/api"
    auth = hub_oauth(token, origins.of(installation.settings.server), api)
    app = make_app(installation, world.store, auth, HubApi(token, api))
    port = free_port()
    server = app.listen(port, "127.0.0.1", xheaders=True)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
        await server.close_all_connections()
        await JupyterHubHTTPClient.loop_instance().close()
        gc.collect()


async def test_a_session_cannot_log_its_visitors_in_as_somebody_else(school: School) -> None:
    """Over https. Over http it can, which shows that nothing else stands in the way."""
    https = school.url.startswith("https")
    prefix, path = ("__Host-", {"/"}) if https else ("", {"/hub/", "/services/carrel/"})
    sue = await school.person("sue")
    eve = await school.person("eve")
    found = await _cookies(eve.context)
    logins = {
        ("hub.localhost", f"{prefix}jupyterhub-hub-login"),
        ("carrel--service.hub.localhost", f"{prefix}service-carrel"),
    }
    assert logins | {("eve.hub.localhost", f"{prefix}jupyterhub-user-eve")} <= found.keys()
    assert {found[one]["path"] for one in logins} == path
    assert {found[one]["secure"] for one in logins} == {https}

    visitor = await school.stranger()
    await visitor.goto(school.session("eve", "api"))
    for host, name in logins:
        for tossed in {name, name.removeprefix("__Host-")}:
            where = "/hub/" if host == "hub.localhost" else "/services/carrel/"
            await visitor.evaluate(TOSS, [tossed, found[host, name]["value"], where])
    assert len(await _cookies(visitor.context)) == 2, "a browser takes none that is another's own"
    await visitor.goto(f"{school.url}/hub/home")
    if https:
        await expect(visitor.get_by_label("User name")).to_be_visible()
        await visitor.goto(school.service)
        await expect(visitor.get_by_label("User name")).to_be_visible()
    else:
        await expect(visitor.locator("#login_widget")).to_contain_text("eve")

    # Whoever is logged in stays who they are.
    await sue.goto(school.session("eve", "api"))
    login = found["hub.localhost", f"{prefix}jupyterhub-hub-login"]["value"]
    await sue.evaluate(TOSS, ["jupyterhub-hub-login", login, "/hub/account"])
    if https:
        await sue.goto(f"{school.url}/hub/account")
        await expect(sue.locator("#login_widget")).to_contain_text("sue")
        await sue.get_by_label("Your name").fill("Sue of Example")
        await sue.get_by_role("button", name="Save").click()
        await expect(sue).to_have_url(f"{school.url}/hub/account?done=full_name")
        await sue.get_by_role("link", name="Log out").click()
        await expect(sue.get_by_label("User name")).to_be_visible()
        assert not [
            n for _, n in await _cookies(sue.context) if n == f"{prefix}jupyterhub-hub-login"
        ]
