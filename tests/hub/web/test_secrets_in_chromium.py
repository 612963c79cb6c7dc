"""The page Secrets in real Chromium: axe finds nothing, a phone and the keyboard are enough."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.async_api import Page, expect

from hub import secret_grants, user_secrets
from hub.audit import By
from hub.secret_grants import Reader
from hub.user_secrets import Sealed
from tests.hub.web.conftest import Site
from tests.hub.web.test_pages_in_chromium import _check, page, school  # noqa: F401  fixtures
from tests.hub.web.test_secret_pages import opened

pytestmark = pytest.mark.browser
LAB = "courses/data-science-26/week 3/a rather long name of a notebook.ipynb"


def _ask(site: Site, notebook: str, name: str = "HF_TOKEN") -> None:
    site.store.decide(secret_grants.remember, Reader("student1", name, notebook), datetime.now(UTC))


@pytest.fixture
async def mine(school: Site, page: Page) -> Page:  # noqa: F811  the fixtures
    await page.context.set_extra_http_headers({"Authorization": "token student1-token"})
    return page


async def test_a_secret_is_entered_allowed_replaced_and_deleted_by_keyboard_alone(
    school: Site,  # noqa: F811
    mine: Page,
) -> None:
    await mine.goto(f"{school.url}/secrets")
    await expect(mine.get_by_role("heading", name="You have no secrets yet")).to_be_visible()
    await _check(mine, "secrets-none")
    await mine.get_by_label("Name", exact=True).fill("HF TOKEN")
    value = mine.get_by_label("Value", exact=True)
    await value.fill("hf_x")
    security = "element => getComputedStyle(element).webkitTextSecurity"
    assert await value.evaluate(security) == "disc"
    await mine.get_by_label("Show what I type").press("Space")
    assert await value.evaluate(security) == "none"
    await mine.get_by_role("button", name="Save the secret").press("Enter")
    await expect(mine.get_by_role("alert")).to_be_focused()
    await expect(value).to_have_value("")
    await _check(mine, "secrets-problem")
    await mine.get_by_label("Name", exact=True).fill("HF_TOKEN")
    await value.fill("hf_x")
    await mine.get_by_role("button", name="Save the secret").press("Enter")
    await expect(mine.get_by_role("status")).to_contain_text("The secret is saved.")
    assert "hf_x" not in await mine.content()
    await _check(mine, "secrets-saved")

    _ask(school, LAB)
    allow = mine.get_by_role("button", name=f"Allow {LAB} to read HF_TOKEN")
    await expect(allow).to_be_visible(timeout=15_000)  # the page looks again by itself
    await _check(mine, "secrets-asked")
    await allow.press("Enter")
    await expect(mine.get_by_role("status")).to_contain_text("may read it from now on")
    await expect(mine.get_by_role("button", name=f"Revoke {LAB}")).to_be_visible()

    await mine.locator("summary").press("Enter")
    await mine.get_by_label("Path of a notebook").fill("nonsense")
    await mine.get_by_role("button", name="Allow it").press("Enter")
    await expect(mine.get_by_role("alert")).to_be_focused()
    await _check(mine, "secrets-change")
    await mine.get_by_label("New value").fill("-----BEGIN\nhf_y")
    await mine.get_by_role("button", name="Replace the value").press("Enter")
    await expect(mine.get_by_role("status")).to_contain_text("The new value is saved.")
    assert opened(school.store, "student1") == "-----BEGIN\nhf_y"
    await mine.locator("summary").press("Enter")
    await mine.get_by_role("button", name="Delete HF_TOKEN").press("Enter")
    await expect(mine.get_by_role("heading", name="Delete HF_TOKEN?")).to_be_visible()
    await _check(mine, "secrets-delete")
    await mine.get_by_role("button", name="Delete").press("Enter")
    await expect(mine.get_by_role("heading", name="You have no secrets yet")).to_be_visible()


async def test_many_secrets_in_every_state_are_fit_for_all(school: Site, mine: Page) -> None:  # noqa: F811
    by = By("student1", datetime.now(UTC))
    for name in ("ALL", "HF_TOKEN", "A" * 64):
        school.store.decide(user_secrets.save, "student1", Sealed(name, "sealed", True), by)
    school.store.decide(user_secrets.set_everywhere, "student1", "ALL", True, by)
    for number in (1, 2):
        _ask(school, f"lab{number}.ipynb")
        reader = Reader("student1", "HF_TOKEN", f"courses/data-26/lab{number}.ipynb")
        school.store.decide(secret_grants.allow, reader, by)
    _ask(school, "x" * 300 + ".ipynb")
    await mine.goto(f"{school.url}/secrets")
    await _check(mine, "secrets-many")


async def test_all_of_it_works_without_script(school: Site, mine: Page) -> None:  # noqa: F811
    await mine.route("**/carrel.js*", lambda route: route.abort())
    await mine.goto(f"{school.url}/secrets")
    await mine.get_by_label("Name", exact=True).fill("KEY")
    await mine.get_by_label("Value", exact=True).fill("hf_x")
    await mine.get_by_role("button", name="Save the secret").click()
    _ask(school, "lab1.ipynb", "KEY")
    await mine.reload()
    await mine.get_by_role("button", name="Allow lab1.ipynb to read KEY").click()
    await mine.locator("summary").click()
    await mine.get_by_role("button", name="Allow all my notebooks to read KEY").click()
    await expect(mine.get_by_text("All your notebooks, also")).to_be_visible()
