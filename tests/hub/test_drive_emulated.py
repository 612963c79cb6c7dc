"""What the hub asks of Google, against the emulator, which knows Google's own description."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from drive_emulator.emulator import Emulator
from drive_emulator.grants import Client
from drive_emulator.model import FOLDER, Access, New
from drive_emulator.server import serving

from hub import accounts, drive_consent, drive_google, drive_links
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.drive_folders import Look
from hub.drive_sealing import KEY
from hub.drive_tokens import JUST_NOW, DriveTokens
from hub.enums import DriveScope, DriveState, Role
from hub.settings import Settings
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.drivesync import venv

EMAIL, SECRET, VERIFIER = "anna@example.org", "the client's secret", "v" * 43
BY = By("ada", datetime.now(UTC))


class Site:
    """The hub's side of it, and a browser at the emulator's page."""

    def __init__(self, emulator: Emulator, url: str, data_dir: Path, store: Store) -> None:
        self.emulator, self.url, self.store = emulator, url, store
        drive = {
            "client_id": "carrel", "auth_url": f"{url}/o/oauth2/v2/auth",
            "token_url": f"{url}/token", "revoke_url": f"{url}/revoke", "api_url": url,
        }  # fmt: skip
        self.settings = Settings.model_validate({"data_dir": str(data_dir), "drive": drive})
        (data_dir / KEY).parent.mkdir(parents=True)
        (data_dir / KEY).write_text(secrets.token_hex(32))
        back = drive_consent.redirect_uri(self.settings)
        emulator.add_client(Client("carrel", SECRET, (back,), "Carrel"))
        self.tokens = DriveTokens(self.settings, store, lambda: SECRET)

    def decide(self, answer: str = "allow", ticked: bool = True) -> dict[str, str]:
        """What comes back after the page was filled in, as by a browser."""
        where = urlsplit(drive_consent.address(self.settings, "state", VERIFIER))
        connection = HTTPConnection(where.netloc, timeout=20)
        connection.request("GET", f"{where.path}?{where.query}")
        page = connection.getresponse().read().decode()
        hidden = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page)
        form = [(unescape(name), unescape(value)) for name, value in hidden]
        offered = re.findall(r'name="keep" value="([^"]*)"', page) if ticked else []
        form += [("keep", unescape(scope)) for scope in offered]
        form += [("account", EMAIL), ("answer", answer)]
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", where.path, urlencode(form), kind)
        went = connection.getresponse()
        connection.close()
        assert went.status == 303, page
        said = parse_qs(urlsplit(went.headers["Location"]).query)
        return {name: values[0] for name, values in said.items()}

    async def connect(self) -> drive_links.Link:
        said = await asyncio.to_thread(self.decide)
        await self.tokens.link("ada", said["code"], VERIFIER, BY)
        found = self.store.read(drive_links.find, "ada")
        assert found
        return found


@pytest.fixture(scope="module")
def documents() -> list[Path]:
    inside = "lib/python*/site-packages/googleapiclient/discovery_cache/documents"
    [folder] = venv.python().parents[1].glob(inside)
    return [folder / "drive.v2.json"]


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path, documents: list[Path]) -> Iterator[Site]:
    (tmp_path / "db").mkdir()
    path = tmp_path / "db" / "carrel.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    store = Store(f"sqlite+pysqlite:///{path}")
    store.decide(accounts.create, NewAccount("ada", Role.STUDENT), By(COMMAND_LINE, BY.at))
    emulator = Emulator(documents, seed=1)
    emulator.store.add_account(EMAIL, "Anna")
    with serving(emulator) as url:
        yield Site(emulator, url, tmp_path, store)
    store.close()
    assert emulator.journal.failures() == []


async def test_connected_looked_into_lost_and_given_back(site: Site) -> None:
    link = await site.connect()
    assert (link.state, link.email) == (DriveState.LINKED, EMAIL)
    assert link.root == site.emulator.store.account(EMAIL).root

    drive, now = site.settings.drive, datetime.now(UTC)
    access = await site.tokens.access("ada", now)
    assert access is await site.tokens.access("ada", now)
    assert access is not await site.tokens.access("ada", now + timedelta(seconds=31), JUST_NOW)
    assert timedelta() < access.expires_at - now <= timedelta(hours=1, seconds=5)
    first = await drive_google.make_folder(drive, access.token, "It's a \\ folder")
    assert first == await drive_google.make_folder(drive, access.token, "It's a \\ folder")
    look = Look(drive, access.token)
    level = await look.level("root")
    assert [(one["id"], one["title"]) for one in level["folders"]] == [(first, "It's a \\ folder")]
    assert (await look.level(first))["path"] == [{"id": first, "title": "It's a \\ folder"}]
    (chosen,) = await look.chosen([first])
    assert (chosen.title, chosen.files) == ("It's a \\ folder", 0)
    assert (await look.whole()).size_bytes >= 0
    with pytest.raises(CarrelError) as missing:
        await look.chosen(["no-such-folder"])
    assert missing.value.code is Code.NOT_FOUND

    assert await site.tokens.unlink("ada", BY)
    with pytest.raises(drive_google.GoogleError):
        await drive_google.about(drive, access.token)
    with pytest.raises(CarrelError):
        await site.tokens.access("ada", now)
    # Once more, and then it is taken away at Google.
    again = await site.connect()
    token = (await site.tokens.access("ada", now)).token
    assert await drive_google.revoke(drive, token)
    assert again.state is DriveState.LINKED
    with pytest.raises(CarrelError):
        await site.tokens.access("ada", now + timedelta(minutes=1), JUST_NOW)
    lost = site.store.read(drive_links.find, "ada")
    assert lost and lost.state is DriveState.RECONNECT


async def test_a_no_and_an_unticked_box_connect_nothing(site: Site) -> None:
    assert (await asyncio.to_thread(site.decide, "deny"))["error"] == "access_denied"
    said = await asyncio.to_thread(site.decide, ticked=False)
    with pytest.raises(CarrelError) as refused:
        await site.tokens.link("ada", said["code"], VERIFIER, BY)
    assert "tick" in refused.value.hint
    assert site.store.read(drive_links.find, "ada") is None
    said = await asyncio.to_thread(site.decide)
    with pytest.raises(CarrelError):
        await site.tokens.link("ada", said["code"], "w" * 43, BY)
    assert site.settings.drive.scope is DriveScope.FULL


async def test_a_consent_that_is_not_kept_is_given_back(site: Site) -> None:
    said = await asyncio.to_thread(site.decide)
    site.store.decide(accounts.disable, "ada", BY)
    with pytest.raises(CarrelError) as refused:
        await site.tokens.link("ada", said["code"], VERIFIER, BY)
    assert refused.value.code is Code.REFUSED
    assert [one.path for one in site.emulator.journal.entries() if one.status == 200][-1] == (
        "/revoke"
    )


async def test_the_ways_up_from_many_folders_are_asked_for_once(site: Site) -> None:
    await site.connect()
    token = (await site.tokens.access("ada", datetime.now(UTC))).token
    store, owner = site.emulator.store, Access(EMAIL, "drive-page")
    above = store.insert(owner, New("above", FOLDER)).id
    ids = [store.insert(owner, New(f"f{n}", FOLDER, above)).id for n in range(20)]
    site.emulator.journal.clear()
    assert len(await Look(site.settings.drive, token).chosen(ids)) == 20
    asked = [one.path.rpartition("/")[2] for one in site.emulator.journal.entries()]
    assert asked.count(above) == 1
    assert all(asked.count(id_) == 1 for id_ in ids)
