"""GitHub and GitLab through a real hub; and providers that are away, or not what they seem."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from yarl import URL

from hub import accounts
from hub.enums import Role
from hub.sign_on_knobs import CLIENT_SECRET
from tests.hub.hub_process import HubProcess, ProxyApi, write_installation
from tests.hub.real_hub.running import Hub, free_port, text_of
from tests.oidc import forges
from tests.oidc.signed_on import invite


@contextmanager
def _hub(folder: Path, secrets: dict[str, str], **sign_on: Any) -> Iterator[Hub]:
    port = free_port()
    settings = {
        "server": {"public_url": f"http://127.0.0.1:{port}"},
        "sign_on": {"client_id": "carrel", **sign_on},
    }
    database = sa.URL.create("sqlite+pysqlite", database=str(folder / "carrel.sqlite"))
    hub = Hub(folder, database, settings, port, secrets)
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_forge_lets_in_whom_an_invitation_brings_and_knows_them_by_number(tmp_path, kind):
    user = {"login": "octocat", "username": "octocat", "id": 583231, "name": "The Octocat"}
    with (
        forges.running(user) as forge,
        _hub(tmp_path, {CLIENT_SECRET: forges.SECRET}, provider=kind, issuer=forge.url) as hub,
    ):
        browser, (_, code) = hub.browser(), invite(hub, Role.TEACHER)
        onward = browser.post("/hub/invitation", code=code).headers["Location"]
        back = forge.authorize(browser.get(onward).headers["Location"])
        answer = browser.get(back.removeprefix(hub.url))
        assert answer.status_code == 302, text_of(answer)
        account = hub.store.read(accounts.require, "octocat")
        assert account.identity == f"{forge.url} 583231"
        assert (account.role, account.full_name) == (Role.TEACHER, "The Octocat")
        asked, exchanged = forge.asked
        assert asked.get("scope", "") == ("read_user" if kind == "gitlab" else "")
        assert "nonce" not in asked
        assert "data" not in exchanged

        # The login name changes hands: the number does not, and the account stays the person's.
        forge.user = user | {"login": "renamed", "username": "renamed"}
        assert _come(hub, forge).me()["name"] == "octocat"
        forge.user = user | {"id": 99}
        assert _come(hub, forge).me() is None

        forge.status = 500
        assert _come(hub, forge).me() is None
        assert "cannot be reached now" in hub.log
        assert "an-access-token" not in hub.log
        assert forges.SECRET not in hub.log


def _come(hub: Hub, forge: forges.Forge) -> Any:
    browser = hub.browser()
    back = forge.authorize(browser.get("/hub/oauth_login").headers["Location"])
    browser.get(back.removeprefix(hub.url))
    return browser


@pytest.mark.parametrize(
    ("kind", "secrets"),
    [
        ("github", {CLIENT_SECRET: "an-old-one"}),
        ("gitlab", {CLIENT_SECRET: "an-old-one"}),
        ("gitlab", {}),
    ],
)
def test_a_wrong_or_missing_client_secret_is_told_without_it(tmp_path, kind, secrets):
    with (
        forges.running({"id": 1, "login": "a", "username": "a"}) as forge,
        _hub(tmp_path, secrets, provider=kind, issuer=forge.url) as hub,
    ):
        browser = hub.browser()
        back = forge.authorize(browser.get("/hub/oauth_login").headers["Location"])
        answer = browser.get(back.removeprefix(hub.url))
        assert answer.status_code in (500, 503)
        assert "administrator" in text_of(answer)
        assert "an-old-one" not in answer.text + hub.log
        assert "Traceback" not in hub.log


def test_a_hub_comes_up_without_its_provider_and_says_so_at_the_login(tmp_path):
    away = f"http://127.0.0.1:{free_port()}"
    with _hub(tmp_path, {}, provider="oidc", issuer=away) as hub:
        assert "Log in with 127.0.0.1" in text_of(hub.browser().get("/hub/login"))
        answer = hub.browser().get("/hub/oauth_login")
        assert answer.status_code == 503
        assert "127.0.0.1 cannot be reached now. Try again in a minute" in text_of(answer)
        assert "Traceback" not in hub.log


@pytest.mark.parametrize(
    ("kind", "called", "where"),
    [
        ("github", "GitHub", "https://github.com/login/oauth/authorize"),
        ("gitlab", "GitLab", "https://gitlab.com/oauth/authorize"),
    ],
)
async def test_the_installations_own_configuration_leads_to_the_provider(
    tmp_path, kind, called, where
):
    more = {
        "server": {"public_url": "https://carrel.example.org"},
        "sign_on": {"provider": kind, "client_id": "of-carrel"},
    }
    etc = write_installation(tmp_path / "data", **more)
    proxy = ProxyApi(free_port())
    await proxy.start()
    hub = HubProcess(etc.parent, proxy, free_port(), free_port())
    try:
        await hub.start()
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{hub.url}/login") as page:
                assert f"Log in with {called}" in await page.text()
            async with http.get(f"{hub.url}/oauth_login", allow_redirects=False) as answer:
                leads = URL(answer.headers["Location"])
                cookie = answer.headers["Set-Cookie"]
    finally:
        await hub.stop(signal.SIGKILL)
        await proxy.close()
    assert str(leads.with_query(None)) == where
    assert leads.query["client_id"] == "of-carrel"
    assert leads.query["redirect_uri"] == "https://carrel.example.org/hub/oauth_callback"
    assert "; Secure" in cookie
