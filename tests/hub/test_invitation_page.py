"""The page behind a setup link, through a real JupyterHub."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub import accounts, setup_links
from hub.audit import COMMAND_LINE, By
from hub.enums import Role
from hub.models import audit
from hub.setup_page import Form, problems
from tests.hub.real_hub.running import Hub, text_of

GOOD = "four plain words here"


def _link(hub: Hub, role: Role = Role.ADMIN, hours: int = 24) -> str:
    by = By(COMMAND_LINE, datetime.now(UTC))
    return hub.store.decide(setup_links.create, role, timedelta(hours=hours), by)


def _fields(code: str, name: str, **others: str) -> dict[str, str]:
    return {"code": code, "username": name, "password": GOOD, "password2": GOOD, **others}


def _exists(hub: Hub, name: str) -> bool:
    return hub.store.read(accounts.find, name) is not None


def test_a_setup_link_makes_an_admin_and_logs_them_in(hub: Hub) -> None:
    browser, token = hub.browser("198.18.0.1"), _link(hub)
    answer = browser.post("/hub/setup", **_fields(token, "Ada"))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/hub/home")
    me = browser.me()
    assert (me["name"], me["groups"]) == ("ada", ["role-admin"])
    assert browser.get("/hub/home").status_code == 200
    account = hub.store.read(accounts.require, "ada")
    assert account.role is Role.ADMIN
    assert account.last_login_at
    with hub.store.reading() as tx:
        rows = tx.execute(sa.select(audit).where(audit.c.whom == "ada").order_by(audit.c.id)).all()
    assert [(row.who, row.what, row.address) for row in rows] == [
        ("(setup link)", "setup_link.used", "198.18.0.1"),
        ("(setup link)", "account.created", "198.18.0.1"),
    ]
    assert hub.browser().log_in("ada", GOOD).status_code == 302


def test_the_second_use_is_refused_and_says_what_to_do(hub: Hub) -> None:
    token = _link(hub)
    hub.browser().post("/hub/setup", **_fields(token, "first"))
    browser = hub.browser()
    answer = browser.post("/hub/setup", **_fields(token, "second"))
    assert answer.status_code == 403
    assert "used" in text_of(answer)
    assert "./carrel admin-link" in text_of(answer)
    assert not _exists(hub, "second")
    assert browser.me() is None


@pytest.mark.parametrize("code", ["never-made", "x" * 100_000, "<script>alert(1)</script>"])
def test_a_link_that_was_never_made_reads_like_a_used_one(hub: Hub, code: str) -> None:
    used = _link(hub)
    hub.browser().post("/hub/setup", **_fields(used, f"used{abs(hash(code)) % 10**9}"))
    answer = hub.browser().post("/hub/setup", **_fields(code, "ghost"))
    again = hub.browser().post("/hub/setup", **_fields(used, "ghost"))
    assert answer.status_code == again.status_code == 403
    assert text_of(answer) == text_of(again)
    assert not _exists(hub, "ghost")


def test_an_expired_link_is_refused(hub: Hub) -> None:
    answer = hub.browser().post("/hub/setup", **_fields(_link(hub, hours=-1), "late"))
    assert answer.status_code == 403
    assert not _exists(hub, "late")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"password": "short", "password2": "short"}, "too short"),
        ({"password": "", "password2": ""}, "empty"),
        ({"password": "y" * 5000 + "z", "password2": "y" * 5000 + "z"}, "too long"),
        ({"password2": "something else"}, "differ"),
        ({"username": ""}, "user name cannot be used"),
        ({"username": "<b>bold</b>"}, "user name cannot be used"),
        ({"username": "../root"}, "user name cannot be used"),
        ({"username": "\u0430da"}, "user name cannot be used"),
        ({"username": "x" * 200}, "user name cannot be used"),
        ({"username": " TAKEN "}, "taken is taken"),
    ],
)
def test_an_error_in_the_form_uses_nothing_up(hub: Hub, wrong: dict, says: str) -> None:
    if not _exists(hub, "taken"):
        hub.browser().post("/hub/setup", **_fields(_link(hub), "taken"))
    token, browser = _link(hub), hub.browser()
    name = f"n{token[:8].lower().replace('_', '-')}"
    answer = browser.post("/hub/setup", **_fields(token, name, **({} | wrong)))
    assert answer.status_code == 400
    assert says in text_of(answer)
    assert browser.me() is None
    assert GOOD not in answer.text, "passwords are never sent back"
    assert f'value="{token}"' in answer.text, "the code need not be pasted again"
    assert "<b>bold" not in answer.text
    assert browser.post("/hub/setup", **_fields(token, name)).status_code == 302


def test_a_link_used_by_two_at_the_same_moment_makes_one_account(hub: Hub) -> None:
    token = _link(hub)
    names = [f"racer{i}" for i in range(4)]
    browsers = [hub.browser() for _ in names]
    for browser in browsers:
        browser.get("/hub/setup")
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda p: p[0].post("/hub/setup", **_fields(token, p[1])),
                zip(browsers, names, strict=True),
            )
        )
    assert sorted(answer.status_code for answer in answers) == [302, 403, 403, 403]
    assert sum(_exists(hub, name) for name in names) == 1


def test_the_token_is_in_no_log_and_no_address(hub: Hub) -> None:
    token = _link(hub)
    browser = hub.browser()
    browser.post("/hub/setup", **_fields(token, "unlogged", password2="differs"))
    answer = browser.post("/hub/setup", **_fields(token, "unlogged"))
    assert token not in str(answer.headers)
    assert token not in hub.log
    assert GOOD not in hub.log


def test_a_token_in_the_address_is_not_taken(hub: Hub) -> None:
    """It would be in every log on the way."""
    token = _link(hub)
    fields = _fields(token, "in-url")
    browser = hub.browser()
    page = browser.get("/hub/setup")
    xsrf = re.search(r'name="_xsrf" value="([^"]*)"', page.text).group(1)
    answer = browser.session.post(
        f"{hub.url}/hub/setup", params=fields, data={"_xsrf": xsrf}, timeout=30
    )
    assert answer.status_code == 400
    assert not _exists(hub, "in-url")


def test_a_form_without_its_xsrf_token_is_refused(hub: Hub) -> None:
    token = _link(hub)
    browser = hub.browser()
    answer = browser.session.post(
        f"{hub.url}/hub/setup", data=_fields(token, "crossed"), timeout=30
    )
    assert answer.status_code == 403
    assert "Open the setup link again" in answer.text
    assert not _exists(hub, "crossed")
    assert browser.post("/hub/setup", **_fields(token, "crossed")).status_code == 302


def test_bytes_that_are_no_text_are_neither_taken_nor_repeated(hub: Hub) -> None:
    body = f"code={_link(hub)}&username=bytes&password=SECRET-SECRET%FF&password2=SECRET-SECRET%FF"
    answer = hub.browser().post_raw("/hub/setup", body)
    assert answer.status_code == 400
    assert "cannot be typed" in text_of(answer)
    assert "SECRET" not in answer.text + hub.log
    assert not _exists(hub, "bytes")


@pytest.mark.parametrize(
    ("wanted", "arrives"), [("/hub/token", "/hub/token"), ("//evil.example", "/hub/home")]
)
def test_next_leads_nowhere_else(hub: Hub, wanted: str, arrives: str) -> None:
    name = f"next{len(arrives)}{len(wanted)}"
    answer = hub.browser().post("/hub/setup", **_fields(_link(hub), name, next=wanted))
    assert answer.headers["Location"] == arrives


def test_whoever_is_logged_in_becomes_the_new_account(hub: Hub) -> None:
    browser = hub.browser()
    browser.post("/hub/setup", **_fields(_link(hub), "before"))
    browser.post("/hub/setup", **_fields(_link(hub, Role.STUDENT), "after"))
    me = browser.me()
    assert (me["name"], me["groups"]) == ("after", ["role-student"])


def test_the_page_can_be_used_by_all(hub: Hub) -> None:
    """Every field has a label; errors are tied to their fields and announced."""
    page = hub.browser().get("/hub/setup")
    assert page.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    for field in ("code", "username", "password", "password2"):
        assert f'<label for="{field}">' in page.text
    assert 'autocomplete="new-password"' in page.text
    bad = hub.browser().post("/hub/setup", **_fields(_link(hub), "a b", password2=""))
    assert 'role="alert"' in bad.text
    for field in ("username", "password2"):
        assert f'id="{field}-problem"' in bad.text
        assert re.search(
            rf'aria-invalid="true"\s+aria-describedby="[^"]*{field}-problem"', bad.text
        )


def test_the_script_is_a_file_of_its_own(hub: Hub) -> None:
    script = hub.browser().get("/hub/setup.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "replaceState" in script.text
    assert 'src="/hub/setup.js"' in hub.browser().get("/hub/setup").text


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert set(problems(Form("", "a b", "x", "y"), 10)) == {
        "code",
        "username",
        "password",
        "password2",
    }
    assert problems(Form("c", "ada", GOOD, GOOD), 10) == {}
    assert GOOD not in repr(Form("c", "ada", GOOD, GOOD))
