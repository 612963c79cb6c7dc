"""Logging in at a provider: a real hub, a real OpenID Connect provider, real round trips."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import sqlalchemy as sa

from hub import accounts, course_people, courses, invitations
from hub.accounts import NewAccount
from hub.audit import By
from hub.courses import Wish
from hub.enums import Role
from hub.handlers.carried import COOKIE
from hub.invitations import Invitation
from hub.models import audit
from hub.powers import Actor
from tests.hub.conftest import BACKENDS
from tests.hub.real_hub.cheap import CHEAP
from tests.hub.real_hub.running import Browser, Hub, text_of
from tests.oidc.provider import Provider, log_in, person
from tests.oidc.signed_on import invite, now, signed_on

pytestmark = pytest.mark.provider

NAMES = (
    "mia", "again", "stranger", "twin", "used", "withdrawn", "gone", "forged", "chooses", "late",
    "racer1", "racer2", "teacher", "denies", "patient", "keeps", "switches", "mia.bell",
    "elsewhere", "knows", "arrives", "joins",
)  # fmt: skip
PEOPLE = [person(1000 + n, name, f"{name.capitalize()} of Example") for n, name in enumerate(NAMES)]
PEOPLE.append(person(2000, "müller", "Jörg Müller"))


@pytest.fixture(scope="module", params=BACKENDS)
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Hub, Provider]]:
    folder = tmp_path_factory.mktemp("signed-on")
    if request.param == "sqlite":
        database = sa.URL.create("sqlite+pysqlite", database=str(folder / "carrel.sqlite"))
    else:
        database = request.getfixturevalue("cluster").create(f"sso{uuid.uuid4().hex}")
    with signed_on(folder, database, PEOPLE) as running:
        yield running


@pytest.fixture
def hub(both: tuple[Hub, Provider]) -> Hub:
    return both[0]


@pytest.fixture
def provider(both: tuple[Hub, Provider]) -> Provider:
    return both[1]


def _leave(browser: Browser, code: str, **fields: str) -> str:
    """Sends the invitation's form; where the hub then sends the browser: the provider."""
    answer = browser.post("/hub/invitation", code=code, **fields)
    assert answer.status_code == 302, text_of(answer)
    return _onward(browser, answer.headers["Location"])


def _onward(browser: Browser, path: str = "/hub/oauth_login") -> str:
    answer = browser.get(path)
    assert answer.status_code == 302, text_of(answer)
    return answer.headers["Location"]


def _arrive(browser: Browser, back: str) -> requests.Response:
    assert back.startswith(f"{browser.url}/hub/oauth_callback?")
    return browser.get(back.removeprefix(browser.url))


def _accept(hub: Hub, name: str, role: Role = Role.STUDENT, **fields: str) -> Browser:
    """A browser that somebody of the provider came in with, by an invitation of their own."""
    browser = hub.browser()
    back = log_in(browser.session, _leave(browser, invite(hub, role)[1], **fields), name)
    answer = _arrive(browser, back)
    assert answer.status_code == 302, text_of(answer)
    return browser


def _log_in(hub: Hub, name: str) -> tuple[Browser, requests.Response]:
    """As from the login page, with no invitation."""
    browser = hub.browser()
    return browser, _arrive(browser, log_in(browser.session, _onward(browser), name))


def _account(hub: Hub, name: str) -> accounts.Account | None:
    return hub.store.read(accounts.find, name)


def _is_there(hub: Hub, provider: Provider, number: int) -> bool:
    return bool(hub.store.read(accounts.find_identity, f"{provider.issuer} {number}"))


def test_an_invitation_survives_the_way_to_the_provider_and_decides_the_role(hub, provider):
    browser, (_, code) = hub.browser("198.18.0.1"), invite(hub, Role.TEACHER)
    at = _leave(browser, code, next="/hub/home")
    asked = parse_qs(urlsplit(at).query)
    assert at.startswith(f"{provider.issuer}/oauth/authorize?")
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert code not in at
    answer = _arrive(browser, log_in(browser.session, at, "mia"))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/hub/home")
    me = browser.me()
    assert (me["name"], me["groups"], me["admin"]) == ("mia", ["role-teacher"], False)
    account = _account(hub, "mia")
    assert account.identity == f"{provider.issuer} 1000", "known by sub, not by name or address"
    assert (account.role, account.full_name) == (Role.TEACHER, "Mia of Example")
    assert account.password_hash is None
    assert account.last_login_at
    assert COOKIE not in browser.session.cookies, "the invitation is used"
    with hub.store.reading() as tx:
        rows = tx.execute(sa.select(audit).where(audit.c.whom == "mia").order_by(audit.c.id)).all()
    assert [(row.what, row.address) for row in rows] == [
        ("account.created", "198.18.0.1"),
        ("invitation.used", "198.18.0.1"),
    ]
    assert code not in hub.log
    assert provider.client_secret not in hub.log


def test_an_invitation_into_a_course_ends_in_it_for_new_and_for_known_people(hub):
    by = now()
    for name in ("course.teacher", "course.maker"):
        hub.store.decide(accounts.create, NewAccount(name, Role.TEACHER), by)
    teacher = Actor("course.teacher", Role.TEACHER)
    hub.store.decide(courses.make, teacher, "ds-24", Wish("Data <b>"), By(teacher.name, by.at))
    wish = Invitation(Role.STUDENT, timedelta(hours=1), 2, course="ds-24")
    _, code = hub.store.decide(invitations.invite, teacher, wish, By(teacher.name, by.at))
    looked = hub.browser().post("/hub/invitation", code=code, look="1").json()
    assert looked["texts"] == {
        "role": "", "course": "Data <b>", "teachers": "course.teacher", "join": "Data <b>",
    }  # fmt: skip
    _accept(hub, "knows")
    for name in ("arrives", "knows"):
        browser = hub.browser()
        answer = _arrive(browser, log_in(browser.session, _leave(browser, code), name))
        assert answer.headers["Location"] == "/services/carrel/c/ds-24"
        assert sorted(browser.me()["groups"]) == ["course-ds-24", "role-student"]
    assert {one.name for one in hub.store.read(course_people.of_course, "ds-24")} == {
        "course.teacher", "arrives", "knows",
    }  # fmt: skip
    # Whoever is logged in joins by a button.
    _, code = hub.store.decide(invitations.invite, teacher, wish, By(teacher.name, by.at))
    browser = _accept(hub, "joins")
    answer = browser.post("/hub/invitation", code=code, join="1")
    assert answer.headers["Location"] == "/services/carrel/c/ds-24"
    assert "joins" in {one.name for one in hub.store.read(course_people.of_course, "ds-24")}


def test_the_second_time_needs_no_invitation_and_makes_no_second_account(hub):
    _accept(hub, "again")
    before = len(hub.store.read(accounts.everyone))
    browser, answer = _log_in(hub, "again")
    assert answer.status_code == 302
    assert browser.me()["name"] == "again"
    assert len(hub.store.read(accounts.everyone)) == before


def test_somebody_whom_nobody_invited_is_refused_and_leaves_no_account(hub, provider):
    browser, answer = _log_in(hub, "stranger")
    assert answer.status_code == 403
    assert "Nobody has invited you here yet. Ask your teacher" in text_of(answer)
    assert browser.me() is None
    assert not _is_there(hub, provider, 1002)
    assert f"'{provider.issuer} 1002'" in hub.log, "the administrator may join it to an account"


def test_the_login_page_leads_to_the_provider_and_asks_for_no_password(hub, provider):
    page = hub.browser().get("/hub/login?next=%2Fhub%2Faccount").text
    assert "Log in with Example University" in page
    assert "/hub/oauth_login?next=%2Fhub%2Faccount" in page
    assert 'type="password"' not in page


def test_an_account_of_the_same_name_is_not_taken_over(hub, provider):
    hashed = CHEAP.hash("four plain words here")
    hub.store.decide(accounts.create, NewAccount("twin", Role.ADMIN, hashed), now())
    _, answer = _log_in(hub, "twin")
    assert answer.status_code == 403
    browser = hub.browser()
    at = _leave(browser, invite(hub)[1])
    answer = _arrive(browser, log_in(browser.session, at, "twin"))
    assert answer.headers["Location"] == "/hub/invitation"
    page = browser.get("/hub/invitation")
    assert "The name twin is taken. Choose another one." in text_of(page)
    assert 'value="twin"' in page.text
    assert browser.me() is None
    assert _account(hub, "twin").identity is None
    # The invitation is still in the browser, and the provider knows who it was.
    again = browser.post("/hub/invitation", code="", username="Twin.Two")
    at = _onward(browser, again.headers["Location"])
    assert _arrive(browser, log_in(browser.session, at, "twin")).status_code == 302
    assert browser.me()["name"] == "twin.two"


def test_the_name_that_was_chosen_is_the_one_that_is_made(hub):
    assert _accept(hub, "chooses", username=" Chosen ").me()["name"] == "chosen"


def test_a_name_that_cannot_be_had_is_told_before_the_way_to_the_provider(hub):
    _accept(hub, "mia.bell")
    browser, (_, code) = hub.browser(), invite(hub)
    for name, says in (("MIA.Bell", "is taken"), ("<b>", "cannot be used")):
        answer = browser.post("/hub/invitation", code=code, username=name)
        assert answer.status_code == 400
        assert says in text_of(answer)
        assert "<b>" not in answer.text
    assert COOKIE not in browser.session.cookies


def test_a_provider_whose_names_are_no_user_names_makes_people_choose(hub):
    browser, (_, code) = hub.browser(), invite(hub)
    answer = _arrive(browser, log_in(browser.session, _leave(browser, code), "müller"))
    assert answer.headers["Location"] == "/hub/invitation"
    page = text_of(browser.get("/hub/invitation"))
    assert "Choose a user name." in page


@pytest.mark.parametrize("how", ["used", "withdrawn"])
def test_an_invitation_that_ends_meanwhile_lets_nobody_in(hub, provider, how):
    browser, (number, code) = hub.browser(), invite(hub)
    back = log_in(browser.session, _leave(browser, code), how)
    if how == "used":
        first = hub.browser()
        _arrive(first, log_in(first.session, _leave(first, code), "late"))
    else:
        hub.store.decide(invitations.withdraw, Actor("boss", Role.ADMIN), number, now())
    answer = _arrive(browser, back)
    assert answer.status_code == 403
    assert ("has been used" if how == "used" else "was withdrawn") in text_of(answer)
    assert _account(hub, how) is None
    assert browser.me() is None
    assert COOKIE not in browser.session.cookies


@pytest.mark.parametrize("code", ["never-made", "x" * 50_000, "<script>alert(1)</script>"])
def test_an_invitation_that_was_never_made_leads_nowhere(hub, code):
    answer = hub.browser().post("/hub/invitation", code=code)
    assert answer.status_code == 403
    assert "has expired or was never made" in text_of(answer)
    assert "<script>alert" not in answer.text


def test_without_a_code_the_page_asks_for_one(hub):
    answer = hub.browser().post("/hub/invitation")
    assert answer.status_code == 400
    assert "Paste the code" in text_of(answer)


def test_two_on_the_last_use_at_the_same_moment_make_one_account(hub, provider):
    _, code = invite(hub)
    browsers = {name: hub.browser() for name in ("racer1", "racer2")}
    backs = {
        name: log_in(browser.session, _leave(browser, code), name)
        for name, browser in browsers.items()
    }
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda name: _arrive(browsers[name], backs[name]), backs))
    assert sorted(answer.status_code for answer in answers) == [302, 403]
    refused = next(answer for answer in answers if answer.status_code == 403)
    assert "has been used" in text_of(refused)
    assert [_account(hub, name) is None for name in browsers].count(True) == 1


def test_whoever_is_disabled_is_out_at_once_and_stays_out(hub):
    browser = _accept(hub, "gone")
    hub.store.decide(accounts.disable, "gone", now())
    time.sleep(1.2)  # the hub asks again after one second
    assert browser.me() is None
    again, answer = _log_in(hub, "gone")
    assert answer.status_code == 403
    assert "Your account here is disabled." in text_of(answer)
    assert again.me() is None


def test_another_role_arrives_at_the_next_refresh(hub):
    browser = _accept(hub, "teacher")
    hub.store.decide(accounts.set_role, "teacher", Role.TEACHER, now())
    time.sleep(1.2)
    assert browser.me()["groups"] == ["role-teacher"]


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(hub, provider):
    """A login of somebody else's, put into this browser: it would write into their account."""
    theirs = hub.browser()
    _accept(hub, "forged")
    back = log_in(theirs.session, _onward(theirs), "forged")
    for victim in (hub.browser(), hub.browser()):
        answer = _arrive(victim, back)
        assert answer.status_code == 400
        assert "not begun in this browser" in text_of(answer)
        assert victim.me() is None
        _onward(victim)  # and the second has begun a login of its own
    assert _arrive(victim, back).status_code == 400
    assert _arrive(theirs, back).status_code == 302
    assert _arrive(theirs, back).status_code == 400, "no answer is taken twice"


@pytest.mark.parametrize(
    "query",
    ["", "code=x", "code=x&state=", "code=x&state=%FF", "code=x&state=WzFd", "state=e30=",
     "error=access_denied&error_description=<script>alert(1)</script>"],
)  # fmt: skip
def test_forged_answers_are_refused_with_a_sentence(hub, query):
    browser = hub.browser()
    _onward(browser)
    answer = browser.get(f"/hub/oauth_callback?{query}")
    assert answer.status_code == 400
    assert "not begun in this browser" in text_of(answer)
    assert "<script>alert" not in answer.text


def test_a_code_that_the_provider_never_gave_is_refused(hub):
    browser = hub.browser()
    state = parse_qs(urlsplit(_onward(browser)).query)["state"][0]
    answer = browser.get(f"/hub/oauth_callback?code=made-up&state={state}")
    assert answer.status_code == 400
    assert "Example University did not confirm this login." in text_of(answer)


def test_somebody_elses_code_is_worth_nothing_in_another_browser(hub):
    """PKCE: whoever catches a code on its way cannot use it."""
    victim, thief = hub.browser(), hub.browser()
    _accept(hub, "keeps")
    back = log_in(victim.session, _onward(victim), "keeps")
    code = parse_qs(urlsplit(back).query)["code"][0]
    state = parse_qs(urlsplit(_onward(thief)).query)["state"][0]
    answer = thief.get(f"/hub/oauth_callback?code={code}&state={state}")
    assert answer.status_code == 400
    assert thief.me() is None


def test_saying_no_at_the_provider_leads_back_with_a_sentence(hub):
    browser = hub.browser()
    back = log_in(browser.session, _onward(browser), "denies", answer="deny")
    answer = _arrive(browser, back)
    assert answer.status_code == 403
    assert "You were not logged in at Example University." in text_of(answer)


def test_no_password_opens_anything(hub):
    hashed = CHEAP.hash("four plain words here")
    hub.store.decide(accounts.create, NewAccount("old-timer", Role.ADMIN, hashed), now())
    browser = hub.browser()
    browser.get("/hub/login")
    answer = browser.log_in("old-timer", "four plain words here")
    assert answer.status_code == 403
    assert browser.me() is None
    xsrf = browser.session.cookies.get("_xsrf", path="/hub/")
    state = parse_qs(urlsplit(_onward(browser)).query)["state"][0]
    answer = browser.session.post(
        f"{hub.url}/hub/login?code=x&state={state}", data={"_xsrf": xsrf}, timeout=30
    )
    assert answer.status_code == 403
    token = {"auth": {"username": "old-timer", "password": "four plain words here"}}
    api = f"{hub.url}/hub/api/users/old-timer/tokens"
    assert requests.post(api, json=token, timeout=30).status_code == 403


def test_there_is_nothing_to_reset(hub):
    answer = hub.browser().get("/hub/reset")
    assert answer.status_code == 404
    assert "There are no passwords here. Log in with Example University" in text_of(answer)


def test_the_way_back_leads_to_this_hub_whatever_next_says(hub):
    _accept(hub, "elsewhere")
    for next_ in ("https://evil.example/x", "//evil.example/x", "/\\evil.example/x"):
        browser = hub.browser()
        at = _onward(browser, f"/hub/oauth_login?next={next_}")
        where = _arrive(browser, log_in(browser.session, at, "elsewhere")).headers["Location"]
        assert where.startswith("/")
        assert not where.startswith(("//", "/\\"))


def test_an_account_joined_by_the_administrator_needs_no_invitation(hub, provider):
    number = 1000 + NAMES.index("switches")
    hashed = CHEAP.hash("four plain words here")
    hub.store.decide(accounts.create, NewAccount("long-here", Role.TEACHER, hashed), now())
    identity = f"{provider.issuer} {number}"
    assert hub.store.decide(accounts.set_identity, "long-here", identity, now())
    browser, answer = _log_in(hub, "switches")
    assert answer.status_code == 302
    assert (browser.me()["name"], browser.me()["groups"]) == ("long-here", ["role-teacher"])


def test_nothing_of_the_provider_is_kept(hub):
    _accept(hub, "patient")
    database = sa.create_engine(f"sqlite:///{hub.folder}/jupyterhub.sqlite")
    with database.connect() as connection:
        states = connection.execute(sa.text("SELECT encrypted_auth_state FROM users")).scalars()
        assert set(states) == {None}
    database.dispose()


def test_a_cookie_with_an_invitation_cannot_be_made_outside(hub, provider):
    browser, (_, code) = hub.browser(), invite(hub)
    browser.session.cookies.set(COOKIE, f'["{code}", "", ""]', path="/hub/")
    back = log_in(browser.session, _onward(browser), "stranger")
    assert _arrive(browser, back).status_code == 403
    assert not _is_there(hub, provider, 1002)


def test_cookies_go_to_the_hub_alone_and_to_no_script(hub):
    browser = hub.browser()
    answer = browser.post("/hub/invitation", code=invite(hub)[1])
    onward = browser.get(answer.headers["Location"])
    for name, came in ((COOKIE, answer), ("oauthenticator-state", onward)):
        header = next(h for h in came.raw.headers.getlist("Set-Cookie") if h.startswith(name))
        assert {"HttpOnly", "Path=/hub/", "SameSite=Lax"} <= set(header.split("; "))


def test_over_https_with_hosts_of_their_own_no_session_can_set_what_a_login_hangs_on(tmp_path):
    """The browser here keeps the cookies, and does not send them itself: this is no https."""
    database = sa.URL.create("sqlite+pysqlite", database=str(tmp_path / "carrel.sqlite"))
    server = {"public_url": "https://hub.example.org", "subdomains": True}
    with signed_on(tmp_path, database, PEOPLE[:1], server=server) as (hub, _):
        browser, (_, code) = hub.browser(), invite(hub)
        browser.post("/hub/invitation", code=code)
        left = browser.get("/hub/oauth_login")
        back = parse_qs(urlsplit(left.headers["Location"]).query)["state"][0]
        kept = {cookie.name: cookie for cookie in browser.session.cookies if cookie.secure}
        assert kept.keys() == {f"__Host-{COOKIE}", "__Host-oauthenticator-state"}
        assert {cookie.path for cookie in kept.values()} == {"/"}

        state = kept["__Host-oauthenticator-state"].value
        where = "/hub/oauth_callback"
        for name, begun in (("oauthenticator-state", False), ("__Host-oauthenticator-state", True)):
            answer = hub.browser().get(
                where, params={"state": back, "error": "no"}, headers={"Cookie": f"{name}={state}"}
            )
            assert ("was not begun in this browser" not in text_of(answer)) == begun

        carried = kept[f"__Host-{COOKIE}"].value
        for name, opened in ((COOKIE, False), (f"__Host-{COOKIE}", True)):
            answer = hub.browser().get("/hub/invitation", headers={"Cookie": f"{name}={carried}"})
            assert (code in answer.text) == opened
