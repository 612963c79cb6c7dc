"""Pages of materials in real Chromium: axe finds nothing, a phone and the keyboard are enough."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from hub import courses, members, orders
from hub.audit import By
from hub.courses import Wish
from hub.enums import Role, Source
from hub.materials.places import Place
from hub.powers import Actor
from tests.hub.materials.trees import cell, notebook, zipped
from tests.hub.web.conftest import Site
from tests.hub.web.published import HERE, TESS, published, uploaded, with_folder
from tests.hub.web.test_pages_in_chromium import _check, page, school  # noqa: F401  fixtures

pytestmark = pytest.mark.browser
PLOT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
OUTPUT = {"output_type": "display_data", "metadata": {}, "data": {"image/png": PLOT}}
HOSTILE = "<script>parent.document.title='taken'</script><img src=x onerror=alert(1)>"
LAB = notebook(
    cell("# Week 1\nLook at the data first.", "markdown", "a"),
    cell("import pandas as pd\ndata = pd.read_csv('data.csv')\ndata.head()", id_="b"),
    cell("data.plot()", id_="c", outputs=[OUTPUT]),
    cell(HOSTILE, "markdown", "d"),
)
LAB2 = notebook(
    cell("# Week 1\nLook at the data first.", "markdown", "a"),
    cell("import pandas as pd\ndata = pd.read_csv('weather.csv')\ndata.head()", id_="b"),
    cell("data.describe()", id_="e"),
    cell("data.plot()", id_="c", outputs=[OUTPUT]),
    cell(HOSTILE, "markdown", "d"),
)
FIRST = {"week1/lab1.ipynb": LAB, "week1/read me.md": b"Hello", "old.csv": b"1,2\n" * 99}
SECOND = {"week1/lab1.ipynb": LAB2, "week1/read me.md": b"Hello", "week2/lab2.ipynb": LAB,
          f"a-very-long-name-{'x' * 90}.txt": b"x", "plot.html": base64.b64decode(PLOT),
          "large.bin": bytes(3_000_000), "page.svg": HOSTILE.encode()}  # fmt: skip


@pytest.fixture
def place(school: Site) -> Place:  # noqa: F811
    """Tess teaches ds-24, where student1 is."""
    by = By("tess", datetime.now(UTC))
    wish = Wish("Data Science for everybody")
    school.store.decide(courses.make, TESS, "ds-24", wish, by)
    school.store.decide(members.join, Actor("student1", Role.STUDENT), "ds-24", "", by)
    return with_folder(school)


async def _as(page: Page, name: str) -> None:  # noqa: F811
    await page.context.set_extra_http_headers({"Authorization": f"token {name}-token"})


def _numbers(colour: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", colour)[:3]]


async def _press(page: Page, role: str, name: str, exact: bool = False) -> None:  # noqa: F811
    await page.get_by_role(role, name=name, exact=exact).first.press("Enter")


async def test_every_page_of_materials_is_fit_for_all(
    school: Site,  # noqa: F811
    place: Place,
    page: Page,  # noqa: F811
) -> None:
    await published(school, zipped(FIRST), "The first week.\nHave fun!")
    await published(school, zipped(SECOND), "The second week")
    waiting = await uploaded(school, zipped(FIRST))
    by = By("tess", datetime.now(UTC))
    wish = orders.Wish(Source.GIT, "https://git.example/data/course.git", "dev")
    failed = school.store.decide(orders.order, TESS, "ds-24", wish, by)
    school.store.decide(orders.failed, failed.id, "There is no branch dev. Look at its page.")
    reading = school.store.decide(
        orders.order, TESS, "ds-24", orders.Wish(Source.SESSION, "ml/week1"), by
    )
    for who, name, path in (
        ("tess", "materials-teach", "?done=published"),
        ("tess", "materials-filled", "?path=ml/week2/lab.ipynb"),
        ("tess", "materials-order", f"/orders/{reading.id}"),
        ("tess", "materials-failed", f"/orders/{failed.id}"),
        ("tess", "materials-intake", f"/intakes/{waiting}"),
        ("tess", "materials-changes", f"/intakes/{waiting}/changes?path=week1/lab1.ipynb"),
        ("tess", "materials-notebook", f"/intakes/{waiting}/notebook?path=week1/lab1.ipynb"),
        ("tess", "materials-text", f"/intakes/{waiting}/notebook?path=week1/read+me.md"),
        ("student1", "materials-picture", "/versions/2/notebook?path=plot.html"),
        ("student1", "materials-size", "/versions/2/notebook?path=large.bin"),
        ("tess", "materials-undo", "/undo"),
        ("student1", "materials", ""),
        ("student1", "materials-version", "/versions/2"),
        ("student1", "materials-version-changes", "/versions/2/changes?path=week1/lab1.ipynb"),
        ("student1", "materials-none", "/versions/9"),
    ):
        await _as(page, who)
        await page.goto(school.url + HERE + path)
        await _check(page, name)
    await _as(page, "tess")
    for path in ("/courses/ds-24", HERE):
        await page.goto(school.url + path)
    school.store.decide(courses.archive, TESS, "ds-24", by)
    await page.goto(school.url + HERE)
    await _check(page, "materials-archived")


async def test_a_course_publishes_twice_and_takes_back_by_keyboard_alone(
    school: Site,  # noqa: F811
    place: Place,
    page: Page,  # noqa: F811
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "week1.zip", tmp_path / "week2.zip"
    first.write_bytes(zipped(FIRST))
    second.write_bytes(zipped(SECOND))
    await _as(page, "tess")
    await page.goto(f"{school.url}/courses/ds-24")
    await _press(page, "link", "Publish and undo")
    keeps = page.locator("#keeps-upload")
    await expect(keeps).to_be_checked()
    await page.get_by_label("Notebook (.ipynb) or zip").set_input_files(first)
    await expect(keeps).not_to_be_checked()
    await _press(page, "button", "Send it")
    await expect(page.get_by_text("all of it is new")).to_be_visible()
    await page.get_by_label("What is new").focus()
    await page.keyboard.type("The first week")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Publish")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status").first).to_contain_text("Version 1 is published.")
    await page.get_by_label("Notebook (.ipynb) or zip").set_input_files(second)
    await _press(page, "button", "Send it")
    await expect(page.get_by_role("heading", name="What changes for students")).to_be_visible()
    await _check(page, "flow-preview")
    await _press(page, "link", "Changed cells of week1/lab1.ipynb")
    await expect(page.get_by_text("2 cells differ.")).to_be_visible()
    await expect(page.locator("del")).to_contain_text("data.csv")
    await expect(page.locator("ins").first).to_contain_text("weather.csv")
    await _press(page, "link", "Next changed cell")
    await expect(page.locator("#c2")).to_be_focused()
    await _press(page, "link", "← What changes for students")
    await _press(page, "button", "Publish")
    await expect(page.get_by_role("status").first).to_contain_text("Version 2 is published.")
    await _press(page, "link", "Undo version 2")
    await _press(page, "button", "Undo version 2")
    await expect(page.get_by_role("status").first).to_contain_text("Taken back: version 3")
    await _as(page, "student1")
    await page.goto(f"{school.url}/courses/ds-24")
    await _press(page, "link", "What is new")
    await expect(page.get_by_text("Version 2 undone")).to_be_visible()
    await _press(page, "link", "Version 3")
    await expect(page.get_by_role("heading", name="3 files in it")).to_be_visible()


async def test_a_notebook_in_its_frame_runs_nothing_and_has_no_origin(
    school: Site,  # noqa: F811
    place: Place,
    page: Page,  # noqa: F811
) -> None:
    await published(school, zipped(FIRST))
    await _as(page, "student1")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{school.url}{HERE}/versions/1/notebook?path=week1/lab1.ipynb")
    frame = page.frame_locator("iframe")
    await expect(frame.get_by_text("Look at the data first.")).to_be_visible()
    assert await page.title() == "week1/lab1.ipynb · Carrel"
    # The page's ground shows through: its text must be of the same scheme.
    inner = page.frames[1]
    text = await inner.evaluate("getComputedStyle(document.body).color")
    ours = await page.evaluate("getComputedStyle(document.body).color")
    assert (sum(_numbers(text)) > 380) is (sum(_numbers(ours)) > 380)
    ground = "getComputedStyle(document.querySelector('iframe')).backgroundColor"
    assert await page.evaluate(ground) == "rgba(0, 0, 0, 0)"
    assert await inner.evaluate("self.origin") == "null"
    assert {url.split("/")[2] for url in asked} == {school.url.split("/")[2]}
    assert not [url for url in asked if url.endswith("/x")]


async def test_other_files_in_their_frame_run_nothing_and_are_what_their_bytes_are(
    school: Site,  # noqa: F811
    place: Place,
    page: Page,  # noqa: F811
) -> None:
    await published(school, zipped(SECOND))
    await _as(page, "student1")
    for path, says in (("page.svg", HOSTILE), ("week1/read me.md", "Hello"),
                       ("large.bin", "Open the course in a session to see it.")):  # fmt: skip
        await page.goto(f"{school.url}{HERE}/versions/1")
        await _press(page, "link", f"Look at {path}", exact=True)
        frame = page.frame_locator("iframe")
        await expect(frame.get_by_text(says)).to_be_visible()
        assert await page.title() == f"{path} · Carrel"
        assert await page.frames[1].evaluate("self.origin") == "null"
    await page.goto(f"{school.url}{HERE}/versions/1/notebook?path=plot.html")
    picture = page.frame_locator("iframe").get_by_role("img", name="plot.html")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("image => image.naturalWidth") == 1


async def test_problems_are_said_where_they_are_and_get_the_focus(
    school: Site,  # noqa: F811
    place: Place,
    page: Page,  # noqa: F811
    tmp_path: Path,
) -> None:
    await _as(page, "tess")
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK no zip at all")
    await page.goto(school.url + HERE)
    await page.get_by_label("Notebook (.ipynb) or zip").set_input_files(broken)
    await _press(page, "button", "Send it")
    problem = page.get_by_role("alert")
    await expect(problem).to_be_focused()
    await expect(problem).to_contain_text("broken.zip is no zip")
    await _check(page, "materials-problem")
    await page.get_by_label("Folder or notebook").fill("../x")
    await page.get_by_label("Folder or notebook").press("Enter")
    await expect(problem).to_be_focused()
    await expect(page.get_by_label("Folder or notebook")).to_have_value("../x")
    mine = await uploaded(school, zipped(FIRST))
    await page.goto(f"{school.url}{HERE}/intakes/{mine}")
    await published(school, zipped(SECOND))
    await page.get_by_label("What is new").fill("Mine")
    await _press(page, "button", "Publish")
    await expect(problem).to_contain_text("Somebody published meanwhile.")
    await expect(page.get_by_label("What is new")).to_have_value("Mine")
    await _check(page, "materials-overtaken")


async def test_a_file_that_is_too_large_is_said_before_it_is_sent(
    school: Site,  # noqa: F811
    place: Place,
    page: Page,  # noqa: F811
    tmp_path: Path,
) -> None:
    large = tmp_path / "large.zip"
    with large.open("wb") as file:
        file.truncate(101 * 2**20)
    await _as(page, "tess")
    await page.goto(school.url + HERE)
    await page.get_by_label("Notebook (.ipynb) or zip").set_input_files(large)
    said = page.locator("[data-said]")
    await expect(said).to_contain_text("This file is too large.")
    await _press(page, "button", "Send it")
    assert page.url.endswith("/materials")


async def test_what_is_being_read_is_told_live_and_leads_on(
    school: Site,  # noqa: F811
    place: Place,
    page: Page,  # noqa: F811
) -> None:
    await _as(page, "tess")
    await page.goto(school.url + HERE)
    await page.get_by_label("Folder or notebook").fill("/content/ml/week1")
    await page.get_by_label("Folder or notebook").press("Enter")
    status = page.get_by_role("status")
    await expect(status).to_have_text("Waiting for its turn…")
    order = school.store.decide(orders.begin)
    await expect(status).to_have_text("Being read…")

    async def away(route: Route) -> None:
        await route.abort()

    await page.route("**/orders/*", away)
    await expect(status).to_contain_text("No answer just now")
    await page.unroute("**/orders/*", away)
    await expect(status).to_have_text("Being read…")
    school.store.decide(orders.ready, order.id, await uploaded(school, zipped(FIRST)))
    await expect(page.get_by_role("heading", name="What changes for students")).to_be_visible()


async def test_an_order_that_failed_is_tried_again_with_the_form_filled(
    school: Site,  # noqa: F811
    place: Place,
    page: Page,  # noqa: F811
) -> None:
    await _as(page, "tess")
    await page.goto(school.url + HERE)
    await page.get_by_label("Address of a public repository").fill("https://git.example/a")
    await page.get_by_label("Branch").fill("dev")
    await page.get_by_label("Branch").press("Enter")
    await expect(page.get_by_role("status")).to_be_visible()
    order = school.store.decide(orders.begin)
    school.store.decide(orders.failed, order.id, "There is no branch dev.")
    await expect(page.get_by_role("alert")).to_contain_text("There is no branch dev.")
    await _press(page, "link", "Try again")
    await expect(page.get_by_label("Branch")).to_have_value("dev")
