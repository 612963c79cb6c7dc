"""The web service's pages: who may see what, and one way to say no."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from hub import accounts, reach, scopes, sessions
from hub.audit import By
from hub.enums import Role
from tests.hub.hub_process import MACHINE
from tests.hub.web.conftest import ACCESS, Site


async def test_a_browser_without_login_is_sent_to_the_hub_with_pkce(site: Site) -> None:
    status, _, headers = await site.get("/")
    assert status == 302
    where = urlsplit(headers["Location"])
    asked = parse_qs(where.query)
    assert where.path == "/hub/api/oauth2/authorize"
    assert asked["client_id"] == ["service-carrel"]
    assert asked["redirect_uri"] == ["/services/carrel/oauth_callback"]
    assert asked["code_challenge_method"] == ["S256"] and asked["code_challenge"][0]


async def test_a_login_comes_back_to_the_page_that_was_wanted(site: Site) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.get(f"{site.url}/admin", allow_redirects=False) as answer:
            state = parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]
        callback = f"{site.url}/oauth_callback?code=c&state={state}"
        async with http.get(callback, allow_redirects=False) as answer:
            assert answer.status == 302
            assert answer.headers["Location"] == "/services/carrel/admin"
        assert site.hub.exchanged[0]["code_verifier"]
        async with http.get(f"{site.url}/") as answer:
            assert answer.status == 200 and "<strong>ada</strong>" in await answer.text()


async def test_a_login_that_nobody_began_is_refused_as_a_page(site: Site) -> None:
    status, page, _ = await site.get("/oauth_callback?code=c&state=forged")
    assert status == 403 and "Try logging in again" in page and "Traceback" not in page


async def test_everybody_sees_who_they_are(site: Site) -> None:
    status, page, headers = await site.get("/", "student-token")
    assert status == 200 and "<strong>ada</strong>" in page and "/admin" not in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("token", ["student-token", "stranger-token"])
@pytest.mark.parametrize("path", ["/admin", "/api/status"])
async def test_the_machine_is_for_admins_alone(site: Site, token: str, path: str) -> None:
    status, body, _ = await site.get(path, token)
    assert status == 403 and "This page is for administrators." in body


async def test_who_the_hub_does_not_let_in_sees_no_page(site: Site) -> None:
    status, page, _ = await site.get("/", "stranger-token")
    assert status == 403 and "You may not see this page." in page


async def test_the_machine_page_says_what_there_is_and_what_runs(site: Site) -> None:
    session = site.store.decide(sessions.open_session, "ada", "small", datetime.now(UTC))
    status, page, _ = await site.get("/admin", "admin-token")
    assert status == 200
    for words in (
        "It holds about 14 small sessions.",
        "Docker 26.1.5 (API 1.45), Compose 1.29.2",
        "8.0 GiB; 0.0 GiB of 7.0 GiB for sessions are promised",
        "1 session waits; 5 start at a time",
        "none found",
        session.id,
        "queued",
        "No userns-remap",
        "userns-remap&#34;: &#34;default&#34;",
    ):
        assert words in page


async def test_a_remapping_engine_is_no_cause_for_a_warning(site: Site) -> None:
    etc = site.data_dir / "etc" / "machine.json"
    etc.write_text(json.dumps(MACHINE | {"userns_remap": True}))
    from hub.installation import load
    from hub.web.app import pages
    from hub.web.auth import Person
    from hub.web.status import Seen, build

    status = build(load(etc.parent), Seen([], None), 0, datetime.now(UTC))
    frame = {"person": Person("root", Role.ADMIN, True), "demo": False, "version": "1",
             "prefix": "/", "hub": "/hub/", "here": "/", "status": status,
             "xsrf": "x", "warning": "w", "remedy": "r"}  # fmt: skip
    assert "No userns-remap" not in pages().get_template("machine.html").render(frame)


async def test_names_from_outside_are_text_never_markup(site: Site) -> None:
    site.add("odd", full_name="<b>odd</b>")
    _, page, _ = await site.get("/", "odd-token")
    assert "<b>odd</b>" not in page and "&lt;b&gt;odd&lt;/b&gt;" in page


async def test_a_disabled_account_is_out_at_once_whatever_the_hub_believes(site: Site) -> None:
    assert (await site.get("/", "student-token"))[0] == 200
    site.store.decide(accounts.disable, "ada", By("root", datetime.now(UTC)))
    status, page, _ = await site.get("/", "student-token")
    assert status == 403 and "disabled or gone" in page


async def test_the_status_is_told_whole(site: Site) -> None:
    now = datetime.now(UTC)
    session = site.store.decide(sessions.open_session, "ada", "small", now)
    status, body, headers = await site.get("/api/status", "admin-token")
    assert status == 200 and headers["Content-Type"].startswith("application/json")
    told = json.loads(body)
    assert told.pop("disk_free_bytes") > 0 and told.pop("version")
    assert told == {
        "machine": {k: MACHINE[k] for k in MACHINE if k not in ("environment", "gpu_note")},
        "holds": "holds about 14 small sessions",
        "room_bytes": 7 * 1024**3,
        "promised_bytes": 0,
        "start_slots": 5,
        "waiting": 1,
        "silent_since": None,
        "sessions": [
            {
                "id": session.id,
                "user": "ada",
                "profile": "small",
                "state": "queued",
                "unknown": None,
                "since": now.isoformat(),
                "minutes": 0,
            }
        ],
    }


async def test_admins_see_what_is_unknown_and_since_when(site: Site) -> None:
    now = datetime.now(UTC)
    session = site.store.decide(sessions.open_session, "ada", "small", now)
    site.store.decide(sessions.mark_running, session.id, "c", "http://10.0.0.1/", now)
    for record, words in (
        ((reach.record_silence, now), ("The container engine does not answer", "does not answer)")),
        ((reach.record_answer, [session.id], now), ("(paused)", "unknown")),
    ):
        site.store.decide(*record)
        _, page, _ = await site.get("/admin", "admin-token")
        assert all(word in page for word in words)
        _, people, _ = await site.get("/people", "admin-token")
        assert "small, unknown" in people
        told = json.loads((await site.get("/api/status", "admin-token"))[1])
        assert told["sessions"][0]["state"] == "running" and told["sessions"][0]["unknown"]
    site.store.decide(reach.record_answer, [], now)
    _, page, _ = await site.get("/admin", "admin-token")
    assert "unknown" not in page and "does not answer" not in page


async def test_the_queue_tells_everybody_their_own_place_and_admins_all(site: Site) -> None:
    now = datetime.now(UTC)
    for n in range(14):
        session = site.store.decide(sessions.open_session, f"early{n}", "small", now)
        site.store.decide(sessions.mark_running, session.id, "c", "http://10.0.0.1/", now)
    for seconds, name in enumerate(("bob", "ada")):
        at = now + timedelta(seconds=seconds)
        site.store.decide(sessions.open_session, name, "small", at)
    status, body, _ = await site.get("/api/queue", "student-token")
    told = json.loads(body)
    assert status == 200 and told.keys() == {"waiting", "mine"}
    assert (told["waiting"], told["mine"]["place"]) == (2, 2)
    assert "promised to 14 sessions" in told["mine"]["reason"]
    assert "bob" not in body
    _, body, _ = await site.get("/api/queue", "admin-token")
    told = json.loads(body)
    assert told["mine"] is None
    assert [(one["user"], one["place"]) for one in told["queue"]] == [("bob", 1), ("ada", 2)]
    assert (await site.get("/api/queue"))[0] == 403


async def test_programs_are_answered_in_json(site: Site) -> None:
    for path, wanted in (("/api/status", 403), ("/nowhere", 404), ("/", 403)):
        status, body, _ = await site.get(path, Accept="application/json")
        told = json.loads(body)
        assert (status, told["status"]) == (wanted, wanted)
        assert told["message"] and told["hint"]


async def test_an_address_that_leads_nowhere_is_told_without_a_login(site: Site) -> None:
    status, page, _ = await site.get("/nowhere")
    assert status == 404 and "There is no such page." in page


async def test_without_the_hub_the_service_is_well_and_says_so(site: Site) -> None:
    await site.close_hub()
    assert (await site.get("/health"))[0] == 200
    status, page, _ = await site.get("/", "student-token")
    assert status == 503 and "The hub does not answer." in page


async def test_without_its_database_a_page_says_so(site: Site) -> None:
    database = site.data_dir / "db" / "carrel.sqlite"
    site.store._engine.dispose()  # what is open already would go on
    database.unlink()
    database.mkdir()
    status, page, _ = await site.get("/admin", "admin-token")
    assert status == 503 and "Traceback" not in page


async def test_a_fault_of_ours_is_a_page_without_a_traceback(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.web.status.build", lambda *_: 1 / 0)
    status, page, _ = await site.get("/admin", "admin-token")
    assert status == 500 and "Something went wrong." in page
    assert "ZeroDivisionError" not in page and "Traceback" not in page


async def test_its_own_style_is_served_without_a_login(site: Site) -> None:
    status, _, headers = await site.get("/static/carrel.css")
    assert status == 200 and headers["Content-Type"].startswith("text/css")


@pytest.mark.parametrize("header", ["Basic cHJveHk6cHc=", "token made-up"])
async def test_a_header_that_lets_nobody_in_replaces_no_form_token(site: Site, header: str) -> None:
    """As a browser sends it with every form, behind a proxy that asks for a password itself."""
    site.hub.know("student-token", "root", ACCESS, scopes.PEOPLE, scopes.ADMIN)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.get(f"{site.url}/", allow_redirects=False) as answer:
            state = parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]
        callback = f"{site.url}/oauth_callback?code=c&state={state}"
        async with http.get(callback, allow_redirects=False) as answer:
            assert answer.status == 302
        form = {"action": "disable", "name": "ada", "confirmed": "1"}
        async with http.post(
            f"{site.url}/people/do",
            data=form, headers={"Authorization": header}, allow_redirects=False,
        ) as answer:  # fmt: skip
            assert answer.status in (302, 403)
    assert site.store.read(accounts.require, "ada").enabled
