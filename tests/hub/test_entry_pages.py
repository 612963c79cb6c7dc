"""The pages before login, in real Chromium: the code leaves the address bar, axe finds nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from hub import setup_links
from hub.audit import COMMAND_LINE, By
from hub.enums import Role
from tests.hub.real_hub.running import Hub

GOOD = "four plain words here"
PHONE = {"width": 360, "height": 740}
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("hub", ["sqlite"], indirect=True)]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "chromium is missing; ./carrel test installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(viewport=PHONE, color_scheme=request.param)
    page = context.new_page()
    page.scheme = request.param
    yield page
    context.close()


def _link(hub: Hub) -> str:
    by = By(COMMAND_LINE, datetime.now(UTC))
    token = hub.store.decide(setup_links.create, Role.ADMIN, timedelta(hours=1), by)
    return f"{hub.url}{setup_links.PATH}#{token}"


def _check(page: Page, name: str) -> None:
    """Nothing for axe to complain of in what is ours, nothing wider than the phone."""
    found = Axe().run(page, context="main").response["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    if folder := os.environ.get("SHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}-{page.scheme}.png", full_page=True)


def test_the_code_moves_into_the_form_and_the_keyboard_is_enough(hub: Hub, page: Page) -> None:
    link = _link(hub)
    page.goto(link)
    expect(page).to_have_url(f"{hub.url}/hub/setup")
    expect(page.get_by_label("Code")).to_be_hidden()
    expect(page.get_by_label("User name")).to_be_focused()
    _check(page, "setup")
    page.keyboard.type(f"keys-{page.scheme}")
    for text in (GOOD, GOOD):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_url("**/hub/home")
    page.go_back()
    assert link.partition("#")[2] not in page.url


def test_errors_are_shown_at_their_fields(hub: Hub, page: Page) -> None:
    page.goto(_link(hub))
    page.get_by_label("User name").fill("a b")
    page.get_by_label("Password", exact=True).fill("a" * 12)
    page.get_by_label("Password, once more").fill("b")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was created")
    expect(page.get_by_label("User name")).to_have_accessible_description(
        "Letters a\u2013z, digits and . _ - @ + This user name cannot be used. Use 1 to 64 of the "
        "letters a-z, digits and . _ - @ +; a letter or digit comes first."
    )
    expect(page.get_by_label("Code")).to_be_hidden()
    _check(page, "setup-errors")


def test_a_link_that_cannot_be_used_says_what_to_do(hub: Hub, page: Page) -> None:
    page.goto(f"{hub.url}/hub/setup#never-made")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(GOOD)
    page.get_by_label("Password, once more").fill(GOOD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_contain_text("used, has expired or was never made")
    expect(page.get_by_text("./carrel admin-link")).to_be_visible()
    _check(page, "setup-unusable")


def test_without_a_code_in_the_address_there_is_a_field_for_it(hub: Hub, page: Page) -> None:
    page.goto(f"{hub.url}/hub/setup")
    expect(page.get_by_label("Code")).to_be_visible()
    _check(page, "setup-code")
    page.goto(f"{hub.url}/hub/setup#pasted-into-the-same-tab")
    expect(page.get_by_label("Code")).to_be_hidden()
    expect(page).to_have_url(f"{hub.url}/hub/setup")


def test_the_login_page_announces_what_is_wrong(hub: Hub, page: Page) -> None:
    page.goto(f"{hub.url}/hub/login")
    _check(page, "login")
    page.get_by_label("User name").fill(f"nobody-{page.scheme}")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Wrong user name or password.")
    expect(page.get_by_label("User name")).to_have_value(f"nobody-{page.scheme}")
    expect(page.get_by_label("Password")).to_be_focused()
    _check(page, "login-wrong")
