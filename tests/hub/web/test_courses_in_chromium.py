"""Pages of courses in real Chromium: axe finds nothing, a phone and the keyboard are enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from hub import course_people, courses, members, sessions
from hub.audit import By
from hub.courses import Wish
from hub.enums import CourseRole, Joining, Reason, Role, Source
from hub.models import accounts as account_rows
from hub.models import copies, versions
from hub.models import courses as course_rows
from hub.powers import Actor
from tests.hub.web.conftest import Site
from tests.hub.web.test_pages_in_chromium import _check, page, school  # noqa: F401  fixtures

pytestmark = pytest.mark.browser
TESS = Actor("tess", Role.TEACHER)
ABOUT = "Tables, plots and first models.\nBring a question about data that you care for."


@pytest.fixture
def course(school: Site) -> Site:  # noqa: F811  the fixture
    """Two courses; one with students in every state, and what became of two versions."""
    now = datetime.now(UTC)
    by = By("tess", now)
    wish = Wish("Data Science for everybody", ABOUT, Joining.CODE)
    school.store.decide(courses.make, TESS, "data-26", wish, by)
    school.store.decide(courses.make, TESS, "algebra-25", Wish("Algebra, last year"), by)
    school.store.decide(courses.archive, TESS, "algebra-25", by)
    data = school.store.read(courses.require, "data-26")
    names = [f"student{number}" for number in (0, 1, 2, 3, 5, 6)]
    school.store.decide(members.add_students, data, names, by)
    past = school.store.decide(sessions.open_session, "student5", "small", now - timedelta(hours=3))
    ended = now - timedelta(hours=1)
    school.store.decide(sessions.close_session, past.id, Reason.IDLE, ended, "")
    with school.store.deciding() as tx:
        for number in (1, 2):
            what = {"commit": "c0ffee", "by": "tess", "at": now, "source": Source.UPLOAD}
            tx.execute(versions.insert().values(course="data-26", number=number, files=9, **what))
        for name, version, kept in (("student1", 2, 0), ("student2", 2, 2), ("student5", 1, 0)):
            report = {"version": version, "at": now, "up_to_date": 9 - kept, "kept": kept}
            tx.execute(copies.insert().values(course="data-26", user=name, **report))
        tx.execute(course_rows.update().values(default_profile="old-gpu"))
        made = {"role": Role.STUDENT, "created_at": now, "full_name": ""}
        more = [f"somebody{number:03}" for number in range(300)]
        tx.execute(account_rows.insert(), [made | {"name": name} for name in more])
    school.store.decide(courses.make, TESS, "large-26", Wish("Large"), by)
    large = school.store.read(courses.require, "large-26")
    school.store.decide(members.add_students, large, [*more, *names], by)
    return school


async def _as(page: Page, name: str) -> None:  # noqa: F811
    await page.context.set_extra_http_headers({"Authorization": f"token {name}-token"})


async def test_every_page_of_courses_is_fit_for_all(course: Site, page: Page) -> None:  # noqa: F811
    for who, name, path in (
        ("tess", "courses", "/courses"),
        ("tess", "course-teach", "/courses/data-26"),
        ("tess", "course-archived", "/courses/algebra-25"),
        ("tess", "course-large", "/courses/large-26?page=2"),
        ("tess", "course-found", "/courses/large-26?q=student1&sort=version"),
        ("tess", "course-nobody", "/courses/large-26?q=zzz"),
        ("tess", "course-list", "/courses/data-26/people"),
        ("tess", "people-courses", "/people"),
        ("tess", "badge", "/badge?address=https://github.com/o/r/blob/main/first.ipynb"),
        ("tess", "badge-problem", "/badge?address=https://example.org/"),
        ("student1", "courses-student", "/courses"),
        ("student1", "course-student", "/courses/data-26"),
        ("student7", "courses-none", "/courses"),
        ("student7", "door-code", "/c/data-26"),
        ("student7", "door-none", "/c/algebra-25"),
        ("root", "courses-admin", "/courses"),
    ):
        await _as(page, who)
        await page.goto(course.url + path)
        await _check(page, name)


async def test_a_course_is_made_and_filled_by_keyboard_alone(
    course: Site,
    page: Page,  # noqa: F811
) -> None:
    await _as(page, "tess")
    await page.goto(f"{course.url}/courses")
    await page.get_by_label("Title").fill("Data Science for everybody")
    await page.get_by_label("Short name").fill("data-26")
    await page.get_by_role("button", name="Make the course").press("Enter")
    await expect(page.get_by_role("alert")).to_be_focused()
    await expect(page.get_by_role("alert")).to_contain_text("The short name data-26 is taken.")
    await _check(page, "courses-problem")
    await page.get_by_label("Short name").fill("")
    await page.get_by_label("Title").fill("Biology 2")
    await page.get_by_role("button", name="Make the course").press("Enter")
    await expect(page.get_by_text("The course is made.")).to_be_visible()
    await _check(page, "course-made")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy").press("Enter")
    await expect(page.get_by_text("Copied.")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == "http://127.0.0.1:8000/c/biology-2"
    await page.get_by_role("link", name="Add people").first.press("Enter")
    await page.get_by_label("The list").fill("student1\nnew.one, New One\nstudent2")
    await page.get_by_role("button", name="Look at it first").press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("2 people have an account")
    await _check(page, "course-list-plan")
    await page.get_by_role("button", name="Add them").press("Enter")
    await expect(page.get_by_text("2 people are in the course now.")).to_be_visible()
    await _check(page, "course-list-made")
    people = course.store.read(course_people.of_course, "biology-2")
    assert [one.name for one in people] == ["tess", "student1", "student2"]


async def test_a_code_in_the_link_fills_the_field_also_over_a_login(
    course: Site,
    page: Page,  # noqa: F811
) -> None:
    code = course.store.read(courses.require, "data-26").code
    link = f"{course.url}/c/data-26#{code[:4]}-{code[4:]}"
    # Nobody is logged in: the page between goes on to the hub, which knows no such address here.
    await page.context.set_extra_http_headers({})
    async with page.expect_request("**/hub/api/oauth2/authorize*"):
        await page.goto(link, wait_until="commit")
    # Back from the login, where the # is lost.
    await _as(page, "student7")
    await page.goto(f"{course.url}/c/data-26")
    await expect(page.get_by_label("The course's code")).to_have_value(f"{code[:4]}-{code[4:]}")
    async with page.expect_request("**/hub/open/course/data-26"):
        await page.get_by_role("button", name="Join").press("Enter")
    people = course.store.read(course_people.of_course, "data-26")
    assert {one.name: one.role for one in people}["student7"] is CourseRole.STUDENT


async def test_the_page_before_the_login_is_fit_for_all(course: Site, page: Page) -> None:  # noqa: F811
    await page.context.set_extra_http_headers({})
    await page.route("**/static/code.js*", lambda route: route.abort())
    await page.goto(f"{course.url}/c/data-26")
    await _check(page, "going")


async def test_people_of_a_large_course_are_found_turned_over_and_ordered_by_keyboard(
    course: Site,
    page: Page,  # noqa: F811
) -> None:
    await _as(page, "tess")
    await page.goto(f"{course.url}/courses/large-26")
    people = page.get_by_role("region", name="People of this course").locator("tbody tr")
    await expect(people).to_have_count(100)
    await page.get_by_role("link", name="Next").press("Enter")
    await expect(page.get_by_text("Page 2 of 4")).to_be_visible()
    await expect(page.get_by_role("heading", name="People", exact=True)).to_be_in_viewport()
    await page.get_by_label("Name or part of it").fill("somebody29")
    await page.get_by_label("Order").select_option("oldest version first")
    await page.get_by_role("button", name="Show").press("Enter")
    await expect(page.get_by_text("10 people fit.")).to_be_visible()
    await expect(people).to_have_count(10)
    await expect(people.first).to_contain_text("not opened yet")
    await page.get_by_role("link", name="Show everybody").press("Enter")
    await expect(people).to_have_count(100)


async def test_the_profile_of_a_course_is_chosen_and_one_that_is_gone_is_said(
    course: Site,
    page: Page,  # noqa: F811
) -> None:
    await _as(page, "tess")
    await page.goto(f"{course.url}/courses/data-26")
    profile = page.get_by_label("Profile for whoever starts")
    await expect(profile).to_have_value("")
    await expect(page.locator("#profile-gone")).to_contain_text("old-gpu")
    await profile.select_option("Data science")
    await page.get_by_role("button", name="Save").press("Enter")
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await expect(profile).to_have_value("datascience")
    await expect(page.locator("#profile-gone")).to_have_count(0)
    await _check(page, "course-profile")
