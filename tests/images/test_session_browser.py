"""The session's own pages in real Chromium: links lead to the notebook, forms and uploads work."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.images.session_server import Answer, Session
from tests.images.teacher import Teacher

pytestmark = pytest.mark.browser
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
COURSES = "/hub/api/carrel/courses?role=teacher"
LINK = "carrel/github/org/repo/blob/main/lab.ipynb"


def notebook(*cells: str) -> str:
    found = [
        {"cell_type": "code", "id": f"c{number}", "metadata": {}, "outputs": [],
         "execution_count": None, "source": cell}
        for number, cell in enumerate(cells)
    ]  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    return json.dumps({"cells": found, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "chromium is missing; ./carrel test installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield browser
        browser.close()


def expect_first_cell(page: Page, text: str) -> None:
    """That the open notebook begins with it."""
    expect(page.locator(".jp-Notebook .cm-content").first).to_contain_text(text)


@pytest.fixture
def page(chromium: Browser) -> Page:
    found = chromium.new_page(viewport={"width": 1000, "height": 800})
    found.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    return found


def test_a_courses_link_survives_the_login_and_shows_the_notebook(
    session: Session, page: Page
) -> None:
    teacher = Teacher(session.courses / "ml" / "materials.git")
    teacher.publish({"lab.ipynb": notebook("'from the course'")})
    page.goto(session.url + "carrel/course/ml/lab.ipynb")
    page.wait_for_url("**/user/ann/notebooks/courses/ml/lab.ipynb")
    expect_first_cell(page, "from the course")
    (session.home / "courses/ml/lab.ipynb").write_text(notebook("'mine'"))
    teacher.publish({"lab.ipynb": notebook("'newer'")})
    page.goto(session.url + "carrel/course/ml/lab.ipynb")
    expect(page.get_by_role("heading", name="Your version was kept")).to_be_visible()
    page.get_by_role("link", name="Go on to lab.ipynb").click()
    expect_first_cell(page, "mine")


def test_a_long_take_goes_on_by_itself(session: Session, page: Page) -> None:
    session.host.answers["/org/repo/main/lab.ipynb"] = Answer(
        200, notebook("'shared'").encode(), after_s=3
    )
    page.goto(session.url + LINK)
    expect(page.get_by_role("status")).to_contain_text("Fetching lab.ipynb")
    page.wait_for_url("**/user/ann/notebooks/github/org/repo/lab.ipynb")
    expect_first_cell(page, "shared")


def test_a_badge_on_another_site_asks_first(session: Session, page: Page) -> None:
    session.host.answers["/org/repo/main/lab.ipynb"] = Answer(200, notebook("'shared'").encode())
    page.goto(session.url + "carrel/publish")  # logged in
    badge = f'<a href="{session.url + LINK}">Open in Carrel</a>'
    # localhost is another site than 127.0.0.1.
    session.host.answers["/readme"] = Answer(200, badge.encode(), {"Content-Type": "text/html"})
    page.goto(session.host.url.replace("127.0.0.1", "localhost") + "/readme")
    page.get_by_role("link", name="Open in Carrel").click()
    expect(page.get_by_role("heading", name="Open lab.ipynb?")).to_be_visible()
    assert not (session.home / "github").exists()
    page.get_by_role("button", name="Open the notebook").click()
    page.wait_for_url("**/user/ann/notebooks/github/org/repo/lab.ipynb")


def test_both_versions_of_an_edited_notebook_are_kept(session: Session, page: Page) -> None:
    (session.home / "github/org/repo").mkdir(parents=True)
    (session.home / "github/org/repo/lab.ipynb").write_text(notebook("'mine'"))
    session.host.answers["/org/repo/main/lab.ipynb"] = Answer(200, notebook("'theirs'").encode())
    page.goto(session.url + LINK)
    page.get_by_role("button", name="Take the new one beside it").click()
    page.wait_for_url("**/user/ann/notebooks/github/org/repo/lab__*.ipynb")
    expect_first_cell(page, "theirs")
    page.goto(session.url + LINK)
    expect_first_cell(page, "mine")


def test_an_upload_reaches_the_waiting_cell(session: Session, page: Page, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(b"a,b\n1,2\n" * 1_000_000)
    (tmp_path / "empty.txt").touch()
    (session.home / "empty.txt").write_text("mine")
    cells = (
        "from google.colab import files\nuploaded = files.upload()",
        "print({name: len(content) for name, content in uploaded.items()})",
    )
    (session.home / "up.ipynb").write_text(notebook(*cells))
    page.goto(session.url + "notebooks/up.ipynb")
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    page.get_by_label("Choose files to upload").set_input_files(
        [tmp_path / "data.csv", tmp_path / "empty.txt"]
    )
    expect(page.locator(".jp-Notebook")).to_contain_text("Saving empty.txt to empty (1).txt")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-Notebook")).to_contain_text(
        "{'data.csv': 8000000, 'empty (1).txt': 0}"
    )
    assert (session.home / "data.csv").stat().st_size == 8_000_000
    assert (session.home / "empty.txt").read_text() == "mine"
    assert not list(session.home.glob("upload-*"))


def test_a_folder_is_published_from_the_page(session: Session, page: Page) -> None:
    (session.home / "lessons/week1").mkdir(parents=True)
    session.hub.json(COURSES, {"courses": [{"slug": "ml", "title": "ML"}]})
    session.hub.json("/hub/api/carrel/courses/ml/publish", {"preview": session.host.url + "/seen"})
    session.host.answers["/seen"] = Answer(200, b"the preview")
    page.goto(session.url + "carrel/publish")
    page.get_by_role("link", name="lessons/").click()
    page.get_by_label("What is new").fill("Week 1")
    page.get_by_role("button", name="Show what changes").click()
    page.get_by_role("link", name="Look at what changes").click()
    expect(page.locator("body")).to_have_text("the preview")
    assert session.hub.bodies("/hub/api/carrel/courses/ml/publish") == [
        {"path": "lessons", "message": "Week 1"}
    ]


def test_the_file_browser_has_a_button_for_those_who_teach(session: Session, page: Page) -> None:
    (session.home / "lessons/week1").mkdir(parents=True)
    session.hub.json(COURSES, {"courses": [{"slug": "ml", "title": "ML"}]})
    page.goto(session.url + "lab/tree/lessons")
    expect(page.locator(".jp-DirListing")).to_contain_text("week1")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Publish…").click()
    expect(opened.value.get_by_role("heading", name="Folder: lessons")).to_be_visible()


def test_who_teaches_nothing_sees_no_button(session: Session, page: Page) -> None:
    session.hub.json(COURSES, {"courses": []})
    with page.expect_response("**/carrel/publish?*") as answered:
        page.goto(session.url + "lab")
    assert answered.value.json() == {"courses": []}
    expect(page.get_by_role("button", name="New Folder")).to_be_visible()
    assert page.get_by_role("button", name="Publish…").count() == 0
