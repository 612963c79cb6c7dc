"""Invitations and class lists in the browser's place: made, shown once, counted, withdrawn."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import aiohttp
import pytest

from hub import accounts, invitations
from hub.accounts import NewAccount
from hub.audit import By
from hub.enums import Role
from hub.links import Link
from hub.powers import Actor
from tests.hub.web.conftest import Site

JSON = {"Accept": "application/json"}
LINK = re.compile(r"http://127\.0\.0\.1:8000/hub/invitation#([\w-]{43})")
ROOT = Actor("root", Role.ADMIN)


def _all(site: Site) -> list[Link]:
    return site.store.read(invitations.of_actor, ROOT)


async def test_a_link_is_shown_once_with_what_it_is_for(site: Site) -> None:
    fields = [("role", "student"), ("uses", "30"), ("days", "7")]
    status, page = await site.post("/invitations", "tess-token", fields)
    assert status == 200 and "It makes 30 accounts as student." in page
    (token,) = set(LINK.findall(page))
    link = site.store.read(invitations.find_usable, token, datetime.now(UTC))
    assert (link.role, link.most_uses, link.created_by) == (Role.STUDENT, 30, "tess")
    _, page, _ = await site.get("/invitations", "tess-token")
    assert not LINK.search(page) and "0 of 30" in page


async def test_uses_are_counted_and_what_is_withdrawn_is_told(site: Site) -> None:
    _, body = await site.post("/invitations", "tess-token", [("uses", "2")], **JSON)
    token = LINK.search(json.loads(body)["link"])[1]
    by = By("(invited)", datetime.now(UTC))
    site.store.decide(invitations.accept, token, NewAccount("mia", Role.STUDENT), by)
    _, page, _ = await site.get("/invitations", "tess-token")
    assert "1 of 2" in page
    (link,) = _all(site)
    status, _ = await site.post("/invitations/withdraw", "tess-token", [("id", str(link.id))])
    assert status == 303
    _, page, _ = await site.get("/invitations", "tess-token")
    assert "withdrawn" in page and "Mark no." not in page


async def test_a_link_whose_sender_lost_the_power_is_told_apart(site: Site) -> None:
    await site.post("/invitations", "tess-token", [("uses", "2")])
    _, page, _ = await site.get("/invitations", "root-token")
    assert "may not invite any more" not in page
    site.store.decide(accounts.disable, "tess", By("root", datetime.now(UTC)))
    _, page, _ = await site.get("/invitations", "root-token")
    assert "open, but whoever made it may not invite any more" in page
    _, body, _ = await site.get("/invitations", "root-token", **JSON)
    assert [link["maker_may_invite"] for link in json.loads(body)["invitations"]] == [False]


async def test_a_teacher_sees_and_withdraws_the_own_alone(site: Site) -> None:
    await site.post("/invitations", "root-token", [("role", "admin")])
    (link,) = _all(site)
    _, page, _ = await site.get("/invitations", "tess-token")
    assert "None yet." in page
    status, _ = await site.post("/invitations/withdraw", "tess-token", [("id", str(link.id))])
    assert status == 404
    _, body, _ = await site.get("/invitations", "root-token", **JSON)
    assert json.loads(body)["invitations"][0]["state"] == "open"


@pytest.mark.parametrize("role", ["admin", "teacher"])
async def test_a_teacher_invites_no_teachers_or_admins(site: Site, role: str) -> None:
    for path, more in (("/invitations", []), ("/roster", [("text", "x"), ("invite", "1")])):
        status, page = await site.post(path, "tess-token", [("role", role), *more])
        assert status == 403 and "Teachers invite students" in page
    assert _all(site) == []


@pytest.mark.parametrize(
    "fields",
    [
        [("uses", "0")],
        [("uses", "1001")],
        [("uses", "-1")],
        [("uses", "1e3")],
        [("uses", "\u0663")],
        [("days", "366")],
        [("days", "9" * 40)],
        [("role", "boss")],
    ],
)
async def test_bounds_are_kept(site: Site, fields: list[tuple[str, str]]) -> None:
    status, _ = await site.post("/invitations", "root-token", fields)
    assert status == 400 and _all(site) == []


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 30])
async def test_there_is_no_such_invitation(site: Site, number: str) -> None:
    status, _ = await site.post("/invitations/withdraw", "root-token", [("id", number)])
    assert status == 400


async def _send(site: Site, text: str, *more: tuple[str, str], **headers: str) -> tuple[int, str]:
    return await site.post("/roster", "tess-token", [("text", text), *more], **headers)


async def test_a_list_is_shown_as_understood_before_anybody_is_invited(site: Site) -> None:
    status, page = await _send(site, "mia, Mia <i>Example</i>\nADA\nmia, Mia <i>Example</i>")
    assert status == 200 and _all(site) == []
    assert "1 person will get a link as student." in page
    assert "Mia &lt;i&gt;Example&lt;/i&gt;" in page and "has an account" in page
    assert "1 line(s) stand twice" in page


async def test_each_new_person_gets_a_link_and_again_only_the_new(site: Site) -> None:
    status, page = await _send(site, "mia, Mia\njo", ("invite", "1"))
    assert status == 200 and "2 links were made." in page
    assert len(set(LINK.findall(page))) == 2
    _, page = await _send(site, "mia, Mia\njo\nkim", ("invite", "1"))
    assert "1 link was made." in page and len(set(LINK.findall(page))) == 1
    assert [link.name for link in _all(site)] == ["kim", "jo", "mia"]


async def test_a_form_that_was_sent_is_not_taken_again(site: Site) -> None:
    for path, more in (
        ("/invitations", [("uses", "3")]),
        ("/roster", [("text", "mia, Mia"), ("invite", "1")]),
    ):
        _, page, _ = await site.get("/invitations", "tess-token")
        (key,) = set(re.findall(r'name="once" value="([^"]+)"', page))
        before = len(_all(site))
        assert (await site.post(path, "tess-token", [*more, ("once", key)]))[0] == 200
        status, page = await site.post(path, "tess-token", [*more, ("once", key)])
        assert status == 409 and "was taken already" in page
        assert len(_all(site)) == before + 1


async def test_many_are_withdrawn_at_once_or_none(site: Site) -> None:
    for _ in range(3):
        await site.post("/invitations", "tess-token")
    await site.post("/invitations", "root-token")
    mine = [("id", str(link.id)) for link in _all(site) if link.created_by == "tess"]
    other = [("id", str(link.id)) for link in _all(site) if link.created_by == "root"]
    status, _ = await site.post("/invitations/withdraw", "tess-token", [*mine, *other])
    assert status == 404 and not any(link.withdrawn_at for link in _all(site))
    status, body = await site.post("/invitations/withdraw", "tess-token", mine, **JSON)
    assert json.loads(body) == {"withdrawn": 3}
    _, page, _ = await site.get("/invitations?withdrawn=3", "tess-token")
    assert "3 invitations are withdrawn." in page
    assert (await site.post("/invitations/withdraw", "tess-token"))[0] == 400


async def test_what_cannot_be_used_is_told_line_by_line_and_kept_for_mending(site: Site) -> None:
    text = "mia\n<b>x</b>\njo\nMIA, Another"
    status, page = await _send(site, text, ("invite", "1"))
    assert status == 400 and _all(site) == []
    assert '<li value="2">' in page and '<li value="4">' in page
    assert "&lt;b&gt;x&lt;/b&gt;\njo" in page and "<b>x" not in page
    status, body = await _send(site, text, **JSON)
    assert [problem["line"] for problem in json.loads(body)["problems"]] == [2, 4]


async def test_ten_thousand_lines_are_refused_with_a_sentence(site: Site) -> None:
    text = "\n".join(f"user{i}, Person Number {i}" for i in range(10_000))
    status, page = await _send(site, text, ("invite", "1"))
    assert status == 400 and "10,000 lines" in page and "Split it" in page
    assert _all(site) == []


async def test_a_list_can_be_changed_before_anybody_is_invited(site: Site) -> None:
    status, page = await _send(site, "mia, Mia\njo", ("edit", "1"))
    assert status == 200 and "mia, Mia\njo</textarea>" in page and _all(site) == []


async def test_a_file_may_be_uploaded(site: Site) -> None:
    form = aiohttp.FormData()
    form.add_field("text", "")
    form.add_field("file", "name;full name\nzoe;Zoë\n".encode("cp1252"), filename="class.csv")
    headers = {"Authorization": "token tess-token"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{site.url}/roster", data=form) as answer,
    ):
        page = await answer.text()
    assert answer.status == 200 and "Zoë" in page and "not UTF-8" in page


async def test_a_list_that_takes_in_itself_is_refused(site: Site) -> None:
    status, page = await _send(site, "")
    assert status == 400 and "nobody on this list" in page


async def test_those_invited_are_the_teachers_students(site: Site) -> None:
    _, body = await _send(site, "mia, Mia", ("invite", "1"), **JSON)
    token = LINK.search(json.loads(body)["invited"][0]["link"])[1]
    by = By("(invited)", datetime.now(UTC))
    site.store.decide(invitations.accept, token, NewAccount("mia", Role.ADMIN), by)
    mia = site.store.read(accounts.require, "mia")
    assert (mia.role, mia.invited_by) == (Role.STUDENT, "tess")
    _, page, _ = await site.get("/people", "tess-token")
    assert "mia" in page
