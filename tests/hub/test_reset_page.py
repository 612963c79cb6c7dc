"""The page behind a reset link, through a real JupyterHub."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests

from hub import accounts, resets
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.enums import Role
from tests.hub.real_hub.cheap import CHEAP
from tests.hub.real_hub.elsewhere import ELSEWHERE, stays
from tests.hub.real_hub.running import Browser, Hub, text_of

OLD, NEW = "four plain words here", "quite another good one"
HASH = CHEAP.hash(OLD)


def _by(who: str = COMMAND_LINE) -> By:
    return By(who, datetime.now(UTC))


def _add(hub: Hub, name: str) -> str:
    hub.store.decide(accounts.create, NewAccount(name, Role.STUDENT, HASH), _by())
    return name


def _link(hub: Hub, name: str, hours: int = 1) -> str:
    return hub.store.decide(resets.create, name, timedelta(hours=hours), _by())


def _reset(browser: Browser, code: str, **more: str) -> requests.Response:
    fields = {"code": code, "password": NEW, "password2": NEW, **more}
    return browser.post("/hub/reset", **fields)


def test_a_link_sets_the_password_and_logs_in(hub: Hub) -> None:
    token = _link(hub, _add(hub, "forgot"))
    browser = hub.browser("198.18.3.1")
    answer = _reset(browser, token)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/hub/home")
    assert browser.me()["name"] == "forgot"
    assert hub.browser().log_in("forgot", OLD).status_code == 403
    assert hub.browser().log_in("forgot", NEW).status_code == 302
    assert hub.store.read(accounts.require, "forgot").last_login_at
    assert token not in hub.log and NEW not in hub.log and token not in str(answer.headers)


def test_all_logins_and_tokens_end_but_the_session_goes_on(hub: Hub) -> None:
    _add(hub, "stolen")
    thief, owner = hub.browser(), hub.browser()
    for browser in (thief, owner):
        browser.log_in("stolen", OLD)
    services = [hub.service_token(browser) for browser in (thief, owner)]
    hub.api.start_server("stolen", "small")
    programs = [
        hub.api.create_token("stolen", note, 600)
        for note in ("a program", "Server at /user/stolen/")
    ]
    assert all(hub.knows(token) for token in programs)
    assert _reset(owner, _link(hub, "stolen")).status_code == 302
    assert thief.me() is None
    assert owner.me()["name"] == "stolen"
    assert [hub.knows(token) for token in services] == [False, False]
    assert not any(hub.knows(token) for token in programs)
    assert hub.tokens_of("stolen") == ["Server at /user/stolen/"]
    assert hub.api.server("stolen")["ready"]
    assert hub.service_token(owner)


def test_whoever_was_logged_in_here_is_no_longer(hub: Hub) -> None:
    """To services too, which know this browser by a token of their own."""
    browser = hub.browser()
    browser.log_in(_add(hub, "before-reset"), OLD)
    old = hub.service_token(browser)
    assert _reset(browser, _link(hub, _add(hub, "after-reset"))).status_code == 302
    assert browser.me()["name"] == "after-reset"
    assert not hub.knows(old)
    headers = {"Authorization": f"token {hub.service_token(browser)}"}
    assert hub.browser().get("/hub/api/user", headers=headers).json()["name"] == "after-reset"
    elsewhere = hub.browser()
    assert elsewhere.log_in("before-reset", OLD).status_code == 302


def test_each_state_says_so(hub: Hub) -> None:
    used = _link(hub, _add(hub, "state-used"))
    _reset(hub.browser(), used)
    replaced = _link(hub, _add(hub, "state-replaced"))
    _link(hub, "state-replaced")
    disabled = _link(hub, _add(hub, "state-disabled"))
    hub.store.decide(accounts.disable, "state-disabled", _by())
    late = _link(hub, _add(hub, "state-late"), hours=-1)
    for token, says in (
        (used, "This link has been used."),
        (replaced, "This link was replaced by a newer one"),
        (disabled, "This link has expired or was never made."),
        (late, "This link has expired or was never made."),
        ("never-made", "This link has expired or was never made."),
        ("x" * 100_000, "This link has expired or was never made."),
        ("", "This link has expired or was never made."),
    ):
        browser = hub.browser()
        answer = _reset(browser, token)
        assert answer.status_code == 403 and says in text_of(answer)
        assert browser.me() is None
        looked = browser.post("/hub/reset", code=token, look="1")
        assert looked.status_code == 403 and looked.json()["message"].startswith(says[:20])
        assert looked.json()["hint"] == "Ask whoever gave it to you for a new one."
    assert hub.browser().log_in("state-replaced", OLD).status_code == 302


def test_looking_uses_nothing_up_and_names_the_account(hub: Hub) -> None:
    token, browser = _link(hub, _add(hub, "looked")), hub.browser()
    for _ in range(3):
        answer = browser.post("/hub/reset", code=token, look="1")
        assert answer.json() == {
            "fields": {"username": "looked"},
            "texts": {"account": "looked"},
        }
    assert _reset(browser, token).status_code == 302


def test_an_error_in_the_form_uses_nothing_up(hub: Hub) -> None:
    token, browser = _link(hub, _add(hub, "mistyped")), hub.browser()
    for wrong, says in (
        ({"password": "short", "password2": "short"}, "too short"),
        ({"password2": "something else"}, "differ"),
        ({"password": "mistyped", "password2": "mistyped"}, "too short"),
    ):
        answer = _reset(browser, token, **wrong)
        assert answer.status_code == 400 and says in text_of(answer)
        assert f'value="{token}"' in answer.text and NEW not in answer.text
    assert _reset(browser, token).status_code == 302


def test_a_link_used_by_two_at_the_same_moment_has_one_winner(hub: Hub) -> None:
    token = _link(hub, _add(hub, "raced"))
    browsers = [hub.browser() for _ in range(4)]
    for browser in browsers:
        browser.get("/hub/reset")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda browser: _reset(browser, token), browsers))
    assert sorted(answer.status_code for answer in answers) == [302, 403, 403, 403]


@pytest.mark.parametrize("where", ["form", "address"])
def test_next_never_leaves_the_site(hub: Hub, where: str) -> None:
    name = _add(hub, f"next-{where}")
    for wanted in ELSEWHERE:
        browser, token = hub.browser(), _link(hub, name)
        if where == "form":
            answer = _reset(browser, token, next=wanted)
        else:
            page = browser.get("/hub/reset")
            xsrf = re.search(r'name="_xsrf" value="([^"]*)"', page.text).group(1)
            answer = browser.session.post(
                f"{hub.url}/hub/reset",
                params={"next": wanted},
                data={"_xsrf": xsrf, "code": token, "password": NEW, "password2": NEW},
                allow_redirects=False,
                timeout=30,
            )
        assert answer.status_code == 302, wanted
        assert stays(f"{hub.url}/hub/reset", answer.headers["Location"]), wanted


@pytest.mark.parametrize("look", ["", "1"])
def test_forms_of_others_are_refused(hub: Hub, look: str) -> None:
    token = _link(hub, _add(hub, f"crossed-reset{look}"))
    browser = hub.browser()
    fields = {"code": token, "password": NEW, "password2": NEW, "look": look}
    answer = browser.session.post(f"{hub.url}/hub/reset", data=fields, timeout=30)
    assert answer.status_code == 403 and "Open the reset link again" in answer.text
    for site in ("cross-site", "same-site"):
        browser.get("/hub/reset")
        browser.session.headers["Sec-Fetch-Site"] = site
        answer = browser.post("/hub/reset", **fields)
        assert answer.status_code == 403 and "came from another site" in answer.text
        assert f"crossed-reset{look}" not in answer.text
        del browser.session.headers["Sec-Fetch-Site"]
    assert _reset(browser, token).status_code == 302


def test_the_page_can_be_used_by_all(hub: Hub) -> None:
    page = hub.browser().get("/hub/reset")
    assert page.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    for field in ("code", "password", "password2"):
        assert f'<label for="{field}">' in page.text
