"""The page behind an invitation, through a real JupyterHub."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests
import sqlalchemy as sa

from hub import accounts, courses, invitations
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.courses import Wish
from hub.enums import Role
from hub.handlers.form import NewPassword
from hub.handlers.invitation_page import Sent, problems
from hub.invitations import Invitation
from hub.models import audit
from hub.powers import Actor
from tests.hub.real_hub.elsewhere import ELSEWHERE, stays
from tests.hub.real_hub.running import Browser, Hub, text_of

GOOD = "four plain words here"
PAGE = "/hub/invitation"


def _by(who: str = COMMAND_LINE) -> By:
    return By(who, datetime.now(UTC))


def _link(hub: Hub, role: Role = Role.STUDENT, hours: int = 24, **more: object) -> str:
    wanted = Invitation(role, timedelta(hours=hours), **more)
    return hub.store.decide(invitations.create, wanted, _by())[1]


def _of(hub: Hub, maker: str, role: Role = Role.TEACHER) -> str:
    """An invitation that a person made."""
    hub.store.decide(accounts.create, NewAccount(maker, role, "hash"), _by())
    wanted = Invitation(Role.STUDENT, timedelta(hours=1))
    return hub.store.decide(invitations.invite, Actor(maker, role), wanted, _by(maker))[1]


def _number(hub: Hub, token: str) -> int:
    return hub.store.read(invitations.find_usable, token, datetime.now(UTC)).id


def _fields(code: str, name: str, **others: str) -> dict[str, str]:
    return {"code": code, "username": name, "password": GOOD, "password2": GOOD, **others}


def _send(browser: Browser, code: str, name: str, **others: str) -> requests.Response:
    return browser.post(PAGE, **_fields(code, name, **others))


def _exists(hub: Hub, name: str) -> bool:
    return hub.store.read(accounts.find, name) is not None


@pytest.mark.parametrize("role", Role)
def test_an_invitation_makes_an_account_and_logs_it_in(hub: Hub, role: Role) -> None:
    address = f"198.18.0.{list(Role).index(role) + 1}"
    browser, name = hub.browser(address), f"new-{role.value}"
    answer = _send(browser, _link(hub, role), name.upper(), full_name=" Mia  M ", role="admin")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/hub/home")
    me = browser.me()
    assert (me["name"], me["groups"]) == (name, [f"role-{role.value}"])
    assert browser.get("/hub/home").status_code == 200
    account = hub.store.read(accounts.require, name)
    assert (account.role, account.full_name, account.invited_by) == (role, "Mia M", COMMAND_LINE)
    assert account.last_login_at
    with hub.store.reading() as tx:
        rows = tx.execute(sa.select(audit).where(audit.c.whom == name).order_by(audit.c.id)).all()
    assert [(row.who, row.what, row.address) for row in rows] == [
        ("(invited)", "account.created", address),
        ("(invited)", "invitation.used", address),
    ]
    assert hub.browser().log_in(name, GOOD).status_code == 302


def test_each_state_says_so(hub: Hub) -> None:
    used, few = _link(hub), _link(hub, most_uses=2)
    for number, token in enumerate((used, few, few)):
        assert _send(hub.browser(), token, f"state{number}").status_code == 302
    withdrawn, late = _link(hub), _link(hub, hours=-1)
    hub.store.decide(
        invitations.withdraw, Actor(COMMAND_LINE, Role.ADMIN), _number(hub, withdrawn), _by()
    )
    orphan = _of(hub, "state-maker")
    hub.store.decide(accounts.disable, "state-maker", _by())
    never = "This invitation has expired or was never made."
    for token, says in (
        (used, "This invitation has been used."),
        (few, "This invitation has been used as often as it may be."),
        (withdrawn, "This invitation was withdrawn."),
        (late, never),
        (orphan, "Whoever sent this invitation may not invite people any more."),
        ("never-made", never),
        ("x" * 100_000, never),
        ("<script>alert(1)</script>", never),
    ):
        browser = hub.browser()
        answer = _send(browser, token, "ghost")
        assert answer.status_code == 403 and says in text_of(answer)
        assert "<script>alert" not in answer.text
        assert browser.me() is None
        looked = browser.post(PAGE, code=token, look="1")
        assert (looked.status_code, looked.json()["message"]) == (403, says)
        assert looked.json()["hint"] in text_of(answer)
    assert not _exists(hub, "ghost")
    assert "./carrel admin-link" in text_of(_send(hub.browser(), used, "ghost"))
    assert "Ask whoever invited you" in text_of(_send(hub.browser(), orphan, "ghost"))


def test_looking_says_what_it_is_for_and_uses_nothing_up(hub: Hub) -> None:
    token = _link(hub, Role.TEACHER, name="proposed", full_name="<b>P</b>")
    browser = hub.browser()
    for _ in range(3):
        answer = browser.post(PAGE, code=token, look="1", username="typed", password=GOOD)
        assert answer.json() == {
            "fields": {"username": "proposed", "full_name": "<b>P</b>"},
            "texts": {"role": "teacher", "course": "", "teachers": "", "join": ""},
        }
        assert answer.headers["Content-Type"].startswith("application/json")
    assert not _exists(hub, "proposed") and not _exists(hub, "typed")
    assert _send(browser, token, "other-than-proposed").status_code == 302


def test_an_invitation_into_a_course_says_so_and_whoever_is_logged_in_joins(hub: Hub) -> None:
    maker = Actor("maker", Role.TEACHER)
    new = NewAccount("maker", Role.TEACHER, "hash", full_name="Mona <b>Maker")
    hub.store.decide(accounts.create, new, _by())
    hub.store.decide(courses.make, maker, "joined-26", Wish("Data <b>"), _by("maker"))
    wish = Invitation(Role.STUDENT, timedelta(hours=1), 2, course="joined-26")
    token = hub.store.decide(invitations.invite, maker, wish, _by("maker"))[1]
    browser = hub.browser()
    looked = browser.post(PAGE, code=token, look="1").json()
    assert looked["texts"] == {
        "role": "", "course": "Data <b>", "teachers": "Mona <b>Maker", "join": "Data <b>",
    }  # fmt: skip
    assert "already?" in browser.get(PAGE).text
    # Not logged in: nothing is joined, and nothing made.
    assert browser.post(PAGE, code=token, join="1").status_code == 403
    wrong = _send(browser, token, "with a space!").text
    assert "Data &lt;b&gt;" in wrong and "Mona &lt;b&gt;Maker" in wrong
    assert _send(browser, _link(hub), "has-one").status_code == 302
    page = browser.get(PAGE).text
    assert "Join as has-one:" in page and "already?" not in page
    for _ in range(2):
        answer = browser.post(PAGE, code=token, join="1")
        assert answer.headers["Location"] == "/services/carrel/c/joined-26"
    assert hub.store.read(courses.seat_of, "joined-26", "has-one")
    assert hub.store.read(invitations.find_usable, token, datetime.now(UTC)).uses == 1
    assert browser.post(PAGE, code=_link(hub), join="1").status_code == 404
    assert browser.post(PAGE, code="x" * 43, join="1").status_code == 403


def test_whoever_was_logged_in_here_is_no_longer(hub: Hub) -> None:
    """To services too, which know this browser by a token of their own."""
    browser = hub.browser()
    _send(browser, _link(hub), "before")
    old = hub.service_token(browser)
    _send(browser, _link(hub, Role.TEACHER), "after")
    me = browser.me()
    assert (me["name"], me["groups"]) == ("after", ["role-teacher"])
    assert not hub.knows(old)
    assert hub.browser().log_in("before", GOOD).status_code == 302


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
        ({"username": "\uff54aken"}, "taken is taken"),
        ({"username": "departed"}, "departed is taken"),
        ({"full_name": "turned\u202eround"}, "cannot be shown"),
        ({"full_name": "x" * 101}, "too long"),
    ],
)
def test_an_error_in_the_form_uses_nothing_up(hub: Hub, wrong: dict, says: str) -> None:
    if not _exists(hub, "taken"):
        for name in ("taken", "departed"):
            hub.store.decide(accounts.create, NewAccount(name, Role.STUDENT, "hash"), _by())
        until = datetime.now(UTC) + timedelta(days=30)
        hub.store.decide(accounts.remove, "departed", _by(), until)
    token, browser = _link(hub), hub.browser()
    name = f"n{token[:8].lower().replace('_', '-')}"
    answer = browser.post(PAGE, **(_fields(token, name, full_name="Mia") | wrong))
    assert answer.status_code == 400
    assert says in text_of(answer)
    assert browser.me() is None
    assert GOOD not in answer.text, "passwords are never sent back"
    assert f'value="{token}"' in answer.text, "the code need not be pasted again"
    assert "<b>bold" not in answer.text
    assert _send(browser, token, name).status_code == 302


def test_markup_in_a_name_is_text_wherever_it_is_shown(hub: Hub) -> None:
    browser, evil = hub.browser(), "<script>alert(1)</script>"
    bad = _send(browser, _link(hub), "markup", full_name=evil, password2="differs")
    assert evil not in bad.text and "&lt;script&gt;alert(1)" in bad.text
    assert _send(browser, _link(hub), "markup", full_name=evil).status_code == 302
    for page in ("/hub/account", "/hub/home", "/hub/spawn"):
        assert evil not in browser.get(page).text


@pytest.mark.parametrize("uses", [1, 2])
def test_used_by_many_at_the_same_moment_it_makes_as_many_accounts_as_uses(
    hub: Hub, uses: int
) -> None:
    token = _link(hub, most_uses=uses)
    names = [f"racer{uses}-{i}" for i in range(4)]
    browsers = [hub.browser() for _ in names]
    for browser in browsers:
        browser.get(PAGE)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda b, n: _send(b, token, n), browsers, names))
    assert sorted(answer.status_code for answer in answers) == [302] * uses + [403] * (4 - uses)
    assert sum(_exists(hub, name) for name in names) == uses


def test_one_name_wanted_by_many_at_the_same_moment_is_given_once(hub: Hub) -> None:
    token = _link(hub, most_uses=4)
    browsers = [hub.browser() for _ in range(4)]
    for browser in browsers:
        browser.get(PAGE)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda b: _send(b, token, "wanted"), browsers))
    assert sorted(answer.status_code for answer in answers) == [302, 400, 400, 400]
    assert hub.store.read(invitations.find_usable, token, datetime.now(UTC)).uses == 1


def test_the_code_is_in_no_log_and_no_address(hub: Hub) -> None:
    token = _link(hub)
    browser = hub.browser()
    browser.post(PAGE, code=token, look="1")
    _send(browser, token, "unlogged", password2="differs")
    _send(browser, token, "taken-by-now" * 9)
    answer = _send(browser, token, "unlogged")
    assert token not in str(answer.headers)
    assert token not in hub.log
    assert GOOD not in hub.log


def test_a_code_in_the_address_is_not_taken(hub: Hub) -> None:
    """It would be in every log on the way."""
    fields = _fields(_link(hub), "in-url")
    browser = hub.browser()
    page = browser.get(PAGE)
    xsrf = re.search(r'name="_xsrf" value="([^"]*)"', page.text).group(1)
    answer = browser.session.post(
        f"{hub.url}{PAGE}", params=fields, data={"_xsrf": xsrf}, timeout=30
    )
    assert answer.status_code == 400
    assert not _exists(hub, "in-url")


@pytest.mark.parametrize("look", ["", "1"])
def test_forms_of_others_are_refused(hub: Hub, look: str) -> None:
    """Without the page's token; and with it, when the browser says where it comes from."""
    token, name = _link(hub, name="secret-name"), f"crossed{look}"
    browser = hub.browser()
    fields = _fields(token, name, look=look)
    answer = browser.session.post(f"{hub.url}{PAGE}", data=fields, timeout=30)
    assert answer.status_code == 403
    assert "Open the invitation again" in answer.text
    for site in ("cross-site", "same-site", "nonsense"):
        browser.get(PAGE)
        browser.session.headers["Sec-Fetch-Site"] = site
        answer = browser.post(PAGE, **fields)
        assert answer.status_code == 403 and "came from another site" in answer.text
        assert "secret-name" not in answer.text
        # A link in an e-mail leads here from another site: the page itself opens.
        assert browser.get(PAGE).status_code == 200
        del browser.session.headers["Sec-Fetch-Site"]
    assert not _exists(hub, name)
    browser.session.headers.update({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"})
    assert _send(browser, token, name).status_code == 302


def test_bytes_that_are_no_text_are_neither_taken_nor_repeated(hub: Hub) -> None:
    body = f"code={_link(hub)}&username=bytes&password=SECRET-SECRET%FF&password2=SECRET-SECRET%FF"
    answer = hub.browser().post_raw(PAGE, body)
    assert answer.status_code == 400
    assert "cannot be typed" in text_of(answer)
    assert "SECRET" not in answer.text + hub.log
    assert not _exists(hub, "bytes")


def test_next_leads_on_within_the_site(hub: Hub) -> None:
    answer = _send(hub.browser(), _link(hub), "next-within", next="/hub/token")
    assert answer.headers["Location"] == "/hub/token"


def test_next_never_leaves_the_site(hub: Hub) -> None:
    token = _link(hub, most_uses=len(ELSEWHERE))
    for number, wanted in enumerate(ELSEWHERE):
        browser = hub.browser()
        page = browser.get(PAGE, params={"next": wanted})
        assert page.status_code == 200 and "<script>" not in text_of(page)
        answer = _send(browser, token, f"next-{number}", next=wanted)
        assert answer.status_code == 302, wanted
        assert stays(f"{hub.url}{PAGE}", answer.headers["Location"]), wanted


def test_the_page_can_be_used_by_all(hub: Hub) -> None:
    """Every field has a label; errors are tied to their fields and announced."""
    page = hub.browser().get(PAGE)
    assert page.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    for field in ("code", "username", "full_name", "password", "password2"):
        assert f'<label for="{field}">' in page.text
    assert 'autocomplete="new-password"' in page.text
    bad = _send(hub.browser(), _link(hub), "a b", password2="")
    assert 'role="alert"' in bad.text
    for field in ("username", "password2"):
        assert f'id="{field}-problem"' in bad.text
        assert re.search(
            rf'aria-invalid="true"\s+aria-describedby="[^"]*{field}-problem"', bad.text
        )


def test_the_script_is_a_file_of_its_own(hub: Hub) -> None:
    script = hub.browser().get("/hub/link.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "replaceState" in script.text
    for page in (PAGE, "/hub/reset"):
        assert 'src="/hub/link.js"' in hub.browser().get(page).text


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = Sent("", "a b", "\u202e", NewPassword("x", "y"))
    assert set(problems(wrong, 10)) == {"code", "username", "full_name", "password", "password2"}
    right = Sent("c", "ada", "Ada", NewPassword(GOOD, GOOD))
    assert problems(right, 10) == {}
    assert GOOD not in repr(right) and "'c'" not in repr(right)
