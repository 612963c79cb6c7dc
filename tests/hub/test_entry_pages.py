"""The pages that the hub serves, in real Chromium: the code leaves the address bar, axe finds
nothing, the keyboard is enough, a phone shows it all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from hub import accounts, courses, invitations, resets
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.courses import Wish
from hub.enums import Role
from hub.invitations import Invitation
from hub.powers import Actor
from tests.hub.real_hub.cheap import CHEAP
from tests.hub.real_hub.running import Hub

GOOD, NEW = "four plain words here", "quite another good one"
PHONE = {"width": 360, "height": 740}
# Whatever the rules' impact: also those that axe calls best practice.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
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


def _by() -> By:
    return By(COMMAND_LINE, datetime.now(UTC))


def _invitation(hub: Hub, hours: int = 1, **more: object) -> str:
    wanted = Invitation(Role.TEACHER, timedelta(hours=hours), **more)
    token = hub.store.decide(invitations.create, wanted, _by())[1]
    return f"{hub.url}{invitations.PATH}#{token}"


def _account(hub: Hub, name: str) -> str:
    if hub.store.read(accounts.find, name) is None:
        new = NewAccount(name, Role.STUDENT, CHEAP.hash(GOOD), "Mia Müller-Lüdenscheidt")
        hub.store.decide(accounts.create, new, _by())
    return name


def _reset(hub: Hub, name: str, hours: int = 1) -> str:
    _account(hub, name)
    token = hub.store.decide(resets.create, name, timedelta(hours=hours), _by())
    return f"{hub.url}{resets.PATH}#{token}"


def _check(page: Page, name: str) -> None:
    """Nothing for axe to complain of in what is ours, nothing wider than the phone."""
    found = Axe().run(page, context="main", options=RULES).response["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    if folder := os.environ.get("SHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}-{page.scheme}.png", full_page=True)


def _tab_to(page: Page, label: str) -> None:
    """By keyboard alone, as far as it takes."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(document.activeElement.labels && document.activeElement.labels[0] "
            "|| document.activeElement).textContent.trim()"
        )
        if focused == label:
            return
    raise AssertionError(f"the keyboard does not reach {label}")


def test_the_code_moves_into_the_form_and_the_keyboard_is_enough(hub: Hub, page: Page) -> None:
    asked: list[Request] = []
    # A function of our own: Playwright cannot wrap a method of a list.
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108
    link = _invitation(hub)
    token = link.partition("#")[2]
    page.goto(link)
    expect(page).to_have_url(f"{hub.url}/hub/invitation")
    expect(page.get_by_label("Code")).to_be_hidden()
    expect(page.get_by_label("User name")).to_be_focused()
    expect(page.get_by_text("You are invited as: teacher")).to_be_visible()
    _check(page, "invitation")
    page.keyboard.type(f"keys-{page.scheme}")
    for text in ("Kay", GOOD, GOOD):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_url("**/hub/home")
    assert hub.store.read(accounts.require, f"keys-{page.scheme}").full_name == "Kay"
    page.go_back()
    assert token not in page.url
    assert all(token not in request.url + str(request.headers) for request in asked)
    assert token not in hub.log


def test_an_invitation_proposes_a_name_and_looks_before_anything_is_typed(
    hub: Hub, page: Page
) -> None:
    page.goto(_invitation(hub, name="mia.m", full_name="Mia <b>M</b>"))
    expect(page.get_by_label("User name")).to_have_value("mia.m")
    expect(page.get_by_label("Your name")).to_have_value("Mia <b>M</b>")
    # A second link in the same tab: what the first one proposed goes, what was typed stays.
    page.get_by_label("Your name").fill("Typed")
    page.goto(_invitation(hub, name="tom", full_name="Tom"))
    expect(page.get_by_label("User name")).to_have_value("tom")
    expect(page.get_by_label("Your name")).to_have_value("Typed")


def _into_course(hub: Hub) -> str:
    maker = Actor("mona", Role.TEACHER)
    if hub.store.read(accounts.find, maker.name) is None:
        new = NewAccount(maker.name, maker.role, "hash", "Mona Maker")
        hub.store.decide(accounts.create, new, _by())
        wish = Wish("Data Science for absolutely everybody")
        hub.store.decide(courses.make, maker, "data-26", wish, By(maker.name, _by().at))
    wanted = Invitation(Role.STUDENT, timedelta(hours=1), 1, course="data-26")
    token = hub.store.decide(invitations.invite, maker, wanted, By(maker.name, _by().at))[1]
    return f"{hub.url}{invitations.PATH}#{token}"


def test_an_invitation_into_a_course_says_so_and_ends_in_it(hub: Hub, page: Page) -> None:
    page.goto(_into_course(hub))
    expect(page.get_by_text("You are invited to the course: Data Science for")).to_be_visible()
    expect(page.get_by_text("Taught by: Mona Maker")).to_be_visible()
    expect(page.get_by_text("You are invited as:")).to_be_hidden()
    expect(page.get_by_role("button", name="Join as")).to_have_count(0)
    _check(page, "invitation-course")
    page.set_viewport_size({"width": 1200, "height": 850})
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/invitation-course-wide-{page.scheme}.png")
    page.get_by_label("User name").fill(f"came-{page.scheme}")
    for label in ("Password", "Password, once more"):
        page.get_by_label(label, exact=True).fill(GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/services/carrel/c/data-26")
    # A second one, now that somebody is logged in: Enter in a field would make an account still.
    page.set_viewport_size(PHONE)
    page.goto(_invitation(hub))
    expect(page.get_by_text("You are invited as: teacher")).to_be_visible()
    expect(page.get_by_role("button", name="Join as")).to_be_hidden()


def test_whoever_is_logged_in_joins_by_the_keyboard(hub: Hub, page: Page) -> None:
    name = _account(hub, f"joins-{page.scheme}")
    page.goto(f"{hub.url}/hub/login")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/hub/home")
    page.goto(_into_course(hub))
    button = page.get_by_role("button", name=f"Join as {name}: Data Science for")
    expect(button).to_be_visible()
    _check(page, "invitation-join")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/services/carrel/c/data-26")
    assert hub.store.read(courses.seat_of, "data-26", name)


def test_errors_are_shown_at_their_fields(hub: Hub, page: Page) -> None:
    page.goto(_invitation(hub))
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
    expect(page.get_by_text("You are invited as: teacher")).to_be_visible()
    _check(page, "invitation-errors")


def test_a_link_that_cannot_be_used_says_so_at_once_and_gives_way_to_a_good_one(
    hub: Hub, page: Page
) -> None:
    link = _invitation(hub)
    number = hub.store.read(invitations.find_usable, link.partition("#")[2], datetime.now(UTC)).id
    hub.store.decide(invitations.withdraw, Actor(COMMAND_LINE, Role.ADMIN), number, _by())
    page.goto(link)
    expect(page.get_by_role("heading", name="This invitation cannot be used")).to_be_focused()
    expect(page.get_by_role("alert")).to_have_text("This invitation was withdrawn.")
    expect(page.get_by_text("./carrel user invite")).to_be_visible()
    expect(page.get_by_label("User name")).to_be_hidden()
    _check(page, "invitation-unusable")
    page.goto(_invitation(hub))  # pasted into the same tab
    expect(page.get_by_label("User name")).to_be_focused()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_link_used_by_somebody_else_meanwhile_says_so(hub: Hub, page: Page) -> None:
    link = _invitation(hub)
    page.goto(link)
    expect(page.get_by_text("You are invited as: teacher")).to_be_visible()
    by = By("(invited)", datetime.now(UTC))
    other = NewAccount(f"quicker-{page.scheme}", Role.STUDENT, "hash")
    hub.store.decide(invitations.accept, link.partition("#")[2], other, by)
    page.get_by_label("User name").fill(f"slower-{page.scheme}")
    page.get_by_label("Password", exact=True).fill(GOOD)
    page.get_by_label("Password, once more").fill(GOOD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_have_text("This invitation has been used.")
    expect(page.get_by_label("User name")).to_be_hidden()
    _check(page, "invitation-used")
    page.goto(_invitation(hub))  # the next one opens in the same tab
    expect(page.get_by_label("User name")).to_be_focused()


def test_without_a_code_in_the_address_there_is_a_field_for_it(hub: Hub, page: Page) -> None:
    page.goto(f"{hub.url}/hub/invitation")
    expect(page.get_by_label("Code")).to_be_visible()
    _check(page, "invitation-code")
    page.goto(f"{hub.url}/hub/invitation#pasted-into-the-same-tab")
    expect(page.get_by_role("alert")).to_contain_text("has expired or was never made")
    expect(page).to_have_url(f"{hub.url}/hub/invitation")
    page.goto(f"{hub.url}/hub/reset")
    expect(page.get_by_label("Code")).to_be_visible()
    _check(page, "reset-code")


def test_without_script_the_code_is_pasted(hub: Hub, chromium: Browser) -> None:
    context = chromium.new_context(viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    link = _invitation(hub)
    page.goto(link)
    page.get_by_label("Code").fill(link.partition("#")[2])
    page.get_by_label("User name").fill("scriptless")
    page.get_by_label("Password", exact=True).fill(GOOD)
    page.get_by_label("Password, once more").fill(GOOD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/hub/home")
    context.close()


def test_a_reset_by_keyboard(hub: Hub, page: Page) -> None:
    name = f"forgot-{page.scheme}"
    page.goto(_reset(hub, name))
    expect(page.get_by_text(f"For the account: {name}")).to_be_visible()
    expect(page).to_have_url(f"{hub.url}/hub/reset")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    _check(page, "reset")
    page.keyboard.type(NEW)
    page.keyboard.press("Tab")
    page.keyboard.type("something else")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
    expect(page.get_by_text(f"For the account: {name}")).to_be_visible()
    _check(page, "reset-errors")
    page.get_by_label("Password", exact=True).focus()
    page.keyboard.type(NEW)
    page.keyboard.press("Tab")
    page.keyboard.type(NEW)
    page.keyboard.press("Enter")
    page.wait_for_url("**/hub/home")


def test_a_reset_link_that_cannot_be_used_says_so_at_once(hub: Hub, page: Page) -> None:
    page.goto(_reset(hub, "late", hours=-1))
    expect(page.get_by_role("heading", name="This link cannot be used")).to_be_focused()
    expect(page.get_by_role("alert")).to_have_text("This link has expired or was never made.")
    _check(page, "reset-unusable")
    page.get_by_role("link", name="To the login").press("Enter")
    expect(page.get_by_role("heading", name="Log in to Carrel")).to_be_visible()


def test_the_account_page_by_keyboard(hub: Hub, page: Page) -> None:
    name = _account(hub, f"me-{page.scheme}")
    _log_in(hub, page, name)
    page.goto(f"{hub.url}/hub/account")
    expect(page.get_by_label("Your name")).to_have_value("Mia Müller-Lüdenscheidt")
    _check(page, "account")
    _tab_to(page, "The password you have now")
    for text in ("not my password", NEW, NEW):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
    expect(page.get_by_label("The password you have now")).to_have_accessible_description(
        "This is not your password."
    )
    _check(page, "account-wrong")
    _tab_to(page, "The password you have now")
    for text in (GOOD, NEW, NEW):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(
        "Your password is changed. Your other logins and your API tokens have ended."
    )
    _check(page, "account-changed")
    page.get_by_label("Your name").fill("Mia")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Your name is saved.")


def test_another_browser_is_out_when_the_password_is_changed(
    hub: Hub, page: Page, chromium: Browser
) -> None:
    name = _account(hub, f"two-{page.scheme}")
    context = chromium.new_context()
    other = context.new_page()
    for each in (page, other):
        _log_in(hub, each, name)
    page.goto(f"{hub.url}/hub/account")
    page.get_by_label("The password you have now").fill(GOOD)
    page.get_by_label("New password").fill(NEW)
    page.get_by_label("Password, once more").fill(NEW)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status")).to_contain_text("is changed")
    other.goto(f"{hub.url}/hub/account")
    expect(other.get_by_role("heading", name="Log in to Carrel")).to_be_visible()
    context.close()


def test_the_login_page_announces_what_is_wrong(hub: Hub, page: Page) -> None:
    page.goto(f"{hub.url}/hub/login")
    expect(page.get_by_text("You need an invitation")).to_be_visible()
    expect(page.get_by_text("Password lost?")).to_be_visible()
    _check(page, "login")
    page.get_by_label("User name").fill(f"nobody-{page.scheme}")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Wrong user name or password.")
    expect(page.get_by_label("User name")).to_have_value(f"nobody-{page.scheme}")
    expect(page.get_by_label("Password")).to_be_focused()
    _check(page, "login-wrong")


def _log_in(hub: Hub, page: Page, name: str) -> None:
    page.goto(f"{hub.url}/hub/login")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/hub/home")
