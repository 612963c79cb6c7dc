"""Drive through a real hub process and web's own pages, with a Google of the tests.

Consent, its refusals, disconnecting, what sidecars are told: each token and code is looked for
where it must not be.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import sqlalchemy as sa
from jupyterhub.httpclient import JupyterHubHTTPClient

from hub import accounts, audit, drive_bearers, drive_links, drive_syncs, sessions
from hub.audit import By
from hub.drive_sealing import KEY
from hub.enums import DriveState, Reason, Role
from hub.hub_api import HubApi
from hub.installation import load
from hub.models import audit as audit_rows
from hub.models import drive_links as link_rows
from hub.origins import Origins
from hub.web.app import make_app
from hub.web.auth import hub_oauth
from tests.hub.google import FULL, SECRET, Google, answering
from tests.hub.world import Browser, World, opened
from tests.spawner.fake_engine import free_port

PREFIX = "/services/carrel/"


@dataclass
class Site:
    """All of it, and what was logged."""

    world: World
    google: Google
    url: str
    logged: pytest.LogCaptureFixture

    def browser(self, token: str) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            headers={"Authorization": f"token {token}"} if token else {},
            cookie_jar=aiohttp.CookieJar(unsafe=True),
        )

    def link(self, user: str = "ada") -> drive_links.Link | None:
        return self.world.store.read(drive_links.find, user)

    def begin(self, user: str = "ada") -> tuple[str, str]:
        """A session and the bearer of its sidecar."""
        now = datetime.now(UTC)
        session = self.world.store.decide(sessions.open_session, user, "small", now).id
        return session, self.begin_anew(session, user)

    def begin_anew(self, session: str, user: str = "ada") -> str:
        """The bearer of a session's next sidecar."""
        bearers = drive_bearers.bearers(load(self.world.hub.data_dir / "etc").settings)
        begin = (drive_syncs.begin, user, session, bearers, datetime.now(UTC))
        return str(self.world.store.decide(*begin))

    async def sidecar(self, bearer: str, verb: str, said: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Carrel {bearer}"}
        url = f"{self.world.hub.url}/api/carrel/drive/{verb}"
        async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json=said) as got:
            return got.status, json.loads(await got.text())

    def traces(self) -> str:
        """All that is logged or on record."""
        with self.world.store.reading() as tx:
            rows = [str(tx.execute(sa.select(t)).all()) for t in (link_rows, audit_rows)]
        return self.world.hub.log + self.logged.text + "".join(rows)


@pytest.fixture
async def site(
    tmp_path: Path, cheap_hashes: None, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Site]:
    google = Google()
    google.folder("f1", "Data")
    google.folder("f2", "Sub 'quoted'", "f1")
    google.file("a", 1000, "f2")
    google.file("b", 24, "f1")
    google.file("c", 7)
    google.folder("f3", "Big")
    google.file("d", 2 * 1024**3, "f3")
    drive = {**google.settings, "cap_gib": 1.0}
    async with answering(google), opened(tmp_path, drive=drive) as world:
        data_dir = world.hub.data_dir
        (data_dir / "secrets" / "hub" / "drive_client_secret").write_text(SECRET)
        installation = load(data_dir / "etc")
        token, api = installation.secret("web/token"), f"{world.hub.url}/api"
        app = make_app(
            installation, world.store, hub_oauth(token, Origins("", ""), api), HubApi(token, api)
        )
        port = free_port()
        server = app.listen(port, "127.0.0.1")
        site = Site(world, google, f"http://127.0.0.1:{port}{PREFIX}", caplog)
        for log in ("tornado.access", "tornado.application", "tornado.general"):
            caplog.set_level(logging.DEBUG, log)
        for name in ("ada", "eve"):
            world.add(name)
        yield site
        server.stop()
        await server.close_all_connections()
        await JupyterHubHTTPClient.loop_instance().close()


async def token_of(site: Site, user: str = "ada") -> str:
    cli = (site.world.hub.data_dir / "secrets" / "hub" / "cli_token").read_text()
    api = HubApi(cli, f"{site.world.hub.url}/api")
    return await asyncio.to_thread(api.create_token, user, "test", 3600)


async def post(http: aiohttp.ClientSession, url: str, **fields: Any) -> tuple[int, str]:
    """Status, and the page or where it leads."""
    async with http.post(url, data=fields, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def get(http: aiohttp.ClientSession, url: str, **params: str) -> tuple[int, str]:
    async with http.get(url, params=params, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def leave(site: Site, http: aiohttp.ClientSession) -> str:
    """Google's address, with all that it asks."""
    status, where = await post(http, f"{site.url}drive/connect")
    assert status == 303 and where.startswith(site.google.settings["auth_url"])
    return where


async def come_back(site: Site, http: aiohttp.ClientSession, **said: str) -> str:
    """Where the callback leads: never anywhere with what it was given."""
    status, where = await get(http, f"{site.url}drive/callback", **said)
    assert status == 303 and where.startswith(f"{PREFIX}drive") and "code" not in where, where
    return where


async def connect(site: Site, http: aiohttp.ClientSession) -> dict[str, str]:
    said = site.google.consent(await leave(site, http))
    assert (await come_back(site, http, **said)).split("?")[0] in (
        f"{PREFIX}drive/choose", f"{PREFIX}drive",
    )  # fmt: skip
    return said


async def problem(site: Site, http: aiohttp.ClientSession) -> str:
    """What the page says once, and not twice."""
    _, page = await get(http, f"{site.url}drive")
    found = re.search(r'role="alert".*?<p>(.*?)</p>', page, re.DOTALL)
    assert found, page
    assert 'role="alert"' not in (await get(http, f"{site.url}drive"))[1]
    return found[1]


async def test_connect_choose_sync_and_disconnect(site: Site) -> None:  # noqa: PLR0915  a way
    google = site.google
    async with site.browser(await token_of(site)) as http, site.browser("") as student:
        home = Browser(student, site.world.hub.url)
        await home.log_in("ada")
        assert "not connected" in (await home.get("/home"))[1]
        status, page = await get(http, f"{site.url}drive")
        assert status == 200 and "Connect Google Drive" in page
        where = await leave(site, http)
        asked = {name: value[0] for name, value in parse_qs(urlsplit(where).query).items()}
        assert asked["scope"] == FULL
        assert asked["redirect_uri"] == "http://127.0.0.1:8000/services/carrel/drive/callback"
        said = google.consent(where)
        assert (await come_back(site, http, **said)) == f"{PREFIX}drive/choose?done=connected"
        link = site.link()
        assert link and (link.state, link.email) == (DriveState.LINKED, google.email)
        (refresh,) = google.refresh
        assert refresh not in (link.sealed or "")

        # Nothing is synced until something is chosen.
        session, bearer = site.begin()
        status, told = await site.sidecar(bearer, "access", {})
        assert (status, told["state"]) == (403, "no folders")
        status, page = await get(http, f"{site.url}drive/choose")
        assert status == 200 and "2 files, under 1 MiB" in page and "Big" in page
        status, page = await post(http, f"{site.url}drive/choose", open="f1", folder="f3")
        assert (
            status == 200 and "Sub &#39;quoted&#39;" in page and "Chosen in other folders" in page
        )
        status, page = await post(http, f"{site.url}drive/choose", folder="f3")
        assert status == 400 and "That is 2.0 GiB, and 1.0 GiB may be synced." in page
        status, page = await post(http, f"{site.url}drive/choose", everything="1")
        assert status == 400 and "may be synced" in page
        both = [("folder", "f1"), ("folder", "f2")]
        status, where = await post(http, f"{site.url}drive/choose", folder="f1")
        assert (status, where) == (303, f"{PREFIX}drive?done=chosen")
        async with http.post(f"{site.url}drive/choose", data=both, allow_redirects=False) as answer:
            assert answer.status == 303
        link = site.link()
        assert link and [(f.id, f.path, f.files, f.bytes) for f in link.folders] == [
            ("f1", "Data", 2, 1024)
        ]

        # The sidecar gets a token of an hour at most, and tells how far it is.
        status, told = await site.sidecar(bearer, "access", {})
        assert status == 200 and told["access_token"] in google.access
        assert 0 < told["expires_at"] - datetime.now(UTC).timestamp() <= 3600
        assert told["settings"]["folders"] == [{"id": "f1", "title": "Data"}]
        assert told["settings"]["requests_per_s"] == 50
        _, other = site.begin("eve")
        report = {
            "state": "syncing", "up": {"files": 3, "size_bytes": 30}, "files": 40,
            "up_total": {"files": 4, "size_bytes": 40}, "user": "eve", "session": "000000000000",
        }  # fmt: skip
        status, told = await site.sidecar(bearer, "report", report)
        assert status == 200 and told["settings"]["requests_per_s"] == 25  # two are open
        _, page = await get(http, f"{site.url}drive")
        assert "3 files, under 1 MiB to go" in page
        assert "files are on their way (3 up, 0 down to go)" in (await home.get("/home"))[1]
        assert (await site.sidecar(bearer, "report", {"state": "dancing"}))[0] == 400
        assert site.world.store.read(drive_syncs.newest_of, "eve").report == ""
        for wrong in (bearer[:-1], "", "x" * 5000, f"{other}x"):
            assert (await site.sidecar(wrong, "report", report))[0] == 401
        # Nor does it open anything else, and nobody's own token opens this.
        own = await token_of(site)
        assert (await site.world.hub.api("POST", "/carrel/drive/access", {}, own))[0] == 401
        for verb in ("folders", "unlink", "link", "chosen"):
            body = {"user": "ada", "folder": "root"}
            assert (await site.world.hub.api("POST", f"/carrel/drive/{verb}", body, own))[0] == 403
        ended = {"state": "ended", "files": 42, "result": "42 files in Drive, 1 conflict copy"}
        assert (await site.sidecar(bearer, "report", ended))[0] == 200
        site.world.store.decide(drive_syncs.end, session, datetime.now(UTC))
        assert (await site.sidecar(bearer, "access", {}))[0] == 401
        assert site.world.store.read(drive_syncs.of_session, session).result.startswith("42 files")
        close = (sessions.close_session, session, Reason.STOPPED_BY_USER, datetime.now(UTC))
        site.world.store.decide(*close)
        for path in ("/home", "/spawn"):
            status, page = await home.get(path)
            assert status == 200 and 'href="/services/carrel/drive"' in page
            assert "At the end of your last session: 42 files in Drive, 1 conflict copy." in page

        status, page = await post(http, f"{site.url}drive/do", action="disconnect")
        assert status == 200 and "Disconnect Google Drive?" in page
        fields = {"action": "disconnect", "confirmed": "1"}
        status, where = await post(http, f"{site.url}drive/do", **fields)
        assert (status, where) == (303, f"{PREFIX}drive?done=disconnected")
        link = site.link()
        assert link and (link.state, link.sealed) == (DriveState.DISCONNECTED, None)
        assert google.revoked == [refresh] and not google.refresh[refresh]
        assert site.world.store.read(drive_links.mounted, "ada")
        traces = site.traces()
        for hidden in (refresh, said["code"], bearer, SECRET, *google.access, asked["state"]):
            assert hidden not in traces
        assert "/drive/callback" in traces and "Data" not in site.world.hub.log


async def test_what_does_not_belong_connects_nothing(site: Site) -> None:
    google = site.google
    async with (
        site.browser(await token_of(site)) as http,
        site.browser(await token_of(site)) as elsewhere,
        site.browser(await token_of(site, "eve")) as eve,
        site.browser("") as nobody,
    ):
        # A no on Google's page.
        state = parse_qs(urlsplit(await leave(site, http)).query)["state"][0]
        await come_back(site, http, error="access_denied", state=state)
        assert "you said no there" in await problem(site, http)
        # A state that nobody here made, or none.
        for made_up in ({"code": "4/x", "state": "made-up"}, {"code": "4/x"}, {}):
            await come_back(site, http, **made_up)
            assert "nobody here asked for it" in await problem(site, http)
        # Somebody else's login, and the same person's other browser.
        said = google.consent(await leave(site, http))
        await come_back(site, eve, **said)
        assert "begun by somebody else" in await problem(site, eve)
        said = google.consent(await leave(site, http))
        await come_back(site, elsewhere, **said)
        assert "in another browser" in await problem(site, elsewhere)
        await come_back(site, http, **said)
        assert "was used already" in await problem(site, http)
        # Nobody's login: the code does not travel through the login's address.
        said = google.consent(await leave(site, http))
        assert await come_back(site, nobody, **said) == f"{PREFIX}drive?done=lost"
        assert not google.refresh and site.link() is None and site.link("eve") is None
        # A box that was not ticked; no lasting permission.
        google.scope = "openid"
        await come_back(site, http, **google.consent(await leave(site, http)))
        assert "tick “See, edit, create, and delete all" in await problem(site, http)
        google.scope, google.lasting = FULL, False
        await come_back(site, http, **google.consent(await leave(site, http)))
        assert "no lasting permission" in await problem(site, http)
        google.lasting = True
        assert site.link() is None and not any(google.refresh.values()) and google.revoked
        # Google away; then the same address once more, after it worked.
        google.away = True
        await come_back(site, http, **google.consent(await leave(site, http)))
        assert "Google does not answer right now" in await problem(site, http)
        google.away = False
        said = await connect(site, http)
        assert site.link() is not None
        await come_back(site, http, **said)
        assert "was used already" in await problem(site, http)
        assert site.link().state is DriveState.LINKED
        # The page sends nobody's form anywhere, and no form of another site comes in.
        cross = {"Sec-Fetch-Site": "cross-site"}
        async with http.post(f"{site.url}drive/connect", headers=cross) as answer:
            assert answer.status == 403
        assert not any(hidden in site.traces() for hidden in (*google.refresh, said["code"]))


async def test_a_dead_grant_another_account_and_a_new_key(site: Site) -> None:
    google, store = site.google, site.world.store
    key = site.world.hub.data_dir / KEY
    async with site.browser(await token_of(site)) as http:
        await connect(site, http)
        await post(http, f"{site.url}drive/choose", folder="f1")
        session, bearer = site.begin()
        (first,) = google.refresh
        assert (await site.sidecar(bearer, "access", {}))[0] == 200

        # A new key in front seals anew at the next use; the old one can go then.
        old, new = key.read_text(), secrets.token_hex(32)
        key.write_text(f"{new}\n{old}\n")
        before = site.link().sealed
        await _forget(site, bearer)
        assert site.link().sealed != before
        key.write_text(f"{new}\n")
        bearer = await _ended_with_its_key(site, session, bearer)

        # Google away is no reason to reconnect.
        google.away = True
        await _wait_for_minting(site)
        status, told = await site.sidecar(bearer, "access", {})
        assert status == 503 and site.link().state is DriveState.LINKED
        google.away = False

        # Another account: the former one's access is given back, its folders are not chosen.
        google.email, google.root = "other@school.example", "0AnotheR"
        await connect(site, http)
        link = site.link()
        assert google.revoked == [first] and (link.email, link.folders) == (google.email, ())
        await post(http, f"{site.url}drive/choose", folder="f1")
        # The same account again: giving the former token back would end the new one too.
        await connect(site, http)
        assert google.revoked == [first] and site.link().folders

        # The consent is withdrawn at Google.
        for token in google.refresh:
            google.refresh[token] = False
        google.access.clear()
        assert (await get(http, f"{site.url}drive/choose"))[0] == 409
        status, told = await site.sidecar(bearer, "access", {})
        assert (status, told["state"]) == (403, "reconnect")
        asked = google.asked
        assert (await site.sidecar(bearer, "access", {}))[0] == 403 and google.asked == asked
        _, page = await get(http, f"{site.url}drive")
        assert "Google does not let Carrel in any more" in page and "Reconnect" in page
        page = await _start_page(site)
        assert page.index(">Reconnect</a>") < page.index('id="spawn_form"')
        with store.reading() as tx:
            what = set(tx.scalars(sa.select(audit_rows.c.what)))
        assert audit.Action.DRIVE_LOST.value in what
        await connect(site, http)
        assert site.link().state is DriveState.LINKED and site.link().folders

        # A disabled account's sidecar gets nothing; a deleted one's link is gone.
        root = By("root", datetime.now(UTC))
        site.world.add("root", Role.ADMIN)
        store.decide(accounts.disable, "ada", root)
        assert (await site.sidecar(bearer, "access", {}))[0] == 403
        store.decide(accounts.remove, "ada", root, datetime.now(UTC) + timedelta(days=1))
        assert site.link() is None
        assert (await site.sidecar(bearer, "access", {}))[0] == 401


async def _ended_with_its_key(site: Site, session: str, bearer: str) -> str:
    """The bearer of the sidecar that takes its place, and has a new token."""
    assert (await site.sidecar(bearer, "access", {}))[0] == 401
    bearer = site.begin_anew(session)
    await _forget(site, bearer)
    return bearer


async def _forget(site: Site, bearer: str) -> None:
    """A token that is minted anew."""
    await _wait_for_minting(site)
    minted = site.google.minted
    assert (await site.sidecar(bearer, "access", {}))[0] == 200
    assert site.google.minted == minted + 1


async def _wait_for_minting(site: Site) -> None:
    """The hub gives a token out twice for some seconds only; a restart forgets it at once."""
    await site.world.hub.stop()
    await site.world.hub.start()


async def _start_page(site: Site) -> str:
    """As ada sees it."""
    async with site.browser("") as student:
        home = Browser(student, site.world.hub.url)
        await home.log_in("ada")
        return (await home.get("/spawn"))[1]
