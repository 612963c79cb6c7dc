"""Home, start and progress page in real Chromium: what they say, by keyboard, for everybody."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Route, async_playwright, expect

from hub import courses, members, sessions
from hub.audit import By
from hub.courses import Wish
from hub.enums import Reason, Role, State
from hub.models import courses as course_rows
from hub.powers import Actor
from tests.hub.front import in_front_of
from tests.hub.world import PASSWORD, World, answering_for_all, opened, until
from tests.spawner.fake_engine import Trouble, slow, status

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
SIZES = {"wide": (1200, 900), "phone": (360, 740)}


@dataclass
class Visitor:
    """Somebody at a browser; with SHOTS set, every page that is checked is also kept."""

    page: Page
    url: str

    async def log_in(self, name: str) -> None:
        await self.page.goto(f"{self.url}/login")
        await self.page.get_by_label("User name").fill(name)
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_url("**/hub/spawn")

    async def look(self, name: str) -> None:
        """axe over the whole page in both themes and sizes; nothing wider than the screen."""
        for theme in ("light", "dark"):
            await self.page.evaluate(f"document.documentElement.dataset.bsTheme = '{theme}'")
            for size, (width, height) in SIZES.items():
                await self.page.set_viewport_size({"width": width, "height": height})
                await self.page.wait_for_timeout(300)  # bootstrap's transitions
                if folder := os.environ.get("SHOTS"):
                    await self.page.screenshot(path=f"{folder}/{name}-{theme}-{size}.png")
                found = await Axe().run(self.page)
                assert [_told(one) for one in found.response["violations"]] == [], (theme, size)
                wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                assert await self.page.evaluate(wide) <= 0, (theme, size)
        await self.page.set_viewport_size({"width": 1200, "height": 900})

    async def reach(self, name: str) -> None:
        """By Tab alone, to what has the focus under that name."""
        for _ in range(30):
            await self.page.keyboard.press("Tab")
            here = await self.page.evaluate("document.activeElement.textContent.trim()")
            if here.replace("\n", " ").startswith(name):
                return
        raise AssertionError(f"Tab never reaches {name}")


def _told(violation: dict[str, Any]) -> tuple[str, list[str]]:
    return violation["id"], [node["html"][:120] for node in violation["nodes"]]


@pytest.fixture
async def visitor(world: World) -> AsyncIterator[Visitor]:
    async with visiting(world) as visitor:
        yield visitor


@asynccontextmanager
async def visiting(world: World) -> AsyncIterator[Visitor]:
    program = shutil.which("chromium")
    assert program, "chromium is missing; ./carrel test installs it"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(QUIET))
        page = await browser.new_page()
        page.set_default_timeout(20_000)
        async with in_front_of(world.hub) as url:
            yield Visitor(page, url)
        await browser.close()


async def test_a_first_visit_is_greeted_and_ends_in_the_welcome_notebook(
    world: World, visitor: Visitor
) -> None:
    world.add("ada")
    await visitor.page.goto(f"{visitor.url}/login")
    await visitor.look("login")
    await visitor.log_in("ada")
    page = visitor.page
    await expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, ada")
    await expect(page.get_by_text("a computer of your own")).to_be_visible()
    await expect(page.locator("#first-what")).to_contain_text("1 core, 1 GiB of memory")
    await visitor.look("greeting")
    await page.goto(f"{visitor.url}/home")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, ada")
    await expect(page.locator("button.carrel-big")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/user/ada/notebooks/Welcome.ipynb")

    await page.goto(f"{visitor.url}/home")
    await expect(page.locator("#state")).to_contain_text("It runs. Since")
    await visitor.look("running")
    await visitor.reach("Stop")
    await page.keyboard.press("Enter")
    await expect(page.locator("#ended")).to_have_text(
        "Your session has ended. Your files are kept."
    )
    await expect(page.locator("#ended")).to_be_focused()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Start a session")
    await expect(page.get_by_text("a computer of your own")).to_have_count(0)
    await visitor.look("ended")


async def test_a_start_for_a_course_proposes_its_profile_and_leads_on(
    world: World, visitor: Visitor
) -> None:
    world.add("tess", Role.TEACHER)
    world.add("ada")
    now, tess = datetime.now(UTC), Actor("tess", Role.TEACHER)
    wish = Wish("Data Science for everybody", profile="datascience")
    world.store.decide(courses.make, tess, "ds-24", wish, By("tess", now))
    world.store.decide(members.join, Actor("ada", Role.STUDENT), "ds-24", "", By("ada", now))
    await visitor.log_in("ada")
    page = visitor.page
    await page.goto(f"{visitor.url}/open/course/ds-24/a.ipynb")
    await expect(page.get_by_text("Its teachers propose Data science")).to_be_visible()
    await expect(page.get_by_text("some seconds later the course opens")).to_be_visible()
    await visitor.look("start-course")
    await page.locator("button.carrel-big").press("Enter")
    await page.wait_for_url("**/user/ada/carrel/course/ds-24/a.ipynb*")
    assert world.session("ada").profile == "datascience"
    with world.store.deciding() as tx:
        tx.execute(course_rows.update().values(default_profile="old-gpu"))
    session = world.session("ada")
    await world.hub.api("DELETE", f"/carrel/users/ada/sessions/{session.id}")

    async def gone() -> bool:
        return not await world.servers("ada")

    await until(gone)
    await page.goto(f"{visitor.url}/open/course/ds-24")
    await expect(page.get_by_role("note")).to_contain_text("cannot be started here now")
    await visitor.look("start-course-gone")


async def test_an_engine_that_is_silent_is_said_by_itself_and_taken_back(
    world: World, visitor: Visitor
) -> None:
    """The open page says it without being loaded again; a screen reader hears it."""
    world.add("ada")
    await visitor.log_in("ada")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    page, said = visitor.page, visitor.page.locator("#unknown[role=status]")
    await page.goto(f"{visitor.url}/home")
    await expect(said).to_have_text("")
    await page.evaluate("window.loadedOnce = true")
    world.engine.trouble.update(dict.fromkeys(("list", "inspect"), status(500)))
    await expect(said).to_have_text(
        "The container engine does not answer. Your session is kept; your files are safe.",
        timeout=25_000,
    )
    await visitor.look("unknown")
    world.engine.trouble.clear()
    await expect(said).to_have_text("", timeout=25_000)
    assert await page.evaluate("window.loadedOnce")
    assert world.session("ada").state is State.RUNNING


async def test_a_page_left_open_stops_only_the_session_that_it_shows(
    world: World, visitor: Visitor
) -> None:
    world.add("ada")
    await visitor.log_in("ada")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    page = visitor.page
    await page.goto(f"{visitor.url}/home")
    shown = world.session("ada").id
    # As a page in the background, or one that was put to sleep.
    await page.evaluate("Object.defineProperty(document, 'hidden', {value: true})")
    await world.hub.api("DELETE", f"/carrel/users/ada/sessions/{shown}")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    await page.get_by_role("button", name="Stop").click()
    await page.wait_for_load_state()
    await expect(page.locator("#state")).to_contain_text("It runs.")
    assert world.session("ada").id != shown and await world.ready("ada")
    # This one it shows.
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Start a session")
    assert world.session("ada").reason is Reason.STOPPED_BY_USER


async def test_the_interface_is_chosen_by_button_and_kept(world: World, visitor: Visitor) -> None:
    world.add("ada")
    await visitor.log_in("ada")
    await world.start("ada")
    await until(lambda: world.ready("ada"))
    page = visitor.page
    for button, leads in (("Open in Notebook", "tree"), ("Open in JupyterLab", "lab")):
        await page.goto(f"{visitor.url}/home")
        await visitor.reach(button)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/user/ada/{leads}")
        await page.goto(f"{visitor.url}/home")
        await page.get_by_role("link", name="Open", exact=True).click()
        await page.wait_for_url(f"**/user/ada/{leads}")


async def test_progress_is_told_step_by_step_and_a_cancel_leads_back(
    world: World, visitor: Visitor
) -> None:
    world.add("ada")
    await visitor.log_in("ada")
    release = asyncio.Event()
    world.engine.trouble["start"] = _held_until(release)
    page = visitor.page
    await page.get_by_role("button", name="Data science").click()
    await page.wait_for_url("**/spawn-pending/**")
    steps = page.locator("#steps li")
    await expect(steps).to_have_text(
        ["You asked for a session.", "You have a place: Data science.", "The container is made."]
    )
    await expect(page.locator("#elapsed")).to_have_text("3 s so far.")
    announced = "document.getElementById('elapsed').closest('[aria-live], [role=status]')"
    assert await page.evaluate(announced) is None, "no reader should hear the seconds"
    await visitor.look("progress")
    await page.goto(f"{visitor.url}/home")
    await expect(page.locator("#state")).to_have_text("It is starting.")
    await visitor.look("starting")
    await page.get_by_role("link", name="See how far it is").click()
    await expect(steps).to_have_count(3)
    await visitor.reach("Cancel")
    await page.keyboard.press("Enter")
    await expect(steps.last).to_have_text("It is being cancelled.")
    release.set()
    await expect(page.locator("#heading")).to_have_text("Cancelled: nothing was started")
    await expect(page.locator("#heading")).to_be_focused()
    await expect(page.locator("#problem")).to_be_hidden()
    await visitor.look("cancelled")
    await visitor.reach("Back to the start page")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, ada")


async def test_the_way_to_the_session_is_begun_once_however_long_it_takes(
    world: World, visitor: Visitor
) -> None:
    world.add("ada")
    await visitor.log_in("ada")
    release = asyncio.Event()
    world.engine.trouble["start"] = _held_until(release)
    page = visitor.page
    await page.locator("button.carrel-big").click()
    await page.wait_for_url("**/spawn-pending/**")
    begun: list[str] = []

    async def slow(route: Route) -> None:
        if route.request.is_navigation_request():
            begun.append(route.request.url)
            await asyncio.sleep(6)  # longer than the page's own look, every five seconds
        await route.continue_()

    await page.route("**/spawn-pending/**", slow)
    release.set()
    await page.wait_for_url("**/user/ada/notebooks/Welcome.ipynb")
    assert len(begun) == 1


def _held_until(release: asyncio.Event) -> Trouble:
    async def trouble() -> None:
        await release.wait()

    return trouble


async def test_a_start_that_fails_says_what_happened_and_keeps_the_link(
    world: World, visitor: Visitor
) -> None:
    world.add("ada")
    await visitor.log_in("ada")
    await visitor.page.goto(f"{visitor.url}/open?path=a.ipynb")
    page = visitor.page
    world.engine.trouble["start"] = _late_refusal
    await page.locator("button.carrel-big").click()
    problem = page.get_by_role("alert")
    await expect(problem).to_have_text(
        "The engine refused to make the container. "
        "Tell your administrator; the reason is in the logs of hub and node."
    )
    await expect(page.get_by_text("Your files are safe")).to_be_visible()
    await expect(page.locator("#back")).to_be_focused()
    await visitor.look("failed")
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your session did not start")
    await visitor.look("failed-again")
    world.engine.trouble.clear()
    await page.get_by_role("link", name="Back to the start page").click()
    await page.locator("button.carrel-big").click()
    await page.wait_for_url("**/user/ada/notebooks/a.ipynb")


async def _late_refusal() -> Any:
    await asyncio.sleep(2)
    return await status(400)()


async def test_the_place_in_the_queue_is_shown_and_announced_and_outlives_the_hub(
    tmp_path: Path, cheap_hashes: None
) -> None:
    async with (
        opened(tmp_path, capacity={"start_slots": 1}) as world,
        answering_for_all(world),
        visiting(world) as visitor,
    ):
        page = visitor.page
        release = asyncio.Event()
        world.engine.trouble["start"] = _held_until(release)
        for name in ("bob", "eve", "ada"):
            world.add(name)
        starts = [asyncio.create_task(world.start("bob"))]
        await until(lambda: asyncio.sleep(0, "start" in world.engine.calls))
        starts.append(asyncio.create_task(world.start("eve")))
        await until(lambda: asyncio.sleep(0, world.store.read(sessions.active_of, "eve")))
        await visitor.log_in("ada")
        await page.locator("button.carrel-big").click()
        await page.wait_for_url("**/spawn-pending/**")
        place = page.locator("#place")
        await expect(place).to_have_text("You are number 2 in the queue.")
        await expect(place).to_have_attribute("aria-live", "polite")
        await expect(page.locator("#why")).to_have_text(
            "Sessions start one at a time, and somebody else's is starting."
        )
        await visitor.look("queue")
        await page.goto(f"{visitor.url}/home")
        await expect(page.locator("#state")).to_have_text("You are number 2 in the queue.")
        await page.get_by_role("link", name="See how far it is").click()
        await expect(place).to_have_text("You are number 2 in the queue.")
        await page.evaluate(COUNT_ANNOUNCEMENTS)
        await world.hub.api("DELETE", "/users/eve/server")
        await expect(place).to_have_text("You are number 1 in the queue.")
        assert await page.evaluate("window.announced") == 1
        session = world.session("ada")

        await world.hub.stop(signal.SIGKILL)
        await asyncio.gather(*starts, return_exceptions=True)
        await expect(page.locator("#looking")).to_contain_text("The hub does not answer")
        release.set()
        await world.hub.start()
        await page.wait_for_url("**/user/ada/**", timeout=60_000)
        assert world.session("ada").id == session.id


COUNT_ANNOUNCEMENTS = """
window.announced = 0;
const watched = { childList: true, characterData: true, subtree: true };
new MutationObserver(() => { window.announced += 1; })
  .observe(document.getElementById("place"), watched);
"""


async def test_a_hub_restart_during_a_start_is_waited_for(world: World, visitor: Visitor) -> None:
    world.add("ada")
    await visitor.log_in("ada")
    world.engine.trouble["inspect"] = slow(60)
    page = visitor.page
    await page.locator("button.carrel-big").click()
    await expect(page.locator("#steps li")).to_have_count(4)
    await world.hub.stop(signal.SIGKILL)
    await expect(page.locator("#looking")).to_contain_text("The hub does not answer")
    await visitor.look("waiting")
    world.engine.trouble.clear()
    await world.hub.start()
    await page.wait_for_url("**/user/ada/**", timeout=60_000)


async def test_a_hub_that_stops_in_good_order_leaves_nobody_on_a_dead_page(
    world: World, visitor: Visitor
) -> None:
    """Whether the page still hears of the cancelled start, or finds out from the next hub."""
    world.add("ada")
    await visitor.log_in("ada")
    world.engine.trouble["inspect"] = slow(5)
    await visitor.page.locator("button.carrel-big").click()
    await expect(visitor.page.locator("#steps li")).to_have_count(4)
    await world.hub.stop()
    world.engine.trouble.clear()
    await world.hub.start()
    again = visitor.page.get_by_role("link", name=re.compile("^Start$|^Back to the start page$"))
    inside = visitor.page.get_by_text("the session", exact=True)
    await expect(again.or_(inside)).to_be_visible(timeout=30_000)


async def test_each_role_has_its_links_also_on_a_phone(world: World, visitor: Visitor) -> None:
    world.add("root", Role.ADMIN)
    await visitor.log_in("root")
    page = visitor.page
    links = page.get_by_role("navigation").get_by_role("link")
    texts = await links.all_inner_texts()
    assert texts == [
        "Carrel", "Session", "Courses", "People", "Invitations", "Drive", "Secrets", "Account",
        "About",
        "Machine", "Log out",
    ]  # fmt: skip
    await expect(page.locator('[aria-current="page"]')).to_have_text("Session")
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.reload()
    await expect(page.get_by_role("link", name="Machine")).to_be_hidden()
    await page.locator(".navbar-toggler").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Machine")).to_be_visible()
    await visitor.look("menu")
    await page.goto(f"{visitor.url}/no-such-page")
    await expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    await visitor.look("404")


async def test_nothing_to_start_yet_is_said_in_words(world: World, visitor: Visitor) -> None:
    world.engine.images = set()
    world.add("ada")
    await visitor.log_in("ada")
    await expect(visitor.page.get_by_text("Nothing can be started yet")).to_be_visible()
    await expect(visitor.page.get_by_role("button", name="Start")).to_have_count(0)
    await visitor.look("building")
