"""Pages of extra packages in real Chromium: fit for all, and a build is seen as it goes."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from hub.materials import layers
from hub.materials.places import Place
from tests.hub.web.conftest import Site
from tests.hub.web.published import HERE
from tests.hub.web.test_materials_in_chromium import _as, place  # noqa: F401  fixtures
from tests.hub.web.test_packages_pages import EVIL, Builds
from tests.hub.web.test_pages_in_chromium import _check, page, school  # noqa: F401  fixtures

pytestmark = pytest.mark.browser


async def test_a_build_is_seen_as_it_goes_and_as_it_ended(
    school: Site,  # noqa: F811
    place: Place,  # noqa: F811
    page: Page,  # noqa: F811
) -> None:
    builds = Builds(school)
    await _as(page, "tess")
    await page.goto(school.url + HERE)
    await _check(page, "packages-none")
    builds.want("a")
    await page.goto(f"{school.url}{HERE}/packages")
    status = page.get_by_role("status")
    await expect(status).to_have_text("Waiting for its turn…")
    layer = builds.begin()
    builds.store.decide(layers.say, layer.id, f"Collecting a\n{EVIL}\n" * 99)
    await expect(status).to_have_text("Being built…")
    await expect(page.locator("pre")).to_contain_text(EVIL)
    await _check(page, "packages-building")
    problem = "pip could not install the packages: the end of its log says why."
    builds.store.decide(layers.failed, layer, problem, "ERROR: No matching", builds.later())
    await expect(page.get_by_text("could not be built")).to_be_visible()
    await expect(page.locator("pre")).to_have_text("ERROR: No matching")
    await _check(page, "packages-failed")
    await page.get_by_role("button", name="Build again").press("Enter")
    await expect(page.get_by_role("status")).to_be_visible()
    names = [f"package-{number}-{'x' * (number % 60)}==1.{number}" for number in range(60)]
    layer = builds.begin()
    builds.store.decide(
        layers.ready, layer, layers.Built(names, 9, 2**30, "Collecting"), builds.later()
    )
    await expect(page.get_by_text("60 packages in use")).to_be_visible()
    await _check(page, "packages-ready")
    await page.goto(school.url + HERE)
    await _check(page, "packages-part")
    await _as(page, "student1")
    for path, name in (("/courses/ds-24", "packages-course"), (HERE, "packages-student")):
        await page.goto(school.url + path)
        await expect(page.get_by_text("package").first).to_be_visible()
        await _check(page, name)
