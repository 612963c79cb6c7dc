"""A course from a teacher's session to students' copies: published twice, nothing is eaten."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.engine, pytest.mark.browser, pytest.mark.timeout(900)]
OPENED_MS = 120_000
SLUG, FILE = "data-science", "lab 1.ipynb"
STUDENTS = ("cuno", "cduo", "ctre")
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def notebook(*sources: str) -> str:
    cells = [
        {"cell_type": "code", "id": f"cell-{n}", "metadata": {}, "outputs": [],
         "execution_count": None, "source": source}
        for n, source in enumerate(sources)
    ]  # fmt: skip
    return json.dumps({"cells": cells, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5})


def write(installation, container: str, files: dict[str, str]) -> None:
    """Into the home, as its owner would."""
    script = (
        "import json, pathlib, sys\n"
        "for name, text in json.loads(sys.argv[1]).items():\n"
        "    path = pathlib.Path('/content', name)\n"
        "    path.parent.mkdir(parents=True, exist_ok=True)\n"
        "    path.write_text(text)\n"
    )
    code, said = installation.inside(container, "python3", "-c", script, json.dumps(files))
    assert code == 0, said


def copy(installation, name: str, file: str) -> str:
    """What a student's copy holds."""
    path = f"/content/courses/{SLUG}/{file}"
    code, text = installation.inside(installation.session_container(name), "cat", path)
    assert code == 0, text
    return text


def have_read(someone, installation, container: str, path: str, message: str) -> None:
    """``carrel publish`` in the session; then its teacher looks at what changes."""
    code, said = installation.inside(
        container, "carrel", "publish", path, "--course", SLUG, "--message", message
    )
    assert code == 0, said
    (link,) = re.findall(r"https?://\S+/services/carrel/\S+", said)
    someone.page.goto(link)
    expect(someone.page.get_by_role("button", name="Publish")).to_be_visible(timeout=60_000)
    expect(someone.page.get_by_label("What is new")).to_have_value(message)


def publish(someone) -> None:
    someone.page.get_by_role("button", name="Publish").click()
    expect(someone.page.get_by_role("status").first).to_contain_text("ublished")


def first_version(teacher, installation) -> None:
    session = installation.start_session("cteach")
    teacher.page.goto(f"{installation.url}/services/carrel/courses")
    teacher.page.get_by_label("Title").fill("Data science")
    teacher.page.get_by_role("button", name="Make the course").click()
    teacher.page.wait_for_url(f"**/courses/{SLUG}**")
    files = {f"ds/{FILE}": notebook("x = 1", "x + 1"), "ds/notes.txt": "one\n"}
    write(installation, session, files)
    have_read(teacher, installation, session, "ds", "The first week")
    expect(teacher.page.get_by_text(FILE).first).to_be_visible()
    teacher.shot("course-preview")
    publish(teacher)


def join(someone, name: str, *, runs: bool) -> None:
    """By the link to a notebook: login, one press, and the session if there is none."""
    page = someone.page
    page.goto(f"{someone.url}/c/{SLUG}/lab%201.ipynb")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(someone.password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Join").click()
    if not runs:
        page.locator("button.carrel-big").click()
    page.wait_for_url(re.compile(r"/user/.*lab%201\.ipynb"), timeout=OPENED_MS)
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(timeout=60_000)


def second_version(teacher, other, installation) -> None:
    """By a teacher whom the first one made one."""
    teacher.page.goto(f"{installation.url}/services/carrel/courses/{SLUG}")
    teacher.page.get_by_label("User name of another teacher").fill("cother")
    teacher.page.get_by_role("button", name="Teaches it too").click()
    session = installation.start_session("cother")
    files = {
        f"mine/{FILE}": notebook("x = 2", "x + 1"),
        "mine/notes.txt": "one\n",
        "mine/lab 2.ipynb": notebook("y = 1"),
    }
    write(installation, session, files)
    have_read(other, installation, session, "mine", "The second week")
    other.page.get_by_role("link", name=f"Changed cells of {FILE}").click()
    expect(other.page.get_by_role("main")).to_contain_text("x = 2")
    other.shot("course-changed-cells")
    other.page.go_back()
    publish(other)


def test_two_teachers_and_three_students_share_a_course(installation, person):
    for name in ("cteach", "cother"):
        installation.add_user(name, role="teacher")
    for name in STUDENTS:
        installation.add_user(name)
    teacher, other = person(), person()
    teacher.login("cteach")
    other.login("cother")
    first_version(teacher, installation)

    installation.start_session("cuno")  # runs already, and is shown the course all the same
    students = {name: person() for name in STUDENTS}
    for name, someone in students.items():
        join(someone, name, runs=name == "cuno")
    students["cuno"].shot("course-opened")
    edited = installation.session_container("cduo")
    mine = {f"courses/{SLUG}/{FILE}": notebook("x = 42", "x + 1"), f"courses/{SLUG}/mine": "mine"}
    write(installation, edited, mine)
    second_version(teacher, other, installation)

    for name in ("cuno", "cduo"):
        page = students[name].page
        page.goto(f"{installation.url}/c/{SLUG}/lab%201.ipynb")
        if name == "cduo":
            expect(page.get_by_role("main")).to_contain_text("Your version was kept")
            students[name].shot("course-report")
            page.get_by_role("link", name=f"Go on to {FILE}").click()
        page.wait_for_url(re.compile(r"/user/.*(notebooks|lab)/.*lab%201\.ipynb"))
    assert "x = 2" in copy(installation, "cuno", FILE)
    assert "x = 42" in copy(installation, "cduo", FILE), "the student's edit wins"
    assert "y = 1" in copy(installation, "cduo", "lab 2.ipynb")
    assert copy(installation, "cduo", "mine") == "mine"
    code, _ = installation.inside(edited, "touch", f"/opt/carrel/courses/{SLUG}/x")
    assert code != 0, "materials are read-only"

    teacher.page.goto(f"{installation.url}/services/carrel/courses/{SLUG}")
    expect(teacher.page.get_by_role("main")).to_contain_text(
        "2 students are up to date, 1 has an older version, 0 have not opened it yet; 1 keeps"
    )
    teacher.shot("course-sums")
    for name in (*STUDENTS, "cteach", "cother"):
        installation.carrel("session", "stop", name)
