"""The export through a real hub and a real node: whole, or a sentence, or visibly broken."""

from __future__ import annotations

import io
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from hub import accounts
from hub.audit import COMMAND_LINE, By
from hub.enums import Role
from hub.models import audit
from spawner.node import home_keeper
from tests.hub.node_beside import NodeBeside, node_beside
from tests.hub.real_hub.cheap import CHEAP
from tests.hub.real_hub.running import Browser, Hub, text_of

GOOD = "four plain words here"
PEOPLE = {"ann": Role.STUDENT, "a.b@x": Role.STUDENT, "tess": Role.TEACHER, "root": Role.ADMIN}


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """Short, as a socket's path may hold 107 bytes."""
    path = Path(tempfile.mkdtemp(prefix="export-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def hub(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    database = sa.URL.create("sqlite+pysqlite", database=str(folder / "carrel.sqlite"))
    hub = Hub(folder, database, {"data_dir": str(data_dir)})
    hub.start()
    by = By(COMMAND_LINE, datetime.now(UTC))
    for name, role in PEOPLE.items():
        new = accounts.NewAccount(name, role, CHEAP.hash(GOOD), invited_by="tess")
        hub.store.decide(accounts.create, new, by)
    yield hub
    hub.stop()


@pytest.fixture
def node(data_dir: Path) -> Iterator[NodeBeside]:
    shutil.rmtree(data_dir)
    data_dir.mkdir()
    with node_beside(data_dir) as node:
        yield node


def logged_in(hub: Hub, name: str) -> Browser:
    browser = hub.browser()
    assert browser.log_in(name, GOOD).status_code == 302
    return browser


def export(browser: Browser, path: str = "/hub/export") -> requests.Response:
    """Posts what the page's form would, with the token of any page of theirs."""
    found = re.search(r'name="_xsrf" value="([^"]*)"', browser.get("/hub/account").text)
    assert found
    return browser.session.post(f"{browser.url}{path}", data={"_xsrf": found[1]}, timeout=60)


def members(answer: requests.Response) -> dict[str, tarfile.TarInfo]:
    assert answer.status_code == 200, text_of(answer)
    assert answer.content.endswith(bytes(1024))
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        return {member.name: member for member in tar.getmembers()}


def exported(hub: Hub) -> list[tuple[str, str]]:
    query = sa.select(audit.c.who, audit.c.whom).where(audit.c.what == "account.exported")
    with hub.store.reading() as tx:
        return [tuple(row) for row in tx.execute(query)]


def test_a_person_gets_everything_about_them(hub: Hub, node: NodeBeside) -> None:
    node.home("a_2eb_40x", note="mine")
    answer = export(logged_in(hub, "a.b@x"))

    found = members(answer)
    assert {"account.json", "sessions.json", "links.json", "audit.json", "home/note"} <= set(found)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="carrel-a.b@x-{today}.tar"'
    )
    assert answer.headers["Content-Type"] == "application/x-tar"
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("a.b@x", "a.b@x") in exported(hub)


def test_who_never_had_a_session_gets_the_rest(hub: Hub, node: NodeBeside) -> None:
    assert "home" not in members(export(logged_in(hub, "ann")))


def test_an_admin_gets_anybodys(hub: Hub, node: NodeBeside) -> None:
    node.home("ann", note="hers")
    assert "home/note" in members(export(logged_in(hub, "root"), "/hub/export/ann"))
    assert ("root", "ann") in exported(hub)
    assert export(logged_in(hub, "root"), "/hub/export/nobody").status_code == 404


@pytest.mark.parametrize("who", ["ann", "tess"])
def test_nobody_else_gets_anothers(hub: Hub, node: NodeBeside, who: str) -> None:
    """Not even teachers their students'; and no difference tells who exists."""
    browser, before = logged_in(hub, who), exported(hub)
    for whose in ("a.b@x", "root", "nobody"):
        answer = export(browser, f"/hub/export/{whose}")
        assert answer.status_code == 403
        assert "You can export what is kept about yourself." in text_of(answer)
    assert exported(hub) == before
    assert export(browser, f"/hub/export/{who}").status_code == 200


def test_without_a_login_a_token_of_the_form_or_by_a_link_there_is_none(
    hub: Hub, node: NodeBeside
) -> None:
    assert hub.browser().session.post(f"{hub.url}/hub/export", timeout=30).status_code == 403
    browser = logged_in(hub, "ann")
    browser.get("/hub/account")
    assert browser.session.post(f"{hub.url}/hub/export", timeout=30).status_code == 403


def test_the_page_itself_asks_and_sends_nothing(hub: Hub) -> None:
    browser, before = logged_in(hub, "ann"), exported(hub)
    answer = browser.get("/hub/export")
    assert answer.status_code == 200
    assert 'action="/hub/export/ann"' in answer.text
    assert browser.get("/hub/export/root").status_code == 403
    assert exported(hub) == before


def test_without_node_there_is_a_sentence_and_no_archive(hub: Hub) -> None:
    before = exported(hub)
    answer = export(logged_in(hub, "ann"))
    assert answer.status_code == 503
    assert "The program that reads files does not answer right now." in text_of(answer)
    assert exported(hub) == before


def test_an_archive_that_breaks_off_never_looks_whole(
    hub: Hub, node: NodeBeside, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_fd: int, _pace: object) -> Iterator[bytes]:
        yield b"x" * 2**20
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(home_keeper, "archive", broken)
    node.home("ann")
    with pytest.raises(requests.exceptions.RequestException):
        export(logged_in(hub, "ann"))
    assert hub.browser().get("/hub/login").status_code == 200


def test_a_browser_that_leaves_is_no_error(hub: Hub, node: NodeBeside) -> None:
    home = node.home("ann")
    (home / "big").write_bytes(b"x" * 2**25)
    browser = logged_in(hub, "ann")
    found = re.search(r'name="_xsrf" value="([^"]*)"', browser.get("/hub/account").text)
    answer = browser.session.post(
        f"{hub.url}/hub/export", data={"_xsrf": found[1]}, stream=True, timeout=60
    )
    next(answer.iter_content(1000))
    answer.close()
    for _ in range(home_keeper.MOST_ARCHIVES + 1):
        assert export(logged_in(hub, "ann")).status_code == 200
    assert "was not taken to its end" in hub.log


def test_who_takes_theirs_slowly_keeps_no_administrator_waiting(hub: Hub, node: NodeBeside) -> None:
    """node makes three archives at once; without a bound here, one person held all of them."""
    for home in (node.home("ann"), node.home("tess"), node.home("a_2eb_40x")):
        (home / "big").write_bytes(b"x" * 2**25)
    slow = []
    try:
        for name in ("ann", "tess"):
            browser = logged_in(hub, name)
            found = re.search(r'name="_xsrf" value="([^"]*)"', browser.get("/hub/account").text)
            assert found
            slow.append(
                browser.session.post(
                    f"{hub.url}/hub/export", data={"_xsrf": found[1]}, timeout=30, stream=True
                )
            )
            assert slow[-1].status_code == 200
            again = export(browser)
            assert again.status_code == 503 and "already" in text_of(again)
        others = export(logged_in(hub, "a.b@x"))
        assert others.status_code == 503 and "Others are taking" in text_of(others)
        assert "home/big" in members(export(logged_in(hub, "root"), "/hub/export/ann"))
    finally:
        for answer in slow:
            answer.close()
