"""A class comes in: a pasted list, three links, three sessions; a reset; somebody is put out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.engine, pytest.mark.browser, pytest.mark.timeout(600)]
CLASS = "kim, Kim Example\nlea; nobody\nnoa, Noa Example\noda, Oda Example"
NEW = "another four plain words"


def _accept(someone, link: str) -> None:
    someone.page.goto(link)
    for label in ("Password", "Password, once more"):
        someone.page.get_by_label(label, exact=True).fill(someone.password)
    someone.page.get_by_role("button", name="Create account").click()
    someone.page.wait_for_url(re.compile("/hub/(home|spawn)"))


def _choose(page: Page, url: str, name: str, action: str) -> None:
    page.goto(f"{url}/services/carrel/people")
    page.get_by_label(f"Mark {name}", exact=True).check()
    page.get_by_role("button", name=action).click()


def test_a_class_comes_in_and_is_looked_after(installation, person):
    url = installation.url
    installation.add_user("prof", role="teacher")
    prof = person()
    prof.login("prof")
    prof.page.goto(f"{url}/services/carrel/roster")
    prof.page.get_by_label("The list").fill(CLASS)
    prof.page.get_by_role("button", name="Look at it first").click()
    expect(prof.page.get_by_role("alert")).to_contain_text("1 line cannot be used")
    prof.page.get_by_label("The list").fill(CLASS.replace("lea; nobody\n", ""))
    prof.page.get_by_role("button", name="Look at it first").click()
    prof.page.get_by_role("button", name="Make 3 links").click()
    rows = prof.page.locator("tbody tr")
    expect(rows).to_have_count(3)
    links = {row.locator("th").inner_text(): row.locator("code").inner_text() for row in rows.all()}
    prof.shot("class-links")

    students = {}
    for name, link in links.items():
        someone = students[name] = person()
        someone.page.goto(link)
        expect(someone.page.get_by_label("User name")).to_have_value(name)
        _accept(someone, link)
    for someone in students.values():
        someone.page.goto(f"{url}/hub/spawn")
        someone.page.locator("button.carrel-big").click()
    for someone in students.values():
        someone.page.wait_for_url("**/user/**", timeout=120_000)
    late = person()
    late.page.goto(links["kim"])
    expect(late.page.get_by_text("This invitation has been used.")).to_be_visible()

    prof.page.goto(f"{url}/services/carrel/people?status=running")
    for name in links:
        expect(prof.page.get_by_label(f"Mark {name}", exact=True)).to_be_visible()
    prof.shot("class-people")

    _choose(prof.page, url, "noa", "Reset links")
    reset = prof.page.locator("code").inner_text()
    noa = person()
    noa.page.goto(reset)
    for label in ("Password", "Password, once more"):
        noa.page.get_by_label(label, exact=True).fill(NEW)
    noa.page.get_by_role("button", name="Set password").click()
    noa.page.wait_for_url(re.compile("/hub/(home|spawn)"))
    students["noa"].page.goto(f"{url}/hub/account")
    expect(students["noa"].page).to_have_url(re.compile("/hub/login"))
    assert installation.session_container("noa"), "the session goes on"

    _choose(prof.page, url, "oda", "Disable")
    prof.page.get_by_role("button", name="Disable").click()
    expect(prof.page.get_by_text("logins and session have ended")).to_be_visible(timeout=60_000)
    assert installation.session_container("oda") == ""
    students["oda"].page.goto(f"{url}/hub/home")
    expect(students["oda"].page).to_have_url(re.compile("/hub/login"))
    students["oda"].login("oda")
    expect(students["oda"].page.get_by_role("alert")).to_have_text("Wrong user name or password.")
    for name in ("kim", "noa"):
        installation.carrel("session", "stop", name)
