"""Courses in the browser's place: made, joined, managed; and what is refused to whom."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime

import aiohttp
import pytest
import sqlalchemy as sa
from yarl import URL

from hub import accounts, course_people, courses, invitations, members
from hub.accounts import NewAccount
from hub.audit import By
from hub.courses import Wish
from hub.enums import CourseRole, Joining, Role
from hub.models import accounts as account_rows
from hub.models import audit
from hub.models import courses as course_rows
from hub.powers import Actor
from tests.hub.web.conftest import Site

JSON = {"Accept": "application/json"}
TESS = Actor("tess", Role.TEACHER)
EVIL = "<script>alert(1)</script>"


def _by(name: str = "tess") -> By:
    return By(name, datetime.now(UTC))


@pytest.fixture
def school(site: Site) -> Site:
    """Tess teaches ds-24, where mia is; tim teaches another; ada is in none."""
    site.add("tim", Role.TEACHER)
    site.add("mia", full_name=f"Mia {EVIL}", invited_by="other")
    wish = Wish(f"Data {EVIL}", f"About {EVIL}\nand more")
    site.store.decide(courses.make, TESS, "ds-24", wish, _by())
    site.store.decide(members.join, Actor("mia", Role.STUDENT), "ds-24", "", _by("mia"))
    site.store.decide(courses.make, Actor("tim", Role.TEACHER), "algebra", Wish("X"), _by("tim"))
    return site


def _seats(site: Site) -> dict[str, CourseRole]:
    return {one.name: one.role for one in site.store.read(course_people.of_course, "ds-24")}


def _joining(site: Site, joining: Joining) -> str:
    course = site.store.read(courses.require, "ds-24")
    wish = Wish(course.title, course.description, joining)
    site.store.decide(courses.change, TESS, "ds-24", wish, _by())
    return course.code


async def _where(site: Site, path: str, token: str) -> tuple[int, str]:
    """Status and target of a link that is followed as it is quoted."""
    headers = {"Authorization": f"token {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.get(URL(site.url + path, encoded=True), allow_redirects=False) as answer,
    ):
        return answer.status, answer.headers.get("Location", "")


async def test_a_teacher_makes_a_course_and_gets_its_link(site: Site) -> None:
    fields = [("title", "Data Science 1"), ("joining", "open")]
    status, _ = await site.post("/courses", "tess-token", fields)
    assert status == 303
    _, page, _ = await site.get("/courses/data-science-1?done=made", "tess-token")
    assert "http://127.0.0.1:8000/c/data-science-1<" in page and "The course is made." in page
    _, page, _ = await site.get("/courses", "tess-token")
    assert "Data Science 1" in page and "/c/data-science-1" in page


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ([("title", "X"), ("slug", "../x")], "cannot be used in links"),
        ([("title", "X"), ("slug", EVIL)], "cannot be used in links"),
        ([("title", "X"), ("slug", "d\u0430ta")], "cannot be used in links"),
        ([("title", "X"), ("slug", "a" * 10_000)], "cannot be used in links"),
        ([("title", "X"), ("slug", "a\nb")], "cannot be used in links"),
        ([("title", "数学")], "cannot be used in links"),
        ([("title", "X"), ("slug", "d5-24")], "looks like that of another course"),
        ([("title", "X"), ("slug", "DS-24")], "is taken"),
        ([("title", "x" * 10_000), ("slug", "other")], "This title is too long."),
        ([("title", ""), ("slug", "other")], "The course has no title."),
        ([("title", "X"), ("slug", "other"), ("description", "x" * 10_000)], "too long"),
        ([("title", "X"), ("slug", "other"), ("joining", "any")], "no such way of joining"),
    ],
)
async def test_a_course_that_cannot_be_is_said_on_the_form(
    school: Site, fields: list[tuple[str, str]], says: str
) -> None:
    status, page = await school.post("/courses", "tess-token", fields)
    assert status in (400, 409) and says in page and "<script>alert" not in page
    status, _ = await school.post("/courses", "tess-token", fields, **JSON)
    assert status in (400, 409)
    assert len(school.store.read(courses.listed, Actor("root", Role.ADMIN))) == 2


async def test_students_make_none_and_are_told_what_to_do(site: Site) -> None:
    status, page = await site.post("/courses", "student-token", [("title", "Mine")])
    assert status == 403 and "Courses are made by teachers." in page
    status, page, _ = await site.get("/courses", "student-token")
    assert status == 200 and "Your teacher gives you a link." in page and "Make a" not in page


async def test_texts_of_people_are_text_on_every_page(school: Site) -> None:
    for token in ("tess-token", "mia-token", "root-token", "ada-token"):
        for path in ("/courses", "/courses/ds-24", "/courses/ds-24/people", "/c/ds-24", "/people"):
            _, page, _ = await school.get(path, token)
            assert "<script>alert" not in page


async def test_a_member_sees_the_course_and_no_other_member(school: Site) -> None:
    school.store.decide(members.join, Actor("ada", Role.STUDENT), "ds-24", "", _by("ada"))
    _, page, _ = await school.get("/courses/ds-24", "mia-token")
    assert "Taught by tess" in page and "ada" not in page and "/do" in page
    _, body, _ = await school.get("/courses/ds-24", "mia-token", **JSON)
    assert set(json.loads(body)) == {
        "slug", "title", "description", "joining", "archived", "default_profile", "teachers",
        "version", "packages",
    }  # fmt: skip


ROUTES = [
    ("", []), ("/people", [("text", "ada"), ("invite", "1")]), ("/people", [("link", "1")]),
    *(
        ("/do", [("action", action), ("name", "tim"), ("title", "Mine"), ("joining", "open")])
        for action in ("change", "renew", "archive", "restore", "teacher", "remove")
    ),
]  # fmt: skip


@pytest.mark.parametrize("token", ["mia-token", "ada-token", "tim-token", "stranger-token"])
async def test_who_does_not_teach_a_course_manages_nothing_of_it(school: Site, token: str) -> None:
    before = school.store.read(courses.require, "ds-24"), _seats(school)
    for path, fields in ROUTES:
        if path:
            status, page = await school.post(f"/courses/ds-24{path}", token, fields)
            assert status in (403, 404), (path, fields)
            assert "<script>alert" not in page
    status, _, _ = await school.get("/courses/ds-24/people", token)
    assert status in (403, 404)
    assert (school.store.read(courses.require, "ds-24"), _seats(school)) == before
    assert school.store.read(invitations.of_actor, Actor("root", Role.ADMIN)) == []


async def test_what_is_refused_is_on_record_with_the_address(school: Site) -> None:
    fields = [("action", "archive")]
    address = {"X-Forwarded-For": "192.0.2.7"}
    await school.post("/courses/ds-24/do", "tim-token", fields, **address)
    await school.post("/courses/ds-24/do", "mia-token", fields, **address)
    with school.store.reading() as tx:
        lines = tx.execute(sa.select(audit).where(audit.c.what == "refused")).all()
    assert [(one.who, one.address) for one in lines] == [("tim", "192.0.2.7"), ("mia", "192.0.2.7")]
    assert all("ds-24" in one.detail for one in lines)


async def test_a_course_of_another_teacher_reads_like_one_that_there_is_not(school: Site) -> None:
    answers = []
    for slug in ("ds-24", "nothing-here"):
        status, page, _ = await school.get(f"/courses/{slug}", "tim-token")
        answers.append((status, page.replace(slug, "X")))
    assert answers[0][0] == 404

    def plain(page: str) -> str:
        return re.sub(r'(?:value|data-xsrf)="[^"]*"', "", page)

    assert plain(answers[0][1]) == plain(answers[1][1])


@pytest.mark.parametrize("why", ["closed", "archived", "nothing-here"])
async def test_the_door_tells_nobody_which_courses_there_are(school: Site, why: str) -> None:
    slug = "ds-24"
    if why == "closed":
        _joining(school, Joining.CLOSED)
    elif why == "archived":
        school.store.decide(courses.archive, TESS, "ds-24", _by())
    else:
        slug = why
    for answer in (
        await school.get(f"/c/{slug}/a.ipynb", "ada-token"),
        await school.post(f"/c/{slug}", "ada-token", [("code", "ABCD-EFGH")]),
    ):
        assert answer[0] == 404 and "There is no course here that you can join." in answer[1]
        assert "tess" not in answer[1]
    assert "ada" not in _seats(school)


async def test_a_link_joins_with_one_press_and_leads_on_to_the_notebook(school: Site) -> None:
    status, page, _ = await school.get("/c/ds-24/week%201/a%23b.ipynb", "ada-token")
    assert status == 200 and "Join Data" in page and "ada" not in _seats(school)
    assert 'action="/services/carrel/c/ds-24/week%201/a%23b.ipynb"' in page
    headers = {"Authorization": "token ada-token"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(
            URL(f"{school.url}/c/ds-24/week%201/a%23b.ipynb", encoded=True), allow_redirects=False
        ) as answer,
    ):
        assert answer.status == 303
        assert answer.headers["Location"] == "/hub/open/course/ds-24/week%201/a%23b.ipynb"
    assert _seats(school)["ada"] is CourseRole.STUDENT
    assert await _where(school, "/c/DS-24", "ada-token") == (303, "/hub/open/course/ds-24")


async def test_a_wrong_code_is_said_on_the_card(school: Site) -> None:
    code = _joining(school, Joining.CODE)
    for wrong in ("", "AAAA-AAAA", "x" * 10_000, EVIL):
        status, page = await school.post("/c/ds-24", "ada-token", [("code", wrong)])
        assert status == 403 and "code" in page and code not in page and "<script>al" not in page
    status, _ = await school.post("/c/ds-24", "ada-token", [("code", code.lower())])
    assert status == 303 and "ada" in _seats(school)


async def test_many_who_join_at_once_are_all_in_once(school: Site) -> None:
    code = _joining(school, Joining.CODE)
    names = [f"s{number}" for number in range(8)]
    for name in names:
        school.add(name)
    answers = await asyncio.gather(
        *(school.post("/c/ds-24", f"{name}-token", [("code", code)]) for name in names * 2)
    )
    assert {status for status, _ in answers} == {303}
    assert {*names} <= {*_seats(school)} and len(_seats(school)) == 10


@pytest.mark.parametrize(
    "path",
    ["/c/ds-24/../x.ipynb", "/c/ds-24/%2e%2e/x", "/c/ds-24/a%0Ab", "/c/ds-24/a//b", "/c/ds-24/%5C",
     f"/c/ds-24/{'x' * 2000}", "/c/ds-24/http:%2F%2Fevil", "/c/ds-24/%00"],
)  # fmt: skip
async def test_paths_that_lead_out_are_refused(school: Site, path: str) -> None:
    status, where = await _where(school, path, "mia-token")
    assert status in (400, 404) and not where


async def test_without_a_login_the_door_keeps_the_code_and_asks_for_one(school: Site) -> None:
    _joining(school, Joining.CLOSED)
    pages = []
    for slug in ("ds-24", "nothing-here"):
        status, page, headers = await school.get(f"/c/{slug}")
        assert status == 200 and "/hub/api/oauth2/authorize" in page and "code.js" in page
        assert "Set-Cookie" in headers
        pages.append(re.sub(r"state=[^\"&;]+|code_challenge=[^\"&;]+", "", page))
    assert pages[0].replace("ds-24", "X") == pages[1].replace("nothing-here", "X")
    status, _, _ = await school.get("/courses")
    assert status == 302


@pytest.mark.parametrize(
    "path",
    ["/c/ds-24", "/c/ds-24/a%20b.ipynb", "/c//evil.example", "/github/o/r/blob/main/a.ipynb"],
)
async def test_short_links_only_lead_to_the_services_pages(school: Site, path: str) -> None:
    root = school.url.removesuffix("/services/carrel")
    async with (
        aiohttp.ClientSession() as http,
        http.get(URL(root + path, encoded=True), allow_redirects=False) as answer,
    ):
        assert answer.status == 302
        assert answer.headers["Location"] == f"/services/carrel{path}"


async def test_a_form_without_its_token_does_nothing(school: Site) -> None:
    """A browser's login: a cookie, as the hub's client keeps it."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.get(f"{school.url}/admin", allow_redirects=False) as answer:
            state = re.search(r"state=([^&]+)", answer.headers["Location"])[1]
        callback = URL(f"{school.url}/oauth_callback?code=c&state={state}", encoded=True)
        async with http.get(callback, allow_redirects=False) as answer:
            assert answer.status == 302
        for path, fields in (("/c/ds-24", {}), ("/courses/ds-24/do", {"action": "leave"})):
            async with http.post(school.url + path, data=fields) as answer:
                assert answer.status == 403
        assert "ada" not in _seats(school)
        async with http.get(f"{school.url}/c/ds-24") as answer:
            page = await answer.text()
        fields = {"_xsrf": re.search(r'name="_xsrf" value="([^"]+)"', page)[1]}
        async with http.post(f"{school.url}/c/ds-24", data=fields, allow_redirects=False) as answer:
            assert answer.status == 303
    assert "ada" in _seats(school)
    for site in ("cross-site", "same-site"):
        other = {"Sec-Fetch-Site": site}
        assert (await school.post("/c/ds-24", "tim-token", [], **other))[0] == 403
    assert "tim" not in _seats(school)


async def test_a_list_puts_people_in_and_invites_the_others(school: Site) -> None:
    text = "ada\nkim, Kim Example\nmia\ntim"
    status, page = await school.post("/courses/ds-24/people", "tess-token", [("text", text)])
    assert status == 200 and "Is this right?" in page and "ada" not in _seats(school)
    fields = [("text", text), ("invite", "1")]
    status, page = await school.post("/courses/ds-24/people", "tess-token", fields)
    (token,) = set(re.findall(r"/hub/invitation#([\w-]{43})", page))
    assert "1 person is in the course now." in page and "ada" in _seats(school)
    new = NewAccount("kim", Role.STUDENT)
    school.store.decide(invitations.accept, token, new, _by("(invited)"))
    assert _seats(school)["kim"] is CourseRole.STUDENT
    _, body = await school.post("/courses/ds-24/people", "tess-token", fields, **JSON)
    assert json.loads(body)["invited"] == [] and len(json.loads(body)["there"]) == 4


async def test_a_list_with_a_mistake_adds_nobody(school: Site) -> None:
    fields = [("text", f"ada\n{EVIL}|x"), ("invite", "1")]
    status, page = await school.post("/courses/ds-24/people", "tess-token", fields)
    assert status == 400 and "Nobody was added yet" in page and "<script>alert" not in page
    assert "ada" not in _seats(school)


async def test_one_link_for_several_leads_into_the_course(school: Site) -> None:
    fields = [("link", "1"), ("uses", "2"), ("days", "3")]
    _, page = await school.post("/courses/ds-24/people", "tess-token", fields)
    (token,) = set(re.findall(r"/hub/invitation#([\w-]{43})", page))
    for name in ("kim", "lea"):
        new = NewAccount(name, Role.STUDENT)
        school.store.decide(invitations.accept, token, new, _by("(invited)"))
    assert {"kim", "lea"} <= {*_seats(school)}
    _, page, _ = await school.get("/invitations", "tess-token")
    assert "into ds-24" in page


async def test_an_archived_course_takes_nobody_in_and_comes_back(school: Site) -> None:
    status, _ = await school.post("/courses/ds-24/do", "tess-token", [("action", "archive")])
    assert status == 303
    for path, fields in (("/people", [("text", "ada"), ("invite", "1")]),
                         ("/do", [("action", "teacher"), ("name", "tim")])):  # fmt: skip
        status, page = await school.post(f"/courses/ds-24{path}", "tess-token", fields)
        assert status == 409 and "is archived" in page
    _, page, _ = await school.get("/courses/ds-24", "mia-token")
    assert "This course is archived" in page
    assert (await _where(school, "/c/ds-24", "mia-token"))[0] == 303
    await school.post("/courses/ds-24/do", "tess-token", [("action", "restore")])
    assert (await school.get("/c/ds-24", "ada-token"))[0] == 200


async def test_a_student_leaves(school: Site) -> None:
    status, _ = await school.post("/courses/ds-24/do", "mia-token", [("action", "leave")])
    assert status == 303 and "mia" not in _seats(school)


async def test_to_teach_somebody_is_to_see_them_not_to_hold_their_account(school: Site) -> None:
    _, page, _ = await school.get("/people", "tess-token")
    assert "Mia" in page and "Mark mia" not in page and "/courses/ds-24" in page
    status, page, _ = await school.get("/people/mia", "tess-token")
    assert status == 200 and "in your course" in page and "Reset link" not in page
    for action in ("reset", "disable", "delete"):
        fields = [("action", action), ("name", "mia"), ("confirmed", "1")]
        _, body = await school.post("/people/do", "tess-token", fields, **JSON)
        assert json.loads(body)["outcomes"][0]["refused"], action
    assert school.store.read(accounts.require, "mia").enabled


@pytest.mark.parametrize(
    ("link", "where"),
    [
        ("o-1/r.x/blob/main/a%20b/c.ipynb", "o-1/r.x/blob/main/a%20b/c.ipynb"),
        ("o/r/blob/v1.0/%C3%9C.ipynb", "o/r/blob/v1.0/%C3%9C.ipynb"),
    ],
)
async def test_links_to_public_notebooks_lead_into_the_session(
    site: Site, link: str, where: str
) -> None:
    assert await _where(site, f"/github/{link}", "ada-token") == (303, f"/hub/open/github/{where}")


@pytest.mark.parametrize(
    "link",
    [
        "o/r/blob/main/a.py", "o/r/tree/main/a.ipynb", "o/r/blob/main/.git/a.ipynb", "o/r",
        "o/../blob/main/a.ipynb", "-o/r/blob/main/a.ipynb", "o/r/blob/--upload-pack=x/a.ipynb",
        "o/r/blob/main/../a.ipynb", "o/r/blob/a..b/c.ipynb", "o/r.git/blob/main/a.ipynb",
        "o%0A/r/blob/main/a.ipynb", "o/r/blob/main/a%00.ipynb", "o@evil.example/r/blob/m/a.ipynb",
        "ext::sh/r/blob/main/a.ipynb", f"o/r/blob/main/{'x' * 2000}.ipynb",
        "o/%3Cb%3E/blob/m/a.ipynb",
    ],
)  # fmt: skip
async def test_what_is_no_such_link_is_refused(site: Site, link: str) -> None:
    status, where = await _where(site, f"/github/{link}", "ada-token")
    assert status == 400 and not where, link


async def test_the_button_is_made_of_an_address(site: Site) -> None:
    for address in (
        "https://github.com/o/r/blob/main/a%20b.ipynb",
        "github.com/o/r/blob/main/a%20b.ipynb?plain=1#L3",
        "https://colab.research.google.com/github/o/r/blob/main/a%20b.ipynb",
    ):
        quoted = URL("/badge").with_query(address=address)
        status, body, _ = await site.get(str(quoted), "ada-token", **JSON)
        told = json.loads(body)
        assert status == 200
        assert told["link"] == "http://127.0.0.1:8000/github/o/r/blob/main/a%20b.ipynb"
        image = "http://127.0.0.1:8000/services/carrel/static/open-in-carrel.svg"
        assert told["markdown"] == f"[![Open in Carrel]({image})]({told['link']})"
    status, page, _ = await site.get(str(quoted), "ada-token")
    assert status == 200 and "&lt;a href=&#34;http" in page
    status, svg, headers = await site.get("/static/open-in-carrel.svg")
    assert status == 200 and headers["Content-Type"].startswith("image/svg+xml")
    assert "script" not in svg


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/o/r/blob/main/a.ipynb", "javascript:alert(1)", EVIL, "x" * 10_000,
     "https://github.com@evil.example/o/r/blob/main/a.ipynb", "https://[::1/o/r/blob/m/a.ipynb",
     'https://github.com/o/r/blob/main/"><b>.py', "file:///github.com/o/r/blob/main/a.ipynb"],
)  # fmt: skip
async def test_an_address_of_elsewhere_makes_no_button(site: Site, address: str) -> None:
    quoted = str(URL("/badge").with_query(address=address))
    status, page, _ = await site.get(quoted, "ada-token")
    assert status == 400 and "<script>alert" not in page and "Markdown" not in page


async def test_a_course_proposes_a_profile_of_the_site_and_says_when_it_is_gone(
    school: Site,
) -> None:
    course = school.store.read(courses.require, "ds-24")
    texts = [("action", "change"), ("title", course.title), ("joining", "open")]
    fields = [*texts, ("profile", "datascience")]
    status, _ = await school.post("/courses/ds-24/do", "tess-token", fields)
    assert status == 303
    for who in ("tess-token", "mia-token"):
        _, body, _ = await school.get("/courses/ds-24", who, **JSON)
        assert json.loads(body)["default_profile"] == "datascience"
    _, page, _ = await school.get("/courses/ds-24", "tess-token")
    assert 'value="datascience" selected' in page and "not offered any more" not in page
    for wrong in ("gpu", EVIL, "x" * 10_000):
        fields = [*texts, ("profile", wrong)]
        status, page = await school.post("/courses/ds-24/do", "tess-token", fields)
        assert status == 400 and "There is no profile" in page and "<script>alert" not in page
        assert (await school.post("/courses/ds-24/do", "tess-token", fields, **JSON))[0] == 400
    # Programs that know nothing of it change nothing of it.
    await school.post("/courses/ds-24/do", "tess-token", [*texts, ("description", "New")])
    assert school.store.read(courses.require, "ds-24").default_profile == "datascience"
    with school.store.deciding() as tx:
        tx.execute(sa.update(course_rows).values(default_profile="old-gpu"))
    _, page, _ = await school.get("/courses/ds-24", "tess-token")
    assert "old-gpu, which was chosen here, is not offered any more." in page
    await school.post("/courses/ds-24/do", "tess-token", [*texts, ("profile", "")])
    assert school.store.read(courses.require, "ds-24").default_profile is None


async def test_a_guessed_name_on_a_list_tells_nothing_of_whose_it_is(school: Site) -> None:
    school.store.decide(accounts.set_full_name, "ada", "Ada Secret", _by("ada"))
    school.store.decide(accounts.note_login, "ada", datetime.now(UTC))
    fields = [("text", "ada"), ("invite", "1")]
    await school.post("/courses/ds-24/people", "tess-token", fields)
    for path in ("/courses/ds-24", "/courses/ds-24?q=Secret", "/courses/ds-24?sort=session",
                 "/people", "/people?q=ada", "/people/ada"):  # fmt: skip
        for more in ({}, JSON):
            _, page, _ = await school.get(path, "tess-token", **more)
            assert "Ada Secret" not in page, path
    _, body, _ = await school.get("/courses/ds-24?q=ada", "tess-token", **JSON)
    (ada,) = json.loads(body)["people"]
    assert (ada["full_name"], ada["last_seen_at"], ada["enabled"]) == ("", None, None)
    _, page, _ = await school.get("/courses/ds-24", "root-token")
    assert "Ada Secret" in page


async def test_the_people_of_a_large_course_come_by_the_page(school: Site) -> None:
    names = [f"student{number:03}" for number in range(250)]
    for name in names[:3]:
        school.add(name)
    with school.store.deciding() as tx:
        made = {"role": Role.STUDENT, "created_at": datetime.now(UTC), "full_name": ""}
        tx.execute(sa.insert(account_rows), [made | {"name": name} for name in names[3:]])
    course = school.store.read(courses.require, "ds-24")
    school.store.decide(members.add_students, course, names, _by())
    _, body, _ = await school.get("/courses/ds-24?sort=name&page=3", "tess-token", **JSON)
    told = json.loads(body)
    assert (len(told["people"]), told["total"], told["page"], told["pages"]) == (52, 252, 3, 3)
    assert told["sums"]["students"] == 251
    _, page, _ = await school.get("/courses/ds-24?page=2", "tess-token")
    assert page.count('name="action" value="remove"') == 100 and "Page 2 of 3" in page
    assert "sort=name&amp;page=3#people-head" in page
    _, page, _ = await school.get(f"/courses/ds-24?q=student24&sort=version&x={EVIL}", "tess-token")
    assert "10 people fit." in page and 'value="version" selected' in page
    _, page, _ = await school.get(f"/courses/ds-24?q={EVIL}x", "tess-token")
    assert "Nobody fits this search." in page and "<script>alert" not in page
    status, page, _ = await school.get("/courses/ds-24?sort=home", "tess-token")
    assert status == 400 and "There is no such order." in page
    for odd in ("0", "-1", "x", "99999999999", "99"):
        assert (await school.get(f"/courses/ds-24?page={odd}", "tess-token"))[0] == 200
