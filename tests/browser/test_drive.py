"""A day with Drive, in a real browser: connect, choose, both directions, both versions, a kill.

Real but for Google: the demo's emulator stands in, with its consent page and its page of files.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.conftest import Installation
from tests.system.test_demo_drive import demo, eventually  # noqa: F401  a fixture

pytestmark = [pytest.mark.engine, pytest.mark.browser, pytest.mark.timeout(900)]
FOLDER, FILE = "Machine learning", "plan.txt"
HERE = f"/content/drive/MyDrive/{FOLDER}"
SOON_MS = 40_000


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

    eventually(looks, SOON_MS / 1000)


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


def sidecar(demo: Installation) -> str:  # noqa: F811
    (one,) = demo.engine.docker("ps", "--quiet", "--filter", "label=carrel.drive").split()
    return one


def change_both(student: Person, drive: Page, demo: Installation) -> None:  # noqa: F811
    """While nothing syncs: paused, the sidecar cannot be quicker than the test."""
    demo.engine.docker("pause", sidecar(demo))
    drive.get_by_role("link", name=f"Edit {FILE}").click()
    expect(drive.get_by_label("Text")).to_have_value("written in a notebook")
    drive.get_by_label("Text").fill("changed in Drive")
    drive.get_by_role("button", name="Save").click()
    student.page.bring_to_front()
    student.run(f"open('{HERE}/{FILE}', 'w').write('changed in the notebook')")
    demo.engine.docker("unpause", sidecar(demo))


def upload_with_a_kill(session: str, demo: Installation) -> str:  # noqa: F811
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


def test_a_day_with_drive(demo: Installation, chromium) -> None:  # noqa: F811
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
    expect(page.get_by_role("heading", name="1 conflict")).to_be_visible(timeout=SOON_MS)
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
    eventually(lambda: not demo.engine.docker("ps", "-q", "--filter", "label=carrel.drive"), 90)
    assert "changed in the notebook" in demo.inside(session, "sh", "-c", f"cat '{HERE}'/plan*")[1]
    student.leave()
