"""With a host name for each session, a student's page cannot act as whoever opens it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.conftest import brought_up

pytestmark = [pytest.mark.engine, pytest.mark.browser, pytest.mark.timeout(600)]
HUB = "http://hub.localhost:8066"  # browsers know that *.localhost is this machine

READ_THE_HUB = """async (url) => {
    try { return (await (await fetch(url, {credentials: 'include'})).text()).slice(0, 80); }
    catch (error) { return 'refused'; }
}"""


@pytest.fixture(scope="module")
def apart(engine):
    """An installation with `[server] subdomains = true`."""
    extra = (
        ("CARREL_SERVER__PUBLIC_URL", HUB),
        ("CARREL_SERVER__SUBDOMAINS", "true"),
        ("CARREL_NETWORK__SUBNET", "10.208.0.0/24"),
    )
    with brought_up(engine, "sub", 8066, extra) as found:
        yield found


def test_each_session_has_an_origin_of_its_own_and_cannot_read_the_hub(apart, person):
    apart.add_user("sue", "admin")
    sue = person()
    sue.url = HUB
    sue.login("sue")
    sue.start()
    assert sue.page.url.startswith("http://sue.hub.localhost:8066/user/sue/lab")
    sue.new_notebook()
    assert "42" in sue.run("print(6 * 7)")
    assert sue.page.evaluate(READ_THE_HUB, f"{HUB}/hub/home") == "refused"

    sue.page.goto(f"{HUB}/hub/home")
    sue.page.get_by_role("link", name="About", exact=True).click()
    expect(sue.page).to_have_url("http://carrel--service.hub.localhost:8066/services/carrel/")
    sue.page.get_by_role("link", name="Machine", exact=True).click()
    expect(sue.page.get_by_text("holds about")).to_be_visible()
    sue.page.get_by_role("link", name="Session", exact=True).click()
    expect(sue.page).to_have_url(f"{HUB}/hub/home")
    apart.carrel("session", "stop", "sue")


def test_without_it_the_same_page_reads_the_hub(installation, person):
    """What the warning of `up` and `doctor` is about."""
    installation.add_user("sam")
    sam = person()
    sam.login("sam")
    sam.start()
    assert sam.page.evaluate(READ_THE_HUB, "/hub/home") != "refused"
    installation.carrel("session", "stop", "sam")
