"""In the demo anybody logs in as its people by one click, and as nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from hub import accounts, demo
from hub.audit import By
from tests.hub.real_hub.running import Hub, text_of


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with ``demo = true``."""
    folder = tmp_path_factory.mktemp("demo")
    url = sa.URL.create("sqlite+pysqlite", database=str(folder / "carrel.sqlite"))
    hub = Hub(folder, url, {"demo": True})
    hub.start()
    yield hub
    hub.stop()


def test_one_click_logs_in(hub: Hub, by: By) -> None:
    hub.store.decide(demo.populate, by)
    browser = hub.browser()
    page = browser.get("/hub/login").text
    for person in demo.PEOPLE:
        assert f'value="{person.name}"' in page
    answer = browser.post_to("/hub/demo", "/hub/login", name="teacher")
    assert answer.status_code == 302
    assert browser.me()["name"] == "teacher"
    answer = browser.post_to("/hub/demo", "/hub/account", name="student1")
    assert browser.me()["name"] == "student1"


@pytest.mark.parametrize("name", ["", "root", "<b>x</b>"])
def test_only_as_the_demos_people(hub: Hub, name: str) -> None:
    browser = hub.browser()
    answer = browser.post_to("/hub/demo", "/hub/login", name=name)
    assert answer.status_code == 400
    assert "nobody of that name" in text_of(answer)
    assert browser.me() is None


def test_a_form_without_its_token_is_refused(hub: Hub, by: By) -> None:
    hub.store.decide(demo.populate, by)
    browser = hub.browser()
    answer = browser.session.post(f"{hub.url}/hub/demo", data={"name": "admin"}, timeout=30)
    assert answer.status_code == 403
    assert browser.me() is None


def test_who_was_disabled_is_told_how_to_start_over(hub: Hub, by: By) -> None:
    hub.store.decide(demo.populate, by)
    hub.store.decide(accounts.disable, "student3", by)
    answer = hub.browser().post_to("/hub/demo", "/hub/login", name="student3")
    assert answer.status_code == 403
    assert "./carrel demo --reset" in text_of(answer)


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.example", 403), ("127.0.0.1.evil.example:80", 403), ("localhost:8100", 302)],
)
def test_a_page_of_another_name_for_this_machine_logs_nobody_in(
    hub: Hub, by: By, host: str, status: int
) -> None:
    """As after DNS rebinding: to the browser, all of it is one origin."""
    hub.store.decide(demo.populate, by)
    browser = hub.browser()
    browser.session.headers["Host"] = host
    url = f"{hub.url}/hub/login"
    page = browser.session.get(url, timeout=30).text
    xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page)
    assert xsrf
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.session.cookies)
    answer = browser.session.post(
        f"{hub.url}/hub/demo",
        data={"name": "admin", "_xsrf": xsrf[1]},
        headers={"Cookie": cookies, "Sec-Fetch-Site": "same-origin"},
        allow_redirects=False, timeout=30,
    )  # fmt: skip
    assert answer.status_code == status
    assert ("jupyterhub-hub-login" in answer.headers.get("Set-Cookie", "")) is (status == 302)
