"""Where an Open leads: which links are followed, to what, and what is remembered."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from hub import accounts
from hub.enums import Interface
from hub.handlers.open_page import Asked, parse, where
from spawner.errors import CarrelError
from tests.hub.world import Browser, World, until
from tests.spawner.fake_engine import FakeContainer

LAB, NOTEBOOK = Interface.LAB, Interface.NOTEBOOK


@pytest.mark.parametrize(
    "path",
    [
        "../x.ipynb", "a/../../x", "..", ".", "a/./b", "/etc/passwd", "//evil.example/x", "a//b",
        "https://evil.example/x", "javascript:alert(1)", "data:text/html,x", "a\\b", "\\\\evil\\x",
        "a\x00b", "a\nb", "a\x7fb", "a\x85b", "a\u2028b", "a\ufffdb", "x" * 1025, "/",
    ],
)  # fmt: skip
def test_what_is_no_path_below_content_is_refused(path: str) -> None:
    with pytest.raises(CarrelError) as refused:
        parse(path, "")
    assert refused.value.hint


@pytest.mark.parametrize(
    "path", ["a.ipynb", "kurs/Übung 1.ipynb", "data/", ".hidden", "a b?c#d%2e.csv", "kurs/a:b"]
)
def test_every_name_that_a_file_may_have_is_taken(path: str) -> None:
    assert parse(path, "") == Asked(path, None)


def test_an_unknown_interface_is_refused() -> None:
    with pytest.raises(CarrelError):
        parse("", "emacs")
    assert parse("", "lab").interface is LAB


@pytest.mark.parametrize(
    ("asked", "liked", "address"),
    [
        (Asked(), None, "lab"),
        (Asked(), NOTEBOOK, "tree"),
        (Asked("", LAB), NOTEBOOK, "lab"),
        (Asked("a/b.ipynb"), None, "notebooks/a/b.ipynb"),
        (Asked("a/b.ipynb"), LAB, "lab/tree/a/b.ipynb"),
        (Asked("a/b.ipynb", NOTEBOOK), LAB, "notebooks/a/b.ipynb"),
        (Asked("data.csv"), None, "lab/tree/data.csv"),
        (Asked("data/"), NOTEBOOK, "tree/data/"),
        (Asked("a b?c#d%e.ipynb"), None, "notebooks/a%20b%3Fc%23d%25e.ipynb"),
    ],
)
def test_a_notebook_opens_alone_and_the_rest_in_the_workbench(
    asked: Asked, liked: Interface | None, address: str
) -> None:
    assert where(asked, liked) == address


@pytest.fixture
async def ada(world: World, browser: Browser) -> AsyncIterator[Browser]:
    """Logged in; nothing runs."""
    world.add("ada")
    await browser.log_in("ada")
    yield browser


async def location(browser: Browser, link: str, /, **form: str) -> str:
    """Where a page sends its visitor."""
    where = URL(f"{browser.url}{link}", encoded=True)
    call = (
        browser.http.post(where, data=form, allow_redirects=False)
        if form
        else (browser.http.get(where, allow_redirects=False))
    )
    async with call as answer:
        assert answer.status in (302, 303), await answer.text()
        return answer.headers["Location"]


async def xsrf(browser: Browser) -> str:
    _, page = await browser.get("/home")
    return page.split('xsrf_token: "')[1].split('"')[0]


async def test_a_link_survives_login_and_start(world: World, browser: Browser) -> None:
    world.add("ada")
    link = "/open?path=kurs/%C3%9Cbung%201.ipynb"
    login = await location(browser, link)
    assert urlsplit(login).path == "/hub/login"
    back = parse_qs(urlsplit(login).query)["next"][0]
    await browser.log_in("ada")
    start = await location(browser, back.removeprefix("/hub"))
    assert urlsplit(start).path == "/hub/spawn"
    _, page = await browser.get(start.removeprefix("/hub"))
    action = re.search(r'action="/hub(/spawn[^"]*)"', page)
    assert action
    follows = await location(browser, unescape(action[1]), profile="small")
    await until(lambda: world.ready("ada"))
    opened = await location(browser, follows.removeprefix("/hub"))
    assert urlsplit(opened).path == "/hub/open"
    assert (await location(browser, opened.removeprefix("/hub"))) == (
        "/user/ada/notebooks/kurs/%C3%9Cbung%201.ipynb"
    )


async def test_the_first_start_ends_in_the_welcome_notebook_and_later_ones_do_not(
    world: World, ada: Browser
) -> None:
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    end = await location(ada, "/spawn-pending/ada")
    assert await location(ada, end.removeprefix("/hub")) == "/user/ada/notebooks/Welcome.ipynb"
    assert await location(ada, "/open") == "/user/ada/lab", "Open itself is no greeting"
    await world.hub.api("DELETE", "/users/ada/server")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    end = await location(ada, "/spawn-pending/ada")
    assert await location(ada, end.removeprefix("/hub")) == "/user/ada/lab"


async def test_a_session_without_a_welcome_notebook_opens_as_ever(
    world: World, ada: Browser
) -> None:
    world.engine.server = _nothing_in_the_home
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    end = await location(ada, "/spawn-pending/ada")
    assert await location(ada, end.removeprefix("/hub")) == "/user/ada/lab"


def _nothing_in_the_home(_container: FakeContainer) -> web.Application:
    async def answer(request: web.Request) -> web.Response:
        known = request.headers.get("Authorization", "").startswith("token ")
        missing = "/api/contents/" in request.path and known
        return web.json_response({}, status=404 if missing else 200)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


async def test_what_was_chosen_by_button_is_remembered_and_a_link_counts_once(
    world: World, ada: Browser
) -> None:
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    assert await location(ada, "/open?in=notebook") == "/user/ada/tree"
    assert world.store.read(accounts.require, "ada").interface is None
    form = {"in": "notebook", "_xsrf": await xsrf(ada)}
    assert await location(ada, "/open", **form) == "/user/ada/tree"
    assert world.store.read(accounts.require, "ada").interface is NOTEBOOK
    assert await location(ada, "/open") == "/user/ada/tree"
    form["in"] = "lab"
    assert await location(ada, "/open", path="a.ipynb", **form) == "/user/ada/lab/tree/a.ipynb"
    async with ada.http.post(
        f"{ada.url}/open", data={"in": "notebook"}, allow_redirects=False
    ) as answer:
        assert answer.status == 403, "another page cannot choose"
    assert world.store.read(accounts.require, "ada").interface is LAB


async def test_a_session_that_died_leads_to_the_start_page(world: World, ada: Browser) -> None:
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    await world.engine.kill(world.engine.only, 137, oom=True)
    assert await location(ada, "/open?in=lab") == "/hub/spawn?next=%2Fhub%2Fopen%3Fin%3Dlab"


async def test_a_link_that_names_no_file_is_answered_with_a_sentence(
    world: World, ada: Browser
) -> None:
    for link in ("/open?path=../x", "/open?in=emacs", "/open?path=https://evil.example"):
        status, page = await ada.get(link)
        assert status == 400 and 'role="alert"' in page and "Traceback" not in page
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{ada.url}/open?path=../x", allow_redirects=False) as answer,
    ):
        assert answer.status == 302, "a stranger is asked to log in first"
