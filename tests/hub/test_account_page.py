"""One's own account, through a real JupyterHub: name, password, and which logins end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests
import sqlalchemy as sa

from hub import accounts, passwords, resets
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.enums import Role
from hub.handlers.account_page import change_password
from hub.models import audit
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.real_hub.cheap import CHEAP
from tests.hub.real_hub.running import Browser, Hub, text_of

OLD, NEW = "four plain words here", "quite another good one"
HASH = CHEAP.hash(OLD)
PER_NAME = 5  # as in the fixture `hub`


def _by() -> By:
    return By(COMMAND_LINE, datetime.now(UTC))


def _logged_in(hub: Hub, name: str, full_name: str = "") -> Browser:
    new = NewAccount(name, Role.STUDENT, HASH, full_name)
    hub.store.decide(accounts.create, new, _by())
    browser = hub.browser()
    assert browser.log_in(name, OLD).status_code == 302
    return browser


def _change(browser: Browser, old: str = OLD, new: str = NEW, **more: str) -> requests.Response:
    fields = {"change": "password", "old": old, "password": new, "password2": new, **more}
    return browser.post("/hub/account", **fields)


def _opens(hub: Hub, name: str, password: str) -> bool:
    return passwords.verify(hub.store.read(accounts.require, name).password_hash, password)


def test_nobody_sees_it_without_a_login(hub: Hub) -> None:
    browser = hub.browser()
    answer = browser.get("/hub/account")
    assert answer.status_code == 302 and "/hub/login" in answer.headers["Location"]
    browser.get("/hub/login")
    assert _change(browser).status_code == 403


def test_it_shows_who_one_is(hub: Hub) -> None:
    page = _logged_in(hub, "shown", "<script>alert(1)</script> & co").get("/hub/account")
    assert page.headers["Cache-Control"] == "no-store"
    assert "shown" in text_of(page) and "student" in text_of(page)
    assert "<script>alert(1)" not in page.text and "&lt;script&gt;alert(1)" in page.text
    assert "is changed" not in text_of(page)


def test_a_new_password_takes_the_place_of_the_old_one(hub: Hub) -> None:
    browser = _logged_in(hub, "changes")
    answer = _change(browser)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/hub/account?done=password")
    assert "Your password is changed" in text_of(browser.get("/hub/account?done=password"))
    assert hub.browser().log_in("changes", OLD).status_code == 403
    assert hub.browser().log_in("changes", NEW).status_code == 302
    # The form that is there now works as well.
    assert _change(browser, NEW, OLD).status_code == 303
    with hub.store.reading() as tx:
        rows = tx.execute(sa.select(audit).where(audit.c.whom == "changes")).all()
    assert [(row.who, row.what) for row in rows][1:] == [("changes", "account.password_set")] * 2
    assert OLD not in hub.log and NEW not in hub.log


def test_other_logins_end_and_this_one_goes_on(hub: Hub) -> None:
    here = _logged_in(hub, "elsewhere")
    there = hub.browser()
    there.log_in("elsewhere", OLD)
    services = hub.service_token(here), hub.service_token(there)
    hub.api.start_server("elsewhere", "small")
    programs = [
        hub.api.create_token("elsewhere", note, 600)
        for note in ("a program", "Server at /user/elsewhere/")
    ]
    assert all(hub.knows(token) for token in (*services, *programs)) and there.me()

    assert _change(here).status_code == 303

    assert there.me() is None
    assert "/hub/login" in there.get("/hub/account").headers["Location"]
    assert here.me()["name"] == "elsewhere"
    assert [hub.knows(token) for token in services] == [True, False]
    assert not any(hub.knows(token) for token in programs), "also one that says it is the session's"
    assert hub.tokens_of("elsewhere") == ["Server at /user/elsewhere/"]
    assert hub.api.server("elsewhere")["ready"]
    assert hub.service_token(here)


def test_a_code_that_no_service_has_fetched_yet_ends_too(hub: Hub) -> None:
    here = _logged_in(hub, "halfway")
    there = hub.browser()
    there.log_in("halfway", OLD)
    codes = hub.service_code(here), hub.service_code(there)
    assert _change(here).status_code == 303
    assert hub.fetch_token(codes[0])
    with pytest.raises(KeyError):
        hub.fetch_token(codes[1])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"old": "not the old one"}, "This is not your password."),
        ({"old": ""}, "This is not your password."),
        ({"new": "short"}, "too short"),
        ({"new": "mended-name"}, "easy to guess"),
        ({"password2": "something else"}, "The two passwords differ."),
        ({"new": "y" * 5000}, "too long"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(hub: Hub, wrong: dict, says: str) -> None:
    name = "mended-name"
    if hub.store.read(accounts.find, name) is None:
        _logged_in(hub, name)
    hub.store.decide(lambda tx: tx.execute(sa.text("DELETE FROM login_attempts")))
    browser = hub.browser()
    browser.log_in(name, OLD)
    answer = _change(browser, **wrong)
    assert answer.status_code == 400 and says in text_of(answer)
    assert 'role="alert"' in answer.text
    assert OLD not in answer.text and NEW not in answer.text
    assert _opens(hub, name, OLD)
    assert browser.me()


def test_wrong_old_passwords_are_counted_like_logins(hub: Hub) -> None:
    browser = _logged_in(hub, "counted")
    for _ in range(PER_NAME):
        assert "not your password" in text_of(_change(browser, "wrong"))
    answer = _change(browser)
    assert answer.status_code == 400 and "Too many wrong attempts" in text_of(answer)
    assert _opens(hub, "counted", OLD)
    assert hub.browser().log_in("counted", OLD).status_code == 429
    assert "Uncaught exception" not in hub.log


def test_a_new_password_ends_reset_links(hub: Hub) -> None:
    browser = _logged_in(hub, "relinked")
    token = hub.store.decide(resets.create, "relinked", timedelta(hours=1), _by())
    _change(browser)
    with pytest.raises(CarrelError, match="the password was changed"):
        hub.store.read(resets.find_usable, token, datetime.now(UTC))


def test_what_one_is_called(hub: Hub) -> None:
    browser = _logged_in(hub, "called")
    answer = browser.post("/hub/account", change="full_name", full_name="  Zoë  <b>K</b> ")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/hub/account?done=full_name")
    page = browser.get("/hub/account?done=full_name")
    assert "Your name is saved" in text_of(page)
    assert 'value="Zoë &lt;b&gt;K&lt;/b&gt;"' in page.content.decode()
    for bad in ("turned\u202eround", "x" * 101, "bell\x07"):
        answer = browser.post("/hub/account", change="full_name", full_name=bad)
        if answer.status_code == 303:  # the hub makes a space of a control character
            assert bad == "bell\x07"
            assert hub.store.read(accounts.require, "called").full_name == "bell"
            continue
        assert answer.status_code == 400 and 'id="full_name-problem"' in answer.text
    browser.post("/hub/account", change="full_name", full_name="")
    assert hub.store.read(accounts.require, "called").called == "called"


@pytest.mark.parametrize("done", ["nonsense", "<script>", "password&done=x"])
def test_an_address_makes_the_page_say_nothing_of_its_own(hub: Hub, done: str) -> None:
    name = f"done{abs(hash(done)) % 10**6}"
    page = _logged_in(hub, name).get("/hub/account", params={"done": done})
    assert page.status_code == 200 and "<script>" not in text_of(page)
    assert "is changed" not in text_of(page) and "is saved" not in text_of(page)


def test_a_form_that_changes_nothing_known_is_refused(hub: Hub) -> None:
    browser = _logged_in(hub, "unknown-change")
    for change in ("", "role"):
        answer = browser.post("/hub/account", change=change, role="admin", name="root")
        assert answer.status_code == 400 and "Traceback" not in answer.text
    assert hub.store.read(accounts.require, "unknown-change").role is Role.STUDENT


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_another_sites_form_is_refused_though_it_had_the_token(hub: Hub, site: str) -> None:
    """Same-site is what a session's host is to the hub where every session has its own."""
    browser = _logged_in(hub, f"forged-{site}")
    page = browser.get("/hub/account")  # the token is that of a page of ours
    assert page.status_code == 200
    browser.session.headers["Sec-Fetch-Site"] = site
    answer = _change(browser)
    assert answer.status_code == 403 and "came from another site" in answer.text
    assert _opens(hub, f"forged-{site}", OLD)
    browser.session.headers["Sec-Fetch-Site"] = "same-origin"
    browser.session.headers["Sec-Fetch-Mode"] = "navigate"
    assert _change(browser).status_code == 303


def test_a_form_without_its_xsrf_token_is_refused(hub: Hub) -> None:
    browser = _logged_in(hub, "tokenless")
    fields = {"change": "full_name", "full_name": "Forged"}
    for more in ({}, {"_xsrf": ""}, {"_xsrf": "x" * 40}):
        answer = browser.session.post(f"{hub.url}/hub/account", data=fields | more, timeout=30)
        assert answer.status_code == 403
    assert hub.store.read(accounts.require, "tokenless").full_name == ""


def test_a_sessions_own_token_changes_nothing(hub: Hub) -> None:
    """Code in a session holds it; the page is for browsers."""
    _logged_in(hub, "scripted-change")
    token = hub.api.create_token("scripted-change", "all that I may", 600)
    answer = requests.post(
        f"{hub.url}/hub/account",
        data={"change": "full_name", "full_name": "By script"},
        headers={"Authorization": f"token {token}"},
        allow_redirects=False,
        timeout=30,
        proxies={"http": ""},
    )
    assert answer.status_code == 403
    assert hub.store.read(accounts.require, "scripted-change").full_name == ""


def test_bytes_that_are_no_text_are_neither_taken_nor_repeated(hub: Hub) -> None:
    browser = _logged_in(hub, "no-text")
    body = "change=password&old=SECRET%FF&password=SECRET-SECRET%FF&password2=SECRET-SECRET%FF"
    answer = browser.post_raw("/hub/account", body)
    assert answer.status_code == 400 and "cannot be typed" in text_of(answer)
    assert "SECRET" not in answer.text + hub.log
    answer = browser.post_raw("/hub/account", "change=full_name&full_name=Z%FF")
    assert answer.status_code == 400 and "cannot be shown" in text_of(answer)


def test_a_password_changed_meanwhile_is_not_overwritten(store: Store, by: By) -> None:
    checked = store.decide(accounts.create, NewAccount("mia", Role.STUDENT, "old"), by)
    store.decide(accounts.set_password, "mia", "chosen by an admin", by)
    with pytest.raises(CarrelError) as caught:
        store.decide(change_password, checked, "new", by)
    assert caught.value.code is Code.CONFLICT
    now = store.read(accounts.require, "mia")
    assert now.password_hash == "chosen by an admin"
    store.decide(accounts.disable, "mia", by)
    with pytest.raises(CarrelError) as caught:
        store.decide(change_password, replace(now), "new", by)
    assert caught.value.code is Code.REFUSED
