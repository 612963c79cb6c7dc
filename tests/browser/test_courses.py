"""A course from a teacher's session to students' copies and back: published twice, nothing eaten."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.engine, pytest.mark.browser, pytest.mark.timeout(900)]
OPENED_MS = 120_000
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


def publish(someone, installation, container: str, slug: str, path: str, message: str) -> None:
    """``carrel publish`` in the session, then the look at it and the button on the page."""
    code, said = installation.inside(
        container, "carrel", "publish", path, "--course", slug, "--message", message
    )
    assert code == 0, said
    (link,) = re.findall(r"https?://\S+/services/carrel/\S+", said)
    someone.page.goto(link)
    expect(someone.page.get_by_role("button", name="Publish")).to_be_visible(timeout=60_000)
    expect(someone.page.get_by_label("What is new")).to_have_value(message)


def confirm(someone) -> None:
    someone.page.get_by_role("button", name="Publish").click()
    expect(someone.page.get_by_role("status").first).to_contain_text("ublished")


def test_two_teachers_and_three_students_share_a_course(installation, person):
    url = installation.url
    for name in ("cteach", "cother"):
        installation.add_user(name, role="teacher")
    students = ("cuno", "cduo", "ctre")
    for name in students:
        installation.add_user(name)
    teacher = person()
    teacher.login("cteach")
    session = installation.start_session("cteach")

    teacher.page.goto(f"{url}/services/carrel/courses")
    teacher.page.get_by_label("Title").fill("Data science")
    teacher.page.get_by_role("button", name="Make the course").click()
    teacher.page.wait_for_url("**/courses/data-science**")
    write(
        installation, session,
        {"ds/lab 1.ipynb": notebook("x = 1", "x + 1"), "ds/notes.txt": "one\n"},
    )  # fmt: skip
    publish(teacher, installation, session, "data-science", "ds", "The first week")
    expect(teacher.page.get_by_text("lab 1.ipynb").first).to_be_visible()
    teacher.shot("course-preview")
    confirm(teacher)

    # The others join by the link: one has a session already, one has none, one edits.
    installation.start_session("cuno")
    pages = {}
    for name in students:
        someone = pages[name] = person()
        someone.page.goto(f"{url}/c/data-science/lab%201.ipynb")
        someone.page.get_by_label("User name").fill(name)
        someone.page.get_by_label("Password").fill(someone.password)
        someone.page.get_by_role("button", name="Log in").click()
        someone.page.get_by_role("button", name="Join").click()
        if name != "cuno":
            someone.page.locator("button.carrel-big").click()
        someone.page.wait_for_url(re.compile(r"/user/.*lab%201\.ipynb"), timeout=OPENED_MS)
        expect(someone.page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(
            timeout=60_000
        )
    pages["cuno"].shot("course-opened")

    write(
        installation, installation.session_container("cduo"),
        {"courses/data-science/lab 1.ipynb": notebook("x = 42", "x + 1"),
         "courses/data-science/mine.txt": "mine"},
    )  # fmt: skip

    # The second version, by the other teacher.
    teacher.page.goto(f"{url}/services/carrel/courses/data-science")
    teacher.page.get_by_label("User name of another teacher").fill("cother")
    teacher.page.get_by_role("button", name="Teaches it too").click()
    other = person()
    other.login("cother")
    second = installation.start_session("cother")
    write(
        installation, second,
        {"mine/lab 1.ipynb": notebook("x = 2", "x + 1"), "mine/notes.txt": "one\n",
         "mine/lab 2.ipynb": notebook("y = 1")},
    )  # fmt: skip
    publish(other, installation, second, "data-science", "mine", "The second week")
    other.page.get_by_role("link", name="Changed cells of lab 1.ipynb").click()
    expect(other.page.get_by_role("main")).to_contain_text("x = 2")
    other.shot("course-changed-cells")
    other.page.go_back()
    confirm(other)

    for name, said in (("cuno", ""), ("cduo", "lab 1.ipynb")):
        page = pages[name].page
        page.goto(f"{url}/c/data-science/lab%201.ipynb")
        if said:
            expect(page.get_by_role("main")).to_contain_text(said)
            pages[name].shot("course-report")
            page.get_by_role("link", name="Go on to lab 1.ipynb").click()
        page.wait_for_url(re.compile(r"/user/.*(notebooks|lab)/.*lab%201\.ipynb"))

    def copy(name: str, file: str) -> str:
        path = f"/content/courses/data-science/{file}"
        code, text = installation.inside(installation.session_container(name), "cat", path)
        assert code == 0, text
        return text

    assert "x = 2" in copy("cuno", "lab 1.ipynb")
    assert "x = 42" in copy("cduo", "lab 1.ipynb"), "the student's edit wins"
    assert "y = 1" in copy("cduo", "lab 2.ipynb")
    assert copy("cduo", "mine.txt") == "mine"

    teacher.page.goto(f"{url}/services/carrel/courses/data-science")
    expect(teacher.page.get_by_role("main")).to_contain_text("1 kept")
    teacher.shot("course-sums")
    assert (
        installation.inside(
            installation.session_container("cduo"), "touch", "/opt/carrel/courses/data-science/x"
        )[0]
        != 0
    ), "materials are read-only"
    for name in (*students, "cteach", "cother"):
        installation.carrel("session", "stop", name)
