"""The service's pages in real Chromium: axe finds nothing, a phone and the keyboard are enough."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, async_playwright, expect

from hub import accounts, invitations, reach, sessions
from hub.audit import By
from hub.enums import Reason, Role
from hub.invitations import Invitation
from tests.hub.web.conftest import Site

pytestmark = pytest.mark.browser
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1200, "height": 850}
LOOKS = [("light", DESK), ("dark", PHONE)]
WEEK = timedelta(days=7)


@pytest.fixture
def school(site: Site) -> Site:
    """A teacher with students, links in every state, somebody disabled, somebody gone."""
    now = datetime.now(UTC)
    by = By("tess", now)
    for number in range(12):
        full_name = f"Student Number {number}" if number % 3 else ""
        site.add(f"student{number}", full_name=full_name, invited_by="tess")
    site.store.decide(sessions.open_session, "student1", "small", now)
    past = site.store.decide(sessions.open_session, "student2", "datascience", now - WEEK)
    site.store.decide(sessions.close_session, past.id, Reason.OUT_OF_MEMORY, now - WEEK / 2)
    site.store.decide(accounts.disable, "student3", by)
    site.store.decide(accounts.remove, "student4", by, now + WEEK)
    for invitation in (Invitation(Role.STUDENT, WEEK, 30), Invitation(Role.STUDENT, -WEEK),
                       Invitation(Role.STUDENT, WEEK, 1, "jo", "Jo Example")):  # fmt: skip
        site.store.decide(invitations.create, invitation, by)
    return site


@pytest.fixture(params=LOOKS, ids=lambda look: look[0])
async def page(request: pytest.FixtureRequest, school: Site) -> AsyncIterator[Page]:
    program = shutil.which("chromium")
    assert program, "chromium is missing; ./carrel test installs it"
    scheme, size = request.param
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = await browser.new_context(
            viewport=size, color_scheme=scheme, accept_downloads=True,
            extra_http_headers={"Authorization": "token root-token"},
        )  # fmt: skip
        page = await context.new_page()
        page.set_default_timeout(15_000)
        yield page
        await browser.close()


async def _check(page: Page, name: str) -> None:
    found = (await Axe().run(page)).response["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == [], name
    width = page.viewport_size["width"]
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, name
    if folder := os.environ.get("SHOTS"):
        await page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")


async def test_every_page_of_people_is_fit_for_all(school: Site, page: Page) -> None:
    for name, path in (
        ("people", "/people"),
        ("people-found", "/people?q=student&status=disabled"),
        ("people-none", "/people?q=zzz"),
        ("person", "/people/student2"),
        ("invitations", "/invitations"),
        ("roster", "/roster"),
        ("machine", "/admin"),
        ("about", "/"),
        ("not-found", "/nowhere"),
    ):
        await page.goto(school.url + path)
        await _check(page, name)


async def test_what_is_unknown_is_said_and_taken_back_on_open_pages(
    school: Site, page: Page
) -> None:
    """Marks that somebody set meanwhile stay."""
    now = datetime.now(UTC)
    session = school.store.read(sessions.active_of, "student1")
    school.store.decide(sessions.mark_running, session.id, "c", "http://10.0.0.1/", now)
    school.store.decide(reach.record_silence, now)
    await page.goto(f"{school.url}/admin")
    await expect(page.locator("#engine")).to_contain_text("The container engine does not answer")
    await expect(page.locator("#sessions")).to_contain_text("unknown (the engine does not answer)")
    await _check(page, "machine-silent")
    people = await page.context.new_page()
    await people.goto(f"{school.url}/people")
    cell = people.locator("#session-of-student1")
    await expect(cell).to_have_text("small, unknown")
    await people.get_by_label("Mark student2").check()
    school.store.decide(reach.record_answer, [], datetime.now(UTC))
    await expect(cell).to_have_text("small, running", timeout=25_000)
    await expect(people.get_by_label("Mark student2")).to_be_checked()
    await page.bring_to_front()
    await expect(page.locator("#engine")).to_have_text("", timeout=25_000)
    await expect(page.locator("#sessions")).to_contain_text("running")


async def test_an_empty_list_says_what_to_do(site: Site, page: Page) -> None:
    await page.context.set_extra_http_headers({"Authorization": "token tom-token"})
    site.add("tom", Role.TEACHER)
    await page.goto(f"{site.url}/people")
    await expect(page.get_by_role("heading", name="Nobody is here yet")).to_be_visible()
    await _check(page, "people-empty")


async def test_a_class_is_invited_by_keyboard_alone(school: Site, page: Page) -> None:
    await page.goto(f"{school.url}/roster")
    await page.get_by_label("The list").focus()
    await page.keyboard.type("mia, Mia Example\nno good|x")
    button = page.get_by_role("button", name="Look at it first")
    for _ in range(8):
        if await button.evaluate("b => b === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    problem = page.get_by_role("alert")
    await expect(problem).to_be_focused()
    await expect(problem).to_contain_text("Columns cannot be told apart")
    await _check(page, "roster-problems")
    await page.get_by_label("The list").fill("mia, Mia Example\nstudent1\njo2, Jo Two")
    await page.get_by_role("button", name="Look at it first").press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("2 people will get a link")
    await _check(page, "roster-plan")
    await page.get_by_role("button", name="Make 2 links").press("Enter")
    await expect(page.get_by_text("2 links were made.")).to_be_visible()
    await _check(page, "roster-made")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download CSV").press("Enter")
    text = _text(await (await download.value).path())
    assert text.splitlines()[0] == "name,full name,link" and text.count("#") == 2
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy all").press("Enter")
    await expect(page.get_by_text("Copied.")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines() == text.splitlines()


async def test_people_are_marked_counted_and_asked_about(school: Site, page: Page) -> None:
    await page.goto(f"{school.url}/people?q=student")
    count = page.locator("#count")
    await expect(count).to_have_text("11 people")
    await page.get_by_label("Mark student1", exact=True).press("Space")
    await expect(count).to_have_text("Marked: 1")
    await page.get_by_label("Mark all on this page").press("Space")
    await expect(count).to_have_text("Marked: 11")
    await page.get_by_role("button", name="Disable").press("Enter")
    await expect(page.get_by_role("heading", name="Disable 11 accounts?")).to_be_visible()
    await _check(page, "confirm")
    await page.get_by_role("button", name="Disable").press("Enter")
    await expect(page.get_by_text("logins and session have ended").first).to_be_visible()
    await _check(page, "outcomes")
    assert not school.store.read(accounts.require, "student11").enabled


async def test_a_link_is_made_and_copied(school: Site, page: Page) -> None:
    await page.goto(f"{school.url}/invitations")
    await page.get_by_label("For how many").fill("25")
    await page.get_by_role("button", name="Make a link").press("Enter")
    await expect(page.get_by_text("It makes 25 accounts as student.")).to_be_visible()
    await _check(page, "invitation-made")
    await page.get_by_role("button", name="Copy").press("Enter")
    await expect(page.get_by_text("Copied.")).to_be_visible()
    await page.goto(f"{school.url}/people/student5")
    await page.get_by_role("button", name="Reset link").press("Enter")
    await expect(page.get_by_text("/hub/reset#")).to_be_visible()
    await _check(page, "reset-made")
