"""A notebook of a public repository, opened by link at a real session's server."""

from __future__ import annotations

import json
import time
from urllib.parse import urlencode

import pytest
from carrel_session import addresses, shared_copies
from carrel_session.errors import SessionError
from carrel_session.shared_copies import Copy, Step

from tests.images import session_server
from tests.images.session_server import Answer, Session

pytestmark = pytest.mark.session
ELSEWHERE = {"Sec_Fetch_Site": "cross-site"}


def notebook(text: str) -> bytes:
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": text}
    return json.dumps(
        {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    ).encode()


def offer(session: Session, content: bytes, path: str = "/org/repo/main/week/lab.ipynb") -> None:
    session.host.answers[path] = Answer(200, content)


LINK = "carrel/github/org/repo/blob/main/week/lab.ipynb"
PLACE = "github/org/repo/week/lab.ipynb"


def opened(session: Session, link: str = LINK, **headers: str) -> str:
    status, answered, text = session.get(link, **headers)
    assert status == 303, text
    return answered["Location"].removeprefix("/user/ann/")


def press(session: Session, link: str, **fields: str) -> tuple[int, dict[str, str], str]:
    """A form of one of our pages; a request with a token needs no form's token."""
    return session.request("POST", link, urlencode(fields).encode(), {})


def test_it_is_fetched_and_opens(session: Session) -> None:
    offer(session, notebook("1"))
    assert opened(session) == f"notebooks/{PLACE}"
    assert opened(session, LINK + "?in=lab") == f"lab/tree/{PLACE}"
    assert (session.home / PLACE).read_bytes() == notebook("1")
    assert not [p for p in (session.home / PLACE).parent.iterdir() if p.name.startswith(".")]


def test_a_copy_that_nobody_touched_follows_the_host(session: Session) -> None:
    for text in ("1", "2"):
        offer(session, notebook(text))
        opened(session)
        assert (session.home / PLACE).read_bytes() == notebook(text)


def test_an_edited_copy_opens_while_the_host_has_nothing_new(session: Session) -> None:
    offer(session, notebook("1"))
    opened(session)
    (session.home / PLACE).write_bytes(notebook("mine"))
    assert opened(session) == f"notebooks/{PLACE}"
    assert (session.home / PLACE).read_bytes() == notebook("mine")


def test_an_edited_copy_stays_and_the_new_one_is_offered_beside_it(session: Session) -> None:
    offer(session, notebook("1"))
    opened(session)
    (session.home / PLACE).write_bytes(notebook("mine"))
    offer(session, notebook("2"))
    status, _, text = session.get(LINK)
    assert status == 200 and "You have edited this notebook" in text
    assert f'href="/user/ann/notebooks/{PLACE}"' in text and 'name="_xsrf"' in text
    assert (session.home / PLACE).read_bytes() == notebook("mine")
    status, headers, _ = press(session, LINK, take="beside")
    beside = headers["Location"].removeprefix("/user/ann/notebooks/")
    assert status == 303 and beside.startswith("github/org/repo/week/lab__")
    assert (session.home / beside).read_bytes() == notebook("2")
    assert (session.home / PLACE).read_bytes() == notebook("mine")
    assert opened(session) == f"notebooks/{PLACE}", "the same version is not offered again"


def test_without_a_record_every_copy_counts_as_edited(session: Session) -> None:
    (session.home / PLACE).parent.mkdir(parents=True)
    (session.home / PLACE).write_bytes(notebook("mine"))
    offer(session, notebook("1"))
    assert "You have edited this notebook" in session.get(LINK)[2]


@pytest.mark.parametrize(
    ("copy", "step"),
    [
        (Copy(), Step.WRITE),
        (Copy("new", ""), Step.OPEN),
        (Copy("old", "old"), Step.WRITE),
        (Copy("mine", "new"), Step.OPEN),
        (Copy("mine", "old"), Step.ASK),
        (Copy("mine", ""), Step.ASK),
    ],
)
def test_what_to_do_with_what_was_fetched(copy: Copy, step: Step) -> None:
    assert shared_copies.decide(copy, "new") is step


def test_a_link_on_another_site_writes_nothing_before_a_button_is_pressed(
    session: Session,
) -> None:
    offer(session, notebook("1"))
    status, _, text = session.get(LINK, **ELSEWHERE)
    assert status == 200 and "A link from another site" in text and "<form method=" in text
    assert not session.host.asked and not (session.home / "github").exists()
    assert press(session, LINK)[0] == 303
    assert opened(session, **ELSEWHERE) == f"notebooks/{PLACE}", "what is there opens at once"


def test_a_foreign_form_or_picture_does_nothing(session: Session) -> None:
    offer(session, notebook("1"))
    headers = {
        "Authorization": "",
        "Cookie": "",
        "Content_Type": "application/x-www-form-urlencoded",
    }
    assert session.request("POST", LINK, b"", headers)[0] in (302, 403)
    assert session.get(LINK, Sec_Fetch_Mode="no-cors", Sec_Fetch_Dest="image")[0] == 403
    assert not (session.home / "github").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"<html>", "This is no notebook"),
        (b'{"a": 1}', "This is no notebook"),
        (b'{"nbformat": 99, "cells": []}', "This is no notebook"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [1]}', "no notebook"),
        (b"[" * 100_000, "This is no notebook"),
        (b"\xff\xfe", "This is no notebook"),
    ],
)
def test_what_is_no_notebook_is_not_kept(session: Session, content: bytes, sentence: str) -> None:
    offer(session, content)
    status, _, text = session.get(LINK)
    assert status == 400 and sentence in text and not (session.home / PLACE).exists()


def test_an_old_notebook_is_one(session: Session) -> None:
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "x"}, "worksheets": [{"cells": [
        {"cell_type": "code", "input": "1", "language": "python", "outputs": [], "metadata": {}}
    ]}]}  # fmt: skip
    offer(session, json.dumps(old).encode())
    assert opened(session) == f"notebooks/{PLACE}"


def test_what_is_too_large_is_cut_off(session: Session) -> None:
    offer(session, b" " * 50_000_001)
    status, _, text = session.get(LINK)
    for _ in range(50):
        if status != 202:
            break
        time.sleep(0.2)
        again = text.split("url=")[1].split('"')[0].replace("&amp;", "&")
        status, _, text = session.get(LINK + again)
    assert status == 413 and "larger than 50 MB" in text and not (session.home / PLACE).exists()


@pytest.mark.parametrize("status", [401, 404, 403, 500])
def test_a_host_that_says_no_is_told(session: Session, status: int) -> None:
    session.host.answers["/org/repo/main/week/lab.ipynb"] = Answer(status)
    found, _, text = session.get(LINK)
    assert found in (404, 503) and "Opening lab.ipynb" in text
    assert ("not public" in text) == (status in (401, 404))


def test_a_page_to_log_in_means_that_it_is_not_public(session: Session) -> None:
    host = session.host
    host.answers["/org/repo/main/week/lab.ipynb"] = Answer(302, headers={"Location": "/login"})
    html = {"Content-Type": "text/html; charset=utf-8"}
    host.answers["/login"] = Answer(200, b"<title>Log in</title>", html)
    status, _, text = session.get(LINK)
    assert status == 404 and "repository is not public" in text


def test_a_host_that_is_away_leaves_ones_copy_open(session: Session) -> None:
    offer(session, notebook("1"))
    opened(session)
    session.host.answers.clear()
    session.host.answers["/org/repo/main/week/lab.ipynb"] = Answer(500)
    status, _, text = session.get(LINK)
    assert status == 503 and "Open my copy as it is" in text and PLACE in text


def test_redirects_stay_among_the_allowed_hosts(session: Session) -> None:
    offer(session, notebook("1"), "/moved")
    bad = (session.hub.url + "/moved", "file:///etc/passwd", "http://169.254.169.254/")
    for target, good in [("/moved", True), *((url, False) for url in bad)]:
        session.host.answers["/org/repo/main/week/lab.ipynb"] = Answer(
            302, headers={"Location": target}
        )
        status, _, text = session.get(LINK)
        assert status == (303 if good else 403), text
        assert good or ("leads to another place" in text and "[github] host" in text)
    assert not session.hub.headers("/moved")


def test_redirects_in_a_circle_end(session: Session) -> None:
    session.host.answers["/org/repo/main/week/lab.ipynb"] = Answer(
        302, headers={"Location": "/org/repo/main/week/lab.ipynb"}
    )
    assert session.get(LINK)[0] == 503 and len(session.host.asked) == 5


@pytest.mark.parametrize(
    ("link", "asked", "place"),
    [
        ("o/r/blob/main/a.ipynb", "/o/r/main/a.ipynb", "github/o/r/a.ipynb"),
        ("o/r/blob/feature/x/a.ipynb", "/o/r/feature/x/a.ipynb", "github/o/r/x/a.ipynb"),
        ("o/r/blob/main/a%20/%C3%A4.ipynb", "/o/r/main/a%20/%C3%A4.ipynb", "github/o/r/a /ä.ipynb"),
    ],
)  # fmt: skip
def test_a_reference_is_one_part_and_the_host_is_asked_as_the_link_says(
    session: Session, link: str, asked: str, place: str
) -> None:
    offer(session, notebook("1"), asked)
    opened(session, f"carrel/github/{link}")
    assert (session.home / place).is_file()


@pytest.mark.parametrize(
    ("owner", "repository", "rest"),
    [
        ("..", "r", "main/a.ipynb"), ("o", "..", "main/a.ipynb"), ("o", "r", "main/../a.ipynb"),
        ("o", "r", "main/%2e%2e/a.ipynb"), ("o", "r", "a.ipynb"), ("o", "r", "main/a.py"),
        ("o", "r", "main/a.ipynb/"), ("o", "r", "main/.git/a.ipynb"), ("o", "r", "main//a.ipynb"),
        ("o%2Fx", "r", "main/a.ipynb"), ("o", "r", "..%2F..%2Fx/a.ipynb"), ("-o", "r", "m/a.ipynb"),
        ("o", "r", "main/a%0d%0aX:.ipynb"), ("o", "r", "main/a%5C..%5Cb.ipynb"),
        ("o", "r", "feature%2Fx/a.ipynb"),
    ],
)  # fmt: skip
def test_what_names_no_notebook_of_a_repository_is_refused(
    owner: str, repository: str, rest: str
) -> None:
    with pytest.raises(SessionError):
        addresses.shared(owner, repository, rest)


def test_a_link_that_ends_early_is_told_how_one_looks(session: Session) -> None:
    status, _, text = session.get("carrel/github/org/repo/blob/main")
    assert status == 400 and "Links look like /github/owner/repository/blob/main/" in text


def test_a_question_mark_of_a_name_stays_in_it(session: Session) -> None:
    offer(session, notebook("1"), "/o/r/main/a%3Fb%23.ipynb")
    assert opened(session, "carrel/github/o/r/blob/main/a%3Fb%23.ipynb").endswith("a%3Fb%23.ipynb")


def test_a_folder_in_its_place_or_a_link_out_of_the_home_is_left_alone(session: Session) -> None:
    offer(session, notebook("1"))
    (session.home / PLACE).mkdir(parents=True)
    assert session.get(LINK)[0] == 409
    (session.home / PLACE).rmdir()
    elsewhere = session.home.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    (session.home / "github/org").rename(session.home / "github/was")
    (session.home / "github/org").symlink_to(elsewhere)
    assert session.get(LINK)[0] == 409 and not list(elsewhere.iterdir())


def test_a_slow_host_shows_a_page_that_goes_on(session: Session) -> None:
    session.host.answers["/org/repo/main/week/lab.ipynb"] = Answer(200, notebook("1"), after_s=2)
    status, _, text = session.get(LINK)
    assert status == 202 and "Opening lab.ipynb" in text
    again = text.split("url=")[1].split('"')[0].replace("&amp;", "&")
    session_server.wait_until(
        lambda: json.loads(session.get(LINK + again, Accept="application/json")[2])["done"] is True
    )
    assert opened(session, LINK + again) == f"notebooks/{PLACE}"
