"""Single sign-on in real Chromium: from the link to the account, over a real provider's pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from hub import accounts
from hub.enums import Role
from tests.hub.real_hub.running import Hub
from tests.oidc.provider import PASSWORD, Provider, person
from tests.oidc.signed_on import invite, now, signed_on

pytestmark = [pytest.mark.browser, pytest.mark.provider]

PEOPLE = [
    person(1, "ann", "Ann Example"),
    person(2, "eve", "Eve Example"),
    person(3, "zoe", "Zoe Example"),
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, Provider]]:
    folder: Path = tmp_path_factory.mktemp("signed-on")
    database = sa.URL.create("sqlite+pysqlite", database=str(folder / "carrel.sqlite"))
    with signed_on(folder, database, PEOPLE) as running:
        yield running


def _at_the_provider(page: Page, provider: Provider, name: str) -> None:
    """Logs in there, as that person, and agrees."""
    page.wait_for_url(f"{provider.issuer}/**")
    page.locator("input[name=login]").fill(name)
    page.get_by_role("button").last.click()
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button").last.click()
    page.locator("button#accept").click()


def _who(page: Page, hub: Hub) -> str | None:
    answer = page.request.get(f"{hub.url}/hub/api/user")
    return answer.json()["name"] if answer.ok else None


def test_a_link_becomes_an_account_and_the_next_login_needs_only_the_provider(
    both: tuple[Hub, Provider], chromium: Browser
) -> None:
    hub, provider = both
    _, token = invite(hub, Role.TEACHER, name="ann.bell")
    page = chromium.new_context().new_page()
    page.goto(f"{hub.url}/hub/invitation#{token}")
    expect(page.locator("#role")).to_have_text("teacher")
    expect(page.get_by_label("User name")).to_have_value("ann.bell")
    assert token not in page.url
    assert page.locator("input[type=password]").count() == 0
    page.get_by_role("button", name="Continue with Example University").click()
    _at_the_provider(page, provider, "ann")
    page.wait_for_url(f"{hub.url}/hub/**")
    assert _who(page, hub) == "ann.bell"
    account = hub.store.read(accounts.require, "ann.bell")
    assert (account.role, account.identity) == (Role.TEACHER, f"{provider.issuer} 1")

    page.goto(f"{hub.url}/hub/logout")
    assert _who(page, hub) is None
    page.get_by_role("link", name="Log in with Example University").click()
    page.wait_for_url(f"{hub.url}/hub/**")
    expect(page.get_by_text("ann.bell").first).to_be_visible()
    assert _who(page, hub) == "ann.bell"


def test_a_stranger_is_told_what_to_do(both: tuple[Hub, Provider], chromium: Browser) -> None:
    hub, provider = both
    page = chromium.new_context().new_page()
    page.goto(f"{hub.url}/hub/login")
    page.get_by_role("link", name="Log in with Example University").click()
    _at_the_provider(page, provider, "eve")
    expect(page.get_by_role("alert")).to_contain_text("Nobody has invited you here yet.")
    assert _who(page, hub) is None
    assert hub.store.read(accounts.find, "eve") is None


def test_a_name_that_is_taken_is_chosen_anew_and_the_login_is_not_lost(
    both: tuple[Hub, Provider], chromium: Browser
) -> None:
    hub, provider = both
    hub.store.decide(accounts.create, accounts.NewAccount("zoe", Role.STUDENT), now())
    page = chromium.new_context().new_page()
    page.goto(f"{hub.url}/hub/invitation#{invite(hub)[1]}")
    page.get_by_role("button", name="Continue with Example University").click()
    _at_the_provider(page, provider, "zoe")
    expect(page.locator("#username-problem")).to_contain_text("The name zoe is taken.")
    expect(page.locator("#code-row")).to_be_hidden()
    page.get_by_label("User name").fill("zoe.two")
    page.get_by_role("button", name="Continue with Example University").click()
    # The provider knows who it was and asks nothing.
    page.wait_for_url(f"{hub.url}/hub/**")
    expect(page.get_by_text("zoe.two").first).to_be_visible()
    assert hub.store.read(accounts.require, "zoe.two").identity == f"{provider.issuer} 3"
