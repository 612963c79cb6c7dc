"""A course from making it to a student's session, in real Chromium: a real hub with the real web
service beside it, the proxy's part played by a front."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright, expect

from hub import course_people
from hub.enums import CourseRole, Role
from hub.hub_api import HubApi
from hub.installation import load
from hub.origins import Origins
from hub.web.app import make_app
from hub.web.auth import hub_oauth
from tests.hub.front import SESSION, _pass_on
from tests.hub.test_start_pages import QUIET
from tests.hub.world import PASSWORD, World

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@dataclass
class Town:
    """Where people find hub, web and sessions under one address."""

    url: str
    world: World
    browser: Browser

    async def person(self) -> Page:
        """Somebody with a browser of their own."""
        context = await self.browser.new_context()
        page = await context.new_page()
        page.set_default_timeout(20_000)
        return page

    def shown(self, link: str) -> str:
        """A link as the pages give it out, at the address of this test."""
        return link.replace("http://127.0.0.1:8000", self.url)


async def _log_in(page: Page, name: str) -> None:
    await page.get_by_label("User name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")


@asynccontextmanager
async def _front(hub: str, pages: str) -> AsyncIterator[str]:
    async def lead(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/user/"):
            return web.Response(text=SESSION, content_type="text/html")
        ours = request.path.startswith(("/services/carrel/", "/c/", "/github/"))
        return await _pass_on(request, http, pages if ours else hub)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", lead)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        await runner.cleanup()


@pytest.fixture
async def town(world: World) -> AsyncIterator[Town]:
    program = shutil.which("chromium")
    assert program, "chromium is missing; ./carrel test installs it"
    installation = load(world.hub.data_dir / "etc")
    token = installation.secret("web/token")
    auth = hub_oauth(token, Origins("", ""), f"{world.hub.url}/api")
    app = make_app(installation, world.store, auth, HubApi(token, f"{world.hub.url}/api"))
    server = app.listen(world.hub.web_port, "127.0.0.1", xheaders=True)
    hub, pages = world.hub.url.removesuffix("/hub"), f"http://127.0.0.1:{world.hub.web_port}"
    async with async_playwright() as playwright, _front(hub, pages) as url:
        browser = await playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield Town(url, world, browser)
        await browser.close()
    server.stop()
    await server.close_all_connections()


async def test_from_a_teachers_link_to_a_students_notebook(town: Town) -> None:
    for name, role in (("tess", Role.TEACHER), ("ada", Role.STUDENT)):
        town.world.add(name, role)
    teacher, student = await town.person(), await town.person()

    await teacher.goto(f"{town.url}/hub/login")
    await _log_in(teacher, "tess")
    await teacher.get_by_role("link", name="Courses").click()
    await teacher.get_by_label("Title").fill("Data Science 26")
    await teacher.get_by_label("Who can join").select_option("code")
    await teacher.get_by_role("button", name="Make the course").click()
    link = await teacher.locator("#link").inner_text()
    path, _, code = link.partition("#")

    # The student's link names a notebook; login, code, start and queue lie between.
    await student.goto(town.shown(f"{path}/week%201/first.ipynb#{code}"))
    await student.wait_for_url("**/hub/login?*")
    await _log_in(student, "ada")
    await expect(student.get_by_role("heading", level=1)).to_have_text("Join Data Science 26?")
    await expect(student.get_by_label("The course's code")).to_have_value(code)
    await student.get_by_role("button", name="Join").click()
    await student.wait_for_url("**/hub/spawn?next=*")
    await student.locator("button.carrel-big").click()
    await student.wait_for_url("**/user/ada/carrel/course/data-science-26/week%201/first.ipynb")

    # The second time there is nothing between.
    await student.goto(town.shown(path))
    await student.wait_for_url("**/user/ada/carrel/course/data-science-26")
    await student.goto(f"{town.url}/github/o/r/blob/main/a%20b.ipynb")
    await student.wait_for_url("**/user/ada/carrel/github/o/r/blob/main/a%20b.ipynb")
    seats = town.world.store.read(course_people.of_course, "data-science-26")
    assert {one.name: one.role for one in seats} == {
        "tess": CourseRole.TEACHER, "ada": CourseRole.STUDENT,
    }  # fmt: skip
    await teacher.reload()
    await expect(teacher.get_by_role("row", name="ada")).to_contain_text("now")
