"""Getting in, through a real JupyterHub: who may, who may not, and what they are told."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest
import requests

from hub import accounts
from hub.audit import COMMAND_LINE, By
from hub.enums import Role
from hub.login import WRONG
from tests.hub.real_hub.cheap import CHEAP
from tests.hub.real_hub.elsewhere import ELSEWHERE, stays
from tests.hub.real_hub.running import Browser, Hub, text_of

GOOD = "four plain words here"
HASH = CHEAP.hash(GOOD)
PER_NAME, PER_ADDRESS = 5, 8  # as in the fixture `hub`
REFRESHED_S = 1.2  # the hub asks again after one second


def _by() -> By:
    return By(COMMAND_LINE, datetime.now(UTC))


def _add(hub: Hub, name: str, role: Role = Role.STUDENT) -> str:
    hub.store.decide(accounts.create, accounts.NewAccount(name, role, HASH), _by())
    return name


def _error(answer: requests.Response) -> str:
    """What the login page says is wrong."""
    found = re.search(r'role="alert">([^<]*)<', answer.text)
    assert found, answer.text
    return found.group(1)


def _logged_in(hub: Hub, name: str) -> Browser:
    browser = hub.browser()
    answer = browser.log_in(name, GOOD)
    assert answer.status_code == 302, text_of(answer)
    return browser


def test_the_right_password_opens(hub: Hub) -> None:
    browser = _logged_in(hub, _add(hub, "opens"))
    assert browser.me()["name"] == "opens"
    assert hub.store.read(accounts.require, "opens").last_login_at


@pytest.mark.parametrize("role", Role)
def test_the_role_becomes_a_group_and_only_admins_hold_their_scopes(hub: Hub, role: Role) -> None:
    me = _logged_in(hub, _add(hub, f"role-{role.value}", role)).me()
    assert me["groups"] == [f"role-{role.value}"]
    assert me["admin"] is False, "the hub's own admin role holds access:servers"
    assert ("admin:users" in me["scopes"]) is (role is Role.ADMIN)
    assert not any("access:servers" in scope for scope in me["scopes"] if "!" not in scope)
    assert ("list:users" in me["scopes"]) is (role is not Role.STUDENT)


def test_every_wrong_login_reads_the_same(hub: Hub) -> None:
    _add(hub, "exists")
    _add(hub, "disabled")
    hub.store.decide(accounts.disable, "disabled", _by())
    tries = [
        ("exists", "wrong"),
        ("exists", ""),
        ("exists", "x" * 10_000),
        ("exists", "nul \0 inside"),
        ("nobody", GOOD),
        ("disabled", GOOD),
        ("../exists", GOOD),
        ("exists\nexists", GOOD),
        ("ex\u0456sts", GOOD),  # a Cyrillic letter
        ("x" * 200, GOOD),
        ("", ""),
    ]
    seen = set()
    for name, password in tries:
        answer = hub.browser().log_in(name, password)
        seen.add((answer.status_code, _error(answer)))
        assert "password_input" in answer.text, "the form is there again"
    assert seen == {(403, WRONG)}


def test_what_somebody_typed_is_shown_as_text(hub: Hub) -> None:
    answer = hub.browser().log_in('"><script>alert(1)</script>', "x")
    assert "<script>alert(1)" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


def test_names_that_look_alike_are_one_or_nobody(hub: Hub) -> None:
    _add(hub, "twin")
    browser = hub.browser()
    assert browser.log_in(" T\uff37IN ", GOOD).status_code == 302  # a full-width W
    assert browser.me()["name"] == "twin"
    assert _error(hub.browser().log_in("tw\u0131n", GOOD)) == WRONG  # a dotless i
    assert [u.name for u in hub.store.read(accounts.everyone) if u.name.startswith("tw")] == [
        "twin"
    ]


@pytest.mark.parametrize("name", ["guessed", "guessed-but-not-there"])
def test_too_many_wrong_passwords_for_a_name_have_to_wait(hub: Hub, name: str) -> None:
    if name == "guessed":
        _add(hub, name)
    for _ in range(PER_NAME):
        assert hub.browser().log_in(name, "wrong").status_code == 403
    answer = hub.browser().log_in(name, GOOD)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert re.fullmatch(r"Too many wrong attempts\. Try again in 1[45] minutes\.", _error(answer))


@pytest.mark.parametrize("forged", ["X-Forwarded-For", "X-Real-Ip"])
def test_a_forged_header_does_not_get_around_the_limit(hub: Hub, forged: str) -> None:
    """The proxy appends the address that it saw; what the browser sent stands before it."""
    _add(hub, f"at-limit-{forged.lower()}")
    browser = hub.browser()
    seen = browser.session.headers["X-Forwarded-For"]
    answers = []
    for i in range(PER_ADDRESS + 1):
        lie = f"203.0.113.{i}"
        if forged == "X-Forwarded-For":
            browser.session.headers[forged] = f"{lie}, {seen}"
        else:
            browser.session.headers[forged] = lie
        answers.append(browser.log_in(f"someone{i}", "wrong").status_code)
        browser.session.cookies.clear()
    assert answers == [403] * PER_ADDRESS + [429]
    assert browser.log_in(f"at-limit-{forged.lower()}", GOOD).status_code == 429
    assert hub.browser().log_in(f"at-limit-{forged.lower()}", GOOD).status_code == 302


def test_a_disabled_account_is_out_at_once(hub: Hub) -> None:
    browser = _logged_in(hub, _add(hub, "out-at-once"))
    hub.api.start_server("out-at-once", "small")
    token = hub.api.create_token("out-at-once", "test", 600)
    headers = {"Authorization": f"token {token}"}
    assert hub.browser().get("/hub/api/user", headers=headers).status_code == 200
    hub.store.decide(accounts.disable, "out-at-once", _by())
    hub.api.remove_user("out-at-once", 20)
    assert browser.me() is None
    assert "/hub/login" in browser.get("/hub/home").headers["Location"]
    assert hub.browser().get("/hub/api/user", headers=headers).status_code == 403
    assert _error(hub.browser().log_in("out-at-once", GOOD)) == WRONG


@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_an_account_that_is_gone_is_out_soon_even_if_the_hub_was_not_told(
    hub: Hub, how: str
) -> None:
    name = _add(hub, f"not-told-{how}")
    browser = _logged_in(hub, name)
    headers = {"Authorization": f"token {hub.api.create_token(name, 'test', 600)}"}
    if how == "disabled":
        hub.store.decide(accounts.disable, name, _by())
    else:
        hub.store.decide(accounts.remove, name, _by(), datetime.now(UTC))
    time.sleep(REFRESHED_S)
    assert browser.me() is None
    assert hub.browser().get("/hub/api/user", headers=headers).status_code == 403


def test_another_role_arrives_at_the_next_refresh(hub: Hub) -> None:
    browser = _logged_in(hub, _add(hub, "climber"))
    for role in (Role.ADMIN, Role.TEACHER):
        hub.store.decide(accounts.set_role, "climber", role, _by())
        time.sleep(REFRESHED_S)
        browser.get("/hub/home")
        me = browser.me()
        assert ("admin:users" in me["scopes"]) is (role is Role.ADMIN)
        assert me["groups"] == [f"role-{role.value}"]
    assert "admin:users" not in me["scopes"]


def test_who_is_only_in_the_hubs_database_gets_nothing(hub: Hub) -> None:
    hub.api.ensure_user("hub-only")
    assert _error(hub.browser().log_in("hub-only", GOOD)) == WRONG
    with pytest.raises(Exception, match="hub-only"):
        hub.api._call("POST", "/users/hub-only/server", {})
    assert hub.api.server("hub-only") is None


@pytest.mark.parametrize("name", ["../x", "A", "x y", "\u0456", "x" * 65])
def test_the_hub_takes_no_user_that_could_have_no_account(hub: Hub, name: str) -> None:
    with pytest.raises(Exception, match=r"Invalid|Failed to create|answer|says"):
        hub.api.ensure_user(name)


def _token(hub: Hub, auth: object) -> requests.Response:
    browser = hub.browser()
    url = f"{hub.url}/hub/api/users/scripted/tokens"
    return browser.session.post(url, json={"auth": auth}, timeout=30)


def test_the_token_api_checks_passwords_in_the_same_way(hub: Hub) -> None:
    _logged_in(hub, _add(hub, "scripted"))
    assert _token(hub, {"username": "scripted", "password": GOOD}).status_code == 201
    for auth in (
        None,
        "scripted",
        [],
        {},
        {"username": "scripted"},
        {"username": ["scripted"], "password": GOOD},
        {"username": "scripted", "password": None},
        {"username": "scripted", "password": "wrong"},
    ):
        assert _token(hub, auth).status_code == 403
    for _ in range(PER_NAME):
        _token(hub, {"username": "scripted", "password": "wrong"})
    assert _token(hub, {"username": "scripted", "password": GOOD}).status_code == 403


def test_a_login_form_without_its_token_is_refused(hub: Hub) -> None:
    _add(hub, "crossed")
    browser = hub.browser()
    fields = {"username": "crossed", "password": GOOD}
    answer = browser.session.post(f"{hub.url}/hub/login", data=fields, timeout=30)
    assert answer.status_code == 403
    assert browser.me() is None


def test_a_login_form_of_another_site_is_refused_though_it_had_the_token(hub: Hub) -> None:
    _add(hub, "lured")
    browser = hub.browser()
    for site in ("cross-site", "same-site"):
        browser.session.headers["Sec-Fetch-Site"] = site
        answer = browser.log_in("lured", GOOD)
        assert answer.status_code == 403 and "came from another site" in _error(answer)
        assert browser.me() is None
    browser.session.headers["Sec-Fetch-Site"] = "same-origin"
    assert browser.log_in("lured", GOOD).status_code == 302


def test_after_login_people_arrive_where_they_wanted_to(hub: Hub) -> None:
    _add(hub, "next")
    assert _arrives(hub, "next", "/hub/token") == "/hub/token"
    assert _arrives(hub, "next", f"{hub.url}/hub/token?a=b") == "/hub/token?a=b"


def test_after_login_nobody_is_sent_elsewhere(hub: Hub) -> None:
    _add(hub, "lured-on")
    for wanted in ELSEWHERE:
        assert stays(f"{hub.url}/hub/login", _arrives(hub, "lured-on", wanted)), wanted


def _arrives(hub: Hub, name: str, wanted: str) -> str:
    browser = hub.browser()
    page = browser.get("/hub/login", params={"next": wanted})
    token = re.search(r'name="_xsrf" value="([^"]*)"', page.text).group(1)
    answer = browser.session.post(
        f"{hub.url}/hub/login",
        params={"next": wanted},
        data={"_xsrf": token, "username": name, "password": GOOD},
        allow_redirects=False,
        timeout=30,
    )
    assert answer.status_code == 302
    return answer.headers["Location"]


def test_no_password_is_ever_in_the_log(hub: Hub) -> None:
    _logged_in(hub, _add(hub, "logged"))
    hub.browser().log_in("logged", "a-wrong-SECRET-password")
    assert GOOD not in hub.log
    assert "SECRET" not in hub.log
    assert "$argon2" not in hub.log


@pytest.mark.parametrize(
    "body",
    [
        "",
        "username=bytes",
        "password=SECRET",
        "username=%FF&password=SECRET%FF",
        "username=bytes&password=SECRET%FF",
        "username=bytes%00&password=%00",
        "username=bytes&username=other&password=SECRET&password=more",
    ],
)
def test_forms_that_no_browser_sends_read_like_a_wrong_password(hub: Hub, body: str) -> None:
    answer = hub.browser().post_raw("/hub/login", body)
    assert (answer.status_code, _error(answer)) == (403, WRONG)
    assert "SECRET" not in answer.text
    assert "SECRET" not in hub.log
    assert "Uncaught exception" not in hub.log
