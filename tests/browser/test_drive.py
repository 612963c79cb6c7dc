"""A day with Drive in the demo: connect, choose, both directions, both versions, kills, the end.

Real but for Google: the demo's emulator stands in, with its consent page and its page of files.
"""

from __future__ import annotations

import hashlib
import random
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.conftest import Installation
from tests.system.test_demo import PORT, URL, _log_in

pytestmark = [pytest.mark.engine, pytest.mark.browser, pytest.mark.timeout(900)]
FOLDER, FILE = "Machine learning", "plan.txt"
MINE = "/content/drive/MyDrive"
HERE = f"{MINE}/{FOLDER}"
PAGES = f"{URL}/services/carrel/drive"
SOON_S = 40
KILLS = 3
"""Of the container; tests/drivesync/end_to_end kills the process ten times, and more."""


@pytest.fixture(scope="module")
def demo(installation: Installation) -> Iterator[Installation]:
    folder = Path(f"{installation.data_dir}-demo")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        installation.carrel("demo", "--port", PORT)
        yield replace(
            installation, project="carreldemo", data_dir=folder, port=int(PORT),
            extra=(("CARREL_DEMO", "true"), ("CARREL_NETWORK__SUBNET", "10.203.16.0/20")),
        )  # fmt: skip
    finally:
        installation.carrel("demo", "--down", "--port", PORT)
        shutil.rmtree(folder, ignore_errors=True)


def eventually(condition: Callable[[], object], within_s: float) -> None:
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        if condition():
            return
        time.sleep(0.3)
    pytest.fail(f"it did not hold within {within_s} s")


def sidecars(demo: Installation, name: str, *more: str) -> list[str]:
    labels = ("--filter", "label=carrel.drive", "--filter", f"label=carrel.user={name}")
    return demo.engine.docker("ps", "--quiet", *more, *labels).split()


def sidecar(demo: Installation, name: str = "student1") -> str:
    (one,) = sidecars(demo, name)
    return one


def there(person: Person) -> Page:
    """The folder on the emulator's own page."""
    page = person.context.new_page()
    page.goto(f"{person.url}/demo-drive/")
    page.get_by_role("link", name="Demo Student One").click()
    page.get_by_role("link", name=FOLDER).click()
    return page


def shows(page: Page, text: str) -> None:
    """Loads the page again until the text is on it."""

    def looks() -> bool:
        page.reload()
        return page.get_by_text(text).first.is_visible()

    eventually(looks, SOON_S)


def connect(person: Person) -> None:
    page = person.page
    page.goto(f"{person.url}/services/carrel/drive")
    page.get_by_role("button", name="Connect Google Drive").click()
    expect(page.get_by_text("emulator of Google Drive")).to_be_visible()
    page.get_by_label("Demo Student One").check()
    person.shot("drive-consent")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Choose folders")).to_be_visible()
    person.shot("drive-choose")
    page.get_by_role("checkbox", name=FOLDER).check()
    page.locator("button.go").click()
    expect(page.get_by_role("status")).to_contain_text("kept in step")


def change_both(student: Person, drive: Page, demo: Installation) -> None:
    """While nothing syncs: paused, the sidecar cannot be quicker than the test."""
    demo.engine.docker("pause", sidecar(demo))
    drive.get_by_role("link", name=f"Edit {FILE}").click()
    expect(drive.get_by_label("Text")).to_have_value("written in a notebook")
    drive.get_by_label("Text").fill("changed in Drive")
    drive.get_by_role("button", name="Save").click()
    student.page.bring_to_front()
    student.run(f"open('{HERE}/{FILE}', 'w').write('changed in the notebook')")
    demo.engine.docker("unpause", sidecar(demo))


def upload_with_a_kill(session: str, demo: Installation) -> str:
    """Has 96 MB go up while its sidecar is killed; their md5."""
    program = (
        "import os, hashlib; b = os.urandom(1 << 20) * 96; "
        f"open('{HERE}/large.bin', 'wb').write(b); print(hashlib.md5(b).hexdigest())"
    )
    code, told = demo.inside(session, "python3", "-c", program)
    assert code == 0, told
    killed = sidecar(demo)
    demo.engine.docker("kill", killed)
    code, said = demo.inside(session, "carrel-drive", "flush", "--timeout", "120")
    assert code == 0, said
    assert sidecar(demo) != killed
    return told.strip()


def test_a_day_with_drive(demo: Installation, chromium) -> None:
    student = Person(chromium, demo)
    page = student.page
    page.goto(f"{demo.url}/hub/login")
    page.get_by_role("button", name="Demo Student One", exact=True).click()
    page.wait_for_url(re.compile("/hub/(home|spawn)"))
    connect(student)
    student.start()
    student.new_notebook()

    drive = there(student)
    page.bring_to_front()
    student.run(f"open('{HERE}/{FILE}', 'w').write('written in a notebook')")
    shows(drive, FILE)
    change_both(student, drive, demo)
    shows(drive, "conflict")
    page.bring_to_front()
    look = "import pathlib; [one.read_text() for one in pathlib.Path('{}').glob('plan*')]"
    both = student.run(look.format(HERE))
    assert "changed in Drive" in both and "changed in the notebook" in both
    page.goto(f"{demo.url}/services/carrel/drive")
    expect(page.get_by_role("heading", name="1 conflict")).to_be_visible(timeout=SOON_S * 1000)
    student.shot("drive-conflict")

    session = demo.session_container("student1")
    md5 = upload_with_a_kill(session, demo)
    drive.reload()
    with drive.expect_download() as download:
        drive.get_by_role("link", name="Download large.bin").click()
    assert hashlib.md5(Path(download.value.path()).read_bytes()).hexdigest() == md5

    page.goto(f"{demo.url}/services/carrel/drive")
    page.get_by_role("button", name="Disconnect").click()
    page.locator("button.danger").click()
    expect(page.get_by_role("status")).to_contain_text("has given its access back")
    database = demo.data_dir / "db" / "carrel.sqlite"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as tables:
        rows = tables.execute("SELECT state, sealed FROM drive_links").fetchall()
    assert rows == [("disconnected", None)]
    eventually(lambda: not sidecars(demo, "student1", "--all"), 90)
    assert "changed in the notebook" in demo.inside(session, "sh", "-c", f"cat '{HERE}'/plan*")[1]
    student.leave()


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a form."""
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in fields}


def connect_all(http: requests.Session, account: str) -> None:
    """Without a browser: the account's whole Drive."""
    asked = http.post(f"{PAGES}/connect", data=hidden(http.get(PAGES, timeout=30).text), timeout=30)
    assert asked.url.startswith(f"{URL}/demo-drive/"), asked.text
    keep = re.findall(r'name="keep" value="([^"]*)"', asked.text)
    form = hidden(asked.text) | {"account": account, "keep": keep, "answer": "allow"}
    chosen = http.post(asked.url, data=form, timeout=30)
    assert chosen.url.startswith(f"{PAGES}/choose"), chosen.text
    form = hidden(chosen.text) | {"everything": "1", "save": "1"}
    assert http.post(f"{PAGES}/choose", data=form, timeout=60).status_code == 200


def test_a_sidecar_that_is_killed_is_followed_by_another_and_the_end_is_flushed(
    demo: Installation,
) -> None:
    account, http = "student2@demo.invalid", _log_in("student2")
    connect_all(http, account)
    session = demo.start_session("student2")
    moments, names = random.Random(6), []

    def write() -> None:
        names.append(f"file{len(names)}.txt")
        told = demo.inside(session, "sh", "-c", f"echo {names[-1]} > {MINE}/{names[-1]}")
        assert told[0] == 0, told

    def missing() -> list[str]:
        page = http.get(f"{URL}/demo-drive/my/", params={"account": account}, timeout=30).text
        return [name for name in names if name not in page]

    write()
    eventually(lambda: not missing(), SOON_S)
    for _ in range(KILLS):
        write()
        time.sleep(moments.uniform(0, 1.5))
        killed = sidecar(demo, "student2")
        demo.engine.docker("kill", killed)
        write()
        eventually(lambda: not missing(), SOON_S)
        assert sidecars(demo, "student2") != [killed]
    write()
    demo.carrel("session", "stop", "student2")
    eventually(lambda: not sidecars(demo, "student2", "--all"), 90)
    assert missing() == []
    ended = re.compile(r"(\d+) files in Drive, 0 conflict copies, 0 unsynced")
    eventually(lambda: ended.search(http.get(PAGES, timeout=30).text), 20)
    assert int(ended.search(http.get(PAGES, timeout=30).text)[1]) >= len(names)
