"""The people page and what its buttons do, through the service as it is."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub import accounts, sessions
from hub.audit import By
from hub.enums import Reason, Role
from hub.models import audit
from hub.web import leaving
from tests.hub.web.conftest import Site

JSON = {"Accept": "application/json"}


def _by() -> By:
    return By("root", datetime.now(UTC))


@pytest.fixture
def people(site: Site) -> Site:
    site.add("mia", full_name="Mia <b>Example</b>", invited_by="tess")
    site.add("bob", invited_by="other")
    return site


@pytest.mark.parametrize("path", ["/people", "/people/mia", "/invitations", "/roster"])
async def test_students_and_strangers_see_none_of_it(people: Site, path: str) -> None:
    for token in ("student-token", "stranger-token"):
        status, page, _ = await people.get(path, token)
        assert status == 403 and "Mia" not in page
    assert (await people.get(path))[0] == 302


@pytest.mark.parametrize("path", ["/people/do", "/invitations", "/invitations/withdraw", "/roster"])
async def test_students_may_do_none_of_it(people: Site, path: str) -> None:
    fields = [("action", "disable"), ("name", "mia"), ("confirmed", "1"), ("id", "1")]
    status, _ = await people.post(path, "student-token", [*fields, ("text", "x"), ("invite", "1")])
    assert status == 403
    assert people.store.read(accounts.require, "mia").enabled


async def test_a_role_that_was_taken_away_opens_nothing_though_the_token_says_so(
    people: Site,
) -> None:
    people.store.decide(accounts.set_role, "tess", Role.STUDENT, _by())
    status, page, _ = await people.get("/people", "tess-token")
    assert status == 403 and "teachers and administrators" in page


async def test_a_teacher_sees_the_own_students_an_admin_everybody(people: Site) -> None:
    _, page, _ = await people.get("/people", "tess-token")
    assert "Mia &lt;b&gt;Example&lt;/b&gt;" in page and "bob" not in page
    _, page, _ = await people.get("/people", "root-token")
    assert "mia" in page and "bob" in page and "tess" in page
    assert (await people.get("/people/bob", "tess-token"))[0] == 404
    assert (await people.get("/people/bob", "root-token"))[0] == 200


async def test_the_list_is_told_in_json_too(people: Site) -> None:
    session = people.store.decide(sessions.open_session, "mia", "small", datetime.now(UTC))
    status, body, _ = await people.get("/people?q=mia", "root-token", **JSON)
    told = json.loads(body)
    assert status == 200 and told["total"] == 1
    (mia,) = told["people"]
    assert (mia["name"], mia["state"], mia["profile"]) == ("mia", "queued", session.profile)


@pytest.mark.parametrize("query", ["role=boss", "role=Student"])
async def test_a_role_that_does_not_exist_is_refused(people: Site, query: str) -> None:
    status, page, _ = await people.get(f"/people?{query}", "root-token")
    assert status == 400 and "There is no such role." in page


@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 30, "%F0%9F%A6%84"])
async def test_odd_page_numbers_lead_to_a_page(people: Site, page: str) -> None:
    assert (await people.get(f"/people?page={page}", "root-token"))[0] == 200


async def test_disabling_asks_once_more_then_ends_logins_and_session(people: Site) -> None:
    chosen = [("action", "disable"), ("name", "mia"), ("name", "ada")]
    status, page = await people.post("/people/do", "root-token", chosen)
    assert status == 200 and "Disable 2 accounts?" in page
    assert people.store.read(accounts.require, "mia").enabled and people.hub.removed == []
    status, page = await people.post("/people/do", "root-token", [*chosen, ("confirmed", "1")])
    assert status == 200 and "logins and session have ended" in page
    assert sorted(people.hub.removed) == ["ada", "mia"]
    assert not people.store.read(accounts.require, "mia").enabled


async def test_a_hub_that_cannot_end_it_now_is_told_and_the_account_is_disabled(
    people: Site,
) -> None:
    people.hub.broken = True
    chosen = [("action", "disable"), ("name", "mia"), ("confirmed", "1")]
    status, page = await people.post("/people/do", "root-token", chosen)
    assert status == 200 and "is being ended" in page
    assert not people.store.read(accounts.require, "mia").enabled


async def test_a_session_that_takes_long_keeps_nobody_waiting(
    people: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "WAIT_S", 0)
    chosen = [("action", "disable"), ("name", "mia"), ("confirmed", "1")]
    status, body = await people.post("/people/do", "root-token", chosen, **JSON)
    assert status == 200 and json.loads(body)["pending"] == ["mia"]


async def test_a_teacher_can_do_nothing_to_others_people(people: Site) -> None:
    for action in ("disable", "enable", "reset", "delete", "role"):
        names = [("name", name) for name in ("bob", "root", "tess")]
        fields = [("action", action), *names, ("confirmed", "1"), ("role", "admin")]
        _, body = await people.post("/people/do", "tess-token", fields, **JSON)
        assert all(outcome["refused"] for outcome in json.loads(body)["outcomes"]), action
    assert people.hub.removed == []


async def test_reset_links_are_shown_once_and_are_on_no_record(people: Site) -> None:
    fields = [("action", "reset"), ("name", "mia"), ("name", "ada")]
    status, page = await people.post("/people/do", "root-token", fields)
    links = re.findall(r"http://127\.0\.0\.1:8000/hub/reset#([\w-]{43})<", page)
    assert status == 200 and len(set(links)) == 2
    with people.store.reading() as tx:
        stored = str(tx.execute(sa.select(audit)).all())
    assert not any(link in stored for link in links)


async def test_deleting_says_how_long_the_home_is_kept(people: Site) -> None:
    fields = [("action", "delete"), ("name", "mia")]
    _, page = await people.post("/people/do", "tess-token", fields)
    assert "kept for 30 days" in page
    _, page = await people.post("/people/do", "tess-token", [*fields, ("confirmed", "1")])
    assert "deleted; the home is kept for 30 days" in page
    assert people.hub.removed == ["mia"]
    _, page, _ = await people.get("/people", "tess-token")
    assert "Deleted, homes still kept" in page


async def test_an_admin_gives_roles(people: Site) -> None:
    fields = [("action", "role"), ("name", "mia"), ("role", "teacher")]
    await people.post("/people/do", "root-token", fields)
    assert people.store.read(accounts.require, "mia").role is Role.TEACHER


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ([("action", "disable")], "Nobody was chosen."),
        ([("action", "eat"), ("name", "mia")], "There is no such action."),
        ([("name", "mia")], "There is no such action."),
        ([("action", "role"), ("name", "mia"), ("role", "boss")], "There is no such role."),
        ([("action", "reset"), *(("name", f"u{i}") for i in range(501))], "At most 500"),
    ],
)
async def test_forms_that_make_no_sense_change_nothing(
    people: Site, fields: list[tuple[str, str]], says: str
) -> None:
    status, page = await people.post("/people/do", "root-token", fields)
    assert status == 400 and says in page
    assert people.store.read(accounts.require, "mia").role is Role.STUDENT


async def test_names_that_are_none_are_told_as_text(people: Site) -> None:
    fields = [("action", "enable"), ("name", "<img src=x>"), ("name", "x" * 5000)]
    status, page = await people.post("/people/do", "root-token", fields)
    assert status == 200 and "<img" not in page and "2 were refused" in page


async def test_a_form_of_another_site_is_refused(people: Site) -> None:
    fields = [("action", "enable"), ("name", "mia")]
    for site in ("cross-site", "same-site"):
        status, _ = await people.post(
            "/people/do", "root-token", fields, **{"Sec-Fetch-Site": site}
        )
        assert status == 403


async def test_the_record_says_from_where(people: Site) -> None:
    fields = [("action", "enable"), ("name", "mia"), ("name", "bob")]
    people.store.decide(accounts.disable, "mia", _by())
    await people.post("/people/do", "tess-token", fields, **{"X-Forwarded-For": "192.0.2.7"})
    with people.store.reading() as tx:
        lines = tx.execute(sa.select(audit).where(audit.c.who == "tess")).all()
    assert [(line.what, line.whom, line.address) for line in lines] == [
        ("account.enabled", "mia", "192.0.2.7"),
        ("refused", "bob", "192.0.2.7"),
    ]


async def test_the_page_of_a_person_shows_their_last_sessions(people: Site) -> None:
    began = datetime.now(UTC) - timedelta(hours=1)
    people.store.decide(sessions.open_session, "mia", "small", began)
    _, page, _ = await people.get("/people/MIA", "tess-token")
    assert "queued" in page and "invited by tess" in page and "<b>Example" not in page
    status, page, _ = await people.get("/people/%3Cscript%3E", "root-token")
    assert status == 400 and "<script>" not in page


async def test_open_invitations_are_counted_on_the_page(people: Site) -> None:
    await people.post("/roster", "tess-token", [("text", "kim\nlea"), ("invite", "1")])
    _, page, _ = await people.get("/people", "tess-token")
    assert "2 invitations are open" in page
    _, page, _ = await people.get("/people", "root-token")
    assert "2 invitations are open" in page


async def test_an_admin_brings_a_deleted_account_back(people: Site) -> None:
    fields = [("action", "delete"), ("name", "mia"), ("confirmed", "1")]
    await people.post("/people/do", "tess-token", fields)
    back = [("action", "restore"), ("name", "mia")]
    _, body = await people.post("/people/do", "tess-token", back, **JSON)
    assert "Administrators undo that." in json.loads(body)["outcomes"][0]["refused"]
    assert people.store.read(accounts.find, "mia") is None
    status, page = await people.post("/people/do", "root-token", back)
    assert status == 200 and "is back, with the home as it was" in page
    mia = people.store.read(accounts.require, "mia")
    assert (mia.invited_by, mia.password_hash) == ("tess", None)


async def test_a_namesake_is_not_shown_with_the_sessions_of_whoever_had_the_name_before(
    people: Site,
) -> None:
    before = datetime.now(UTC) - timedelta(days=9)
    old = people.store.decide(sessions.open_session, "mia", "oldprofile", before)
    people.store.decide(
        sessions.close_session, old.id, Reason.IDLE, before + timedelta(hours=1), "long ago"
    )
    _, page, _ = await people.get("/people/mia", "tess-token")
    assert "oldprofile" not in page and "long ago" not in page
    _, body, _ = await people.get("/people/mia", "tess-token", **JSON)
    assert json.loads(body)["last_seen_at"] is None
