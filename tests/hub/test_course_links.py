"""Links into a session through a real hub: login, start, where they end; courses as groups."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from hub import accounts, courses, invitations, members, origins
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.courses import Wish
from hub.enums import LinkTarget, Role
from hub.handlers.link_page import target
from hub.invitations import Invitation
from hub.powers import Actor
from hub.settings import Settings
from spawner.errors import CarrelError
from tests.hub.real_hub.running import Hub
from tests.hub.test_open_page import location
from tests.hub.world import Browser, World, opened, until

TESS = Actor("tess", Role.TEACHER)
LINKS = {
    "/open/course/ds-24": "/user/ada/carrel/course/ds-24",
    "/open/course/DS-24/week%201/%C3%9C%23b.ipynb": (
        "/user/ada/carrel/course/ds-24/week%201/%C3%9C%23b.ipynb"
    ),
    "/open/github/o/r/blob/main/a%20b.ipynb": "/user/ada/carrel/github/o/r/blob/main/a%20b.ipynb",
}


@pytest.mark.parametrize(
    ("kind", "rest"),
    [
        (LinkTarget.COURSE, "a--b"), (LinkTarget.COURSE, "ds-24/../x"),
        (LinkTarget.COURSE, "ds-24//x"), (LinkTarget.COURSE, "../x"),
        (LinkTarget.COURSE, "ds-24/a\nb"), (LinkTarget.COURSE, "x" * 10_000),
        (LinkTarget.COURSE, "ds-24/https://evil.example"),
        (LinkTarget.GITHUB, "o/r"), (LinkTarget.GITHUB, "o/r/blob/m/../a.ipynb"),
    ],
)  # fmt: skip
def test_what_is_no_link_is_refused(kind: LinkTarget, rest: str) -> None:
    with pytest.raises(CarrelError) as caught:
        target(kind, rest)
    assert caught.value.hint


async def test_links_survive_login_and_start(world: World, browser: Browser) -> None:
    world.add("ada")
    link = "/open/course/ds-24/week%201/%C3%9C%23b.ipynb"
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
    assert opened == f"/hub{link}"
    assert await location(browser, link) == LINKS["/open/course/DS-24/week%201/%C3%9C%23b.ipynb"]
    for asked, there in LINKS.items():
        assert await location(browser, asked) == there
    for wrong in ("/open/course/a--b", "/open/github/o/r", "/open/course/ds-24/%2e%2e/x"):
        status, page = await browser.get(wrong)
        assert status in (400, 404) and "Traceback" not in page


async def test_the_start_that_a_course_link_leads_to_proposes_its_profile(
    world: World, browser: Browser
) -> None:
    for name, role in (("tess", Role.TEACHER), ("ada", Role.STUDENT), ("bob", Role.STUDENT)):
        world.add(name, role)
    wish = Wish("Data <b>", profile="datascience")
    world.store.decide(courses.make, TESS, "ds-24", wish, _by("tess"))
    world.store.decide(members.join, Actor("ada", Role.STUDENT), "ds-24", "", _by("ada"))
    await browser.log_in("ada")
    start = (await location(browser, "/open/course/ds-24/a.ipynb")).removeprefix("/hub")
    _, page = await browser.get(start)
    assert "This leads into the course Data &lt;b&gt;." in page and "<b>" not in page
    assert "Its teachers propose Data science; you may start another." in page
    assert _first(page) == "datascience" and 'value="small"' in page
    _, page = await browser.get("/spawn")
    assert _first(page) == "small" and "This leads into" not in page
    for profile, says in (("gone", True), ("", False)):
        wish = Wish("Data", profile=profile)
        world.store.decide(courses.change, TESS, "ds-24", wish, _by("tess"))
        _, page = await browser.get(start)
        assert _first(page) == "small" and ("cannot be started here now" in page) is says
    # What is sent decides, and only what is offered is taken.
    status, page = await browser.submit(page, profile="forged")
    assert status == 400 and "There is no profile" in page and await world.servers("ada") == {}


async def test_a_stranger_to_a_course_learns_nothing_from_the_start_page(
    world: World, browser: Browser
) -> None:
    for name, role in (("tess", Role.TEACHER), ("ada", Role.STUDENT)):
        world.add(name, role)
    wish = Wish("Hidden course", profile="datascience")
    world.store.decide(courses.make, TESS, "ds-24", wish, _by("tess"))
    await browser.log_in("ada")
    _, page = await browser.get(
        (await location(browser, "/open/course/ds-24")).removeprefix("/hub")
    )
    assert _first(page) == "small" and "Hidden course" not in page


def _first(page: str) -> str:
    """The profile of the big button."""
    found = re.search(r'carrel-big"[^>]*\bvalue="([^"]*)"', page)
    assert found, page
    return found[1]


async def test_the_proxy_keeps_the_short_links(world: World) -> None:
    await _routed(world, "")


async def test_with_subdomains_they_are_at_the_address_that_people_type(tmp_path: Path) -> None:
    server = {"public_url": "http://hub.localhost:8000", "subdomains": True}
    async with opened(tmp_path, server=server) as world:
        await _routed(world, "/hub.localhost")
    settings = Settings.model_validate({"server": server})
    where = "http://carrel--service.hub.localhost:8000/services/carrel/"
    assert (origins.of(settings.server).pages, origins.absolute(settings)) == (where, where)


async def _routed(world: World, host: str) -> None:
    async def there() -> bool:
        known = {key.rstrip("/"): route for key, route in world.hub.proxy.routes.items()}
        return all(
            known.get(f"{host}/{name}", {}).get("target") == "http://web:8600"
            for name in ("c", "github")
        )

    await until(there)


def _by(who: str = COMMAND_LINE) -> By:
    return By(who, datetime.now(UTC))


def test_a_course_is_a_group_of_the_hub_from_joining_to_leaving(hub: Hub) -> None:
    new = NewAccount("tess", Role.TEACHER)
    hub.store.decide(accounts.create, new, _by())
    hub.store.decide(courses.make, TESS, "ds-24", Wish("Data"), _by("tess"))
    wish = Invitation(Role.STUDENT, timedelta(hours=1), course="ds-24")
    token = hub.store.decide(invitations.invite, TESS, wish, _by("tess"))[1]
    browser = hub.browser()
    password = "correct horse battery"
    fields = {"code": token, "username": "mia", "password": password, "password2": password}
    answer = browser.post("/hub/invitation", **fields)
    assert answer.headers["Location"] == "/services/carrel/c/ds-24"
    assert sorted(browser.me()["groups"]) == ["course-ds-24", "role-student"]
    mia = Actor("mia", Role.STUDENT)

    def groups(wanted: list[str]) -> bool:
        return sorted(browser.me()["groups"]) == wanted

    for change, wanted in (
        (lambda tx: courses.archive(tx, TESS, "ds-24", _by("tess")), ["role-student"]),
        (
            lambda tx: courses.restore(tx, TESS, "ds-24", _by("tess")),
            ["course-ds-24", "role-student"],
        ),
        (lambda tx: members.leave(tx, mia, "ds-24", _by("mia")), ["role-student"]),
    ):
        hub.store.decide(change)
        _soon(lambda wanted=wanted: groups(wanted))
    assert hub.store.read(courses.require, "ds-24")


def _soon(true: Callable[[], bool]) -> None:
    until_ = time.monotonic() + 15
    while not true():
        assert time.monotonic() < until_
        time.sleep(0.3)
