"""A course's link, at a real session's server: the copy is brought up to date, then opens."""

from __future__ import annotations

import json
import shutil
import time

import pytest

from tests.images.session_server import HUB_TOKEN, Answer, Session, wait_until
from tests.images.teacher import Teacher, git

pytestmark = pytest.mark.session
NOTEBOOK = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
TOLD = "/hub/api/carrel/courses/ml/copy"


@pytest.fixture
def teacher(session: Session) -> Teacher:
    return Teacher(session.courses / "ml" / "materials.git")


def location(session: Session, path: str) -> str:
    status, headers, text = session.get(path)
    assert status == 303, text
    return headers["Location"]


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("course/ml/lab%201.ipynb", "notebooks/courses/ml/lab%201.ipynb"),
        ("course/ml/lab%201.ipynb?in=lab", "lab/tree/courses/ml/lab%201.ipynb"),
        ("course/ml/week/a.txt", "lab/tree/courses/ml/week/a.txt"),
        ("course/ml/week/a.txt?in=notebook", "edit/courses/ml/week/a.txt"),
        ("course/ml/week/", "lab/tree/courses/ml/week"),
        ("course/ml", "lab/tree/courses/ml"),
        ("course/ml/?in=notebook", "tree/courses/ml"),
    ],
)
def test_a_link_takes_a_copy_and_opens(
    session: Session, teacher: Teacher, asked: str, leads_to: str
) -> None:
    teacher.publish({"lab 1.ipynb": NOTEBOOK, "week/a.txt": "a"})
    assert location(session, f"carrel/{asked}") == f"/user/ann/{leads_to}"
    assert (session.home / "courses/ml/lab 1.ipynb").read_text() == NOTEBOOK


def test_the_hub_is_told_with_the_sessions_token(session: Session, teacher: Teacher) -> None:
    session.hub.json(TOLD, {})
    commit = teacher.publish({"a.ipynb": NOTEBOOK, "b.txt": "b"})
    location(session, "carrel/course/ml/a.ipynb")
    wait_until(lambda: bool(session.hub.bodies(TOLD)))
    headers, told = session.hub.headers(TOLD)[0], session.hub.bodies(TOLD)[0]
    assert headers["Authorization"] == f"token {HUB_TOKEN}"
    assert told.pop("at").endswith("+00:00")
    assert told == {
        "version": commit, "first": True, "counts": {"new": 2}, "current": 2, "own": 0,
        "files": [{"name": "a.ipynb", "fate": "new"}, {"name": "b.txt", "fate": "new"}],
        "left_out": 0,
    }  # fmt: skip


def test_a_hub_that_is_slow_or_says_no_is_waited_for_by_nobody(
    session: Session, teacher: Teacher
) -> None:
    session.hub.answers[TOLD] = Answer(500, b"", after_s=3)
    teacher.publish({"a.ipynb": NOTEBOOK})
    began = time.monotonic()
    location(session, "carrel/course/ml/a.ipynb")
    assert time.monotonic() - began < 2


def test_what_was_kept_is_said_and_then_leads_on(session: Session, teacher: Teacher) -> None:
    teacher.publish({"lab.ipynb": "mine\n", "gone.txt": "1\n"})
    location(session, "carrel/course/ml")
    copy = session.home / "courses/ml"
    for name in ("lab.ipynb", "gone.txt", "<b>.txt"):
        (copy / name).write_text("edited\n")
    teacher.publish({"lab.ipynb": "2\n", "<b>.txt": "theirs"}, without=("gone.txt",))
    status, headers, text = session.get("carrel/course/ml/lab.ipynb")
    assert status == 200 and "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Your version was kept" in text and "Removed by the teacher, kept for you" in text
    assert "&lt;b&gt;.txt" in text and "<b>" not in text
    assert 'href="/user/ann/notebooks/courses/ml/lab.ipynb"' in text
    assert location(session, "carrel/course/ml/lab.ipynb").endswith("/lab.ipynb"), "told once"


@pytest.mark.parametrize(
    "path",
    ["../../etc/passwd", "%2e%2e/x", "a/%2E%2E/b", "a%2fb", "a%5Cb", "a//b", "/etc", "a%00b", "%ff",
     "a%0ab", ".git/config", "x" * 1100],
)  # fmt: skip
def test_what_names_no_file_of_the_course_is_refused(
    session: Session, teacher: Teacher, path: str
) -> None:
    teacher.publish({"a.ipynb": NOTEBOOK})
    status, _, text = session.get(f"carrel/course/ml/{path}")
    assert status in (400, 404), text
    assert not (session.home / "courses").exists(), "and nothing is taken"


def test_a_file_that_is_not_there_leads_to_the_folder(session: Session, teacher: Teacher) -> None:
    teacher.publish({"a.ipynb": NOTEBOOK})
    status, _, text = session.get("carrel/course/ml/old%3Cb%3E.ipynb")
    assert status == 404 and "There is no “old&lt;b&gt;.ipynb” in this course." in text
    assert 'href="/user/ann/lab/tree/courses/ml"' in text


def test_a_link_out_of_the_copy_is_not_opened(session: Session, teacher: Teacher) -> None:
    teacher.publish({"a.ipynb": NOTEBOOK})
    location(session, "carrel/course/ml")
    (session.home / "courses/ml/out").symlink_to("/etc")
    assert session.get("carrel/course/ml/out/passwd")[0] == 404


def test_a_repository_that_is_gone_still_opens_what_is_there(
    session: Session, teacher: Teacher
) -> None:
    teacher.publish({"a.ipynb": NOTEBOOK})
    location(session, "carrel/course/ml")
    shutil.rmtree(teacher.repository)
    status, _, text = session.get("carrel/course/ml/a.ipynb")
    assert status == 404 and "Open my copy as it is" in text
    assert 'href="/user/ann/notebooks/courses/ml/a.ipynb"' in text


def test_a_course_that_was_never_taken_offers_no_copy(session: Session) -> None:
    status, _, text = session.get("carrel/course/nlp/a.ipynb")
    assert status == 404 and "not in this session" in text and "as it is" not in text
    assert session.get("carrel/course/Bad.Name")[0] == 400


def test_before_the_first_publish_nobody_is_sent_to_start_again(session: Session) -> None:
    (session.courses / "nlp").mkdir()
    status, _, text = session.get("carrel/course/nlp/a.ipynb")
    assert status == 404 and "Nothing has been published in this course yet." in text
    assert "Come back later." in text and "start it again" not in text


def test_a_long_take_shows_a_page_that_goes_on(session: Session, teacher: Teacher) -> None:
    teacher.publish({"a.ipynb": NOTEBOOK})
    location(session, "carrel/course/ml")
    teacher.publish({"b.ipynb": NOTEBOOK})
    hook = session.home / "courses/ml/.git/hooks/post-merge"
    hook.write_text("#!/bin/sh\nsleep 3\n")
    hook.chmod(0o755)
    status, _, text = session.get("carrel/course/ml/b.ipynb?in=lab")
    assert status == 202 and 'aria-live="polite"' in text and "http-equiv" in text
    again = text.split("url=")[1].split('"')[0].replace("&amp;", "&")
    page = f"carrel/course/ml/b.ipynb{again}"
    assert json.loads(session.get(page, Accept="application/json")[2])["done"] is False
    assert session.get("carrel/course/ml/b.ipynb")[0] == 202, "one errand for a course"
    wait_until(lambda: bool(json.loads(session.get(page, Accept="application/json")[2])["done"]))
    assert location(session, page) == "/user/ann/lab/tree/courses/ml/b.ipynb"
    assert git(teacher.repository, "rev-parse", "main") == git(
        session.home / "courses/ml", "rev-parse", "HEAD"
    )


@pytest.mark.parametrize(
    "headers",
    [{"Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"}, {"Sec_Fetch_Mode": "cors"},
     {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"}],
)  # fmt: skip
def test_pictures_frames_and_scripts_of_others_take_nothing(
    session: Session, teacher: Teacher, headers: dict[str, str]
) -> None:
    teacher.publish({"a.ipynb": NOTEBOOK})
    assert session.get("carrel/course/ml/a.ipynb", **headers)[0] == 403
    assert not (session.home / "courses").exists()


def test_a_stranger_is_sent_to_the_login(session: Session, teacher: Teacher) -> None:
    teacher.publish({"a.ipynb": NOTEBOOK})
    status, headers, _ = session.get("carrel/course/ml/a.ipynb", Authorization="")
    assert status in (302, 403) and "courses/ml" not in headers.get("Location", "")
    assert not (session.home / "courses").exists()


def test_nbgitpullers_own_address_is_off(session: Session) -> None:
    """A link to it would put any repository into anybody's home."""
    assert session.get("git-pull?repo=https://example.org/x.git")[0] == 404
