"""A real session's server tells Drive's sync what is open: by API, by kernel, in tabs."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.images.session_server import Session, wait_until
from tests.images.test_session_browser import QUIET, notebook

pytestmark = pytest.mark.session


@pytest.fixture
def drive(session: Session) -> Iterator[Path]:
    found = session.home / "drive"
    (found / "MyDrive").mkdir(parents=True)
    (found / ".carrel").mkdir()
    (found / "MyDrive/a b.txt").write_text("x")
    (found / "MyDrive/n.ipynb").write_text(notebook("1"))
    yield found
    for kernel in json.loads(session.get("api/sessions")[2]):
        session.request("DELETE", f"api/sessions/{kernel['id']}", None, {})
    for path in ("n.ipynb", "a%20b.txt"):  # so that the server knows that they are closed
        session.request("DELETE", f"api/contents/drive/MyDrive/{path}", None, {})


def told(drive: Path) -> dict[str, Any]:
    path = drive / ".carrel/open"
    wait_until(path.exists)
    return json.loads(path.read_text())


def ask(session: Session, method: str, at: str, /, **body: Any) -> dict[str, Any]:
    status, _, text = session.request(method, at, json.dumps(body).encode(), {})
    assert status < 300, text
    return json.loads(text) if text else {}


def opened(drive: Path, *names: str, patience_s: float = 10) -> None:
    wanted = {f"MyDrive/{name}" for name in names}
    wait_until(lambda: set(told(drive)["paths"]) == wanted, patience_s)


def test_documents_and_kernels_are_told_within_a_moment(session: Session, drive: Path) -> None:
    told(drive)
    session.get("api/contents/drive/MyDrive?content=1&type=directory")
    ask(session, "PUT", "api/contents/drive/MyDrive/up.txt", type="file", format="text", content="")
    session.get("api/contents/drive/MyDrive/a%20b.txt?type=file&content=1&format=text")
    opened(drive, "a b.txt", patience_s=3)
    began = ask(session, "POST", "api/sessions", path="drive/MyDrive/n.ipynb", name="n.ipynb",
                type="notebook", kernel={"name": "python3"})  # fmt: skip
    opened(drive, "a b.txt", "n.ipynb", patience_s=3)
    ask(session, "PATCH", "api/contents/drive/MyDrive/a%20b.txt", path="drive/MyDrive/c.txt")
    opened(drive, "c.txt", "n.ipynb", patience_s=3)
    ask(session, "DELETE", f"api/sessions/{began['id']}")
    ask(session, "DELETE", "api/contents/drive/MyDrive/c.txt")
    opened(drive, patience_s=3)


def test_the_list_stays_fresh_and_comes_back_after_trouble(session: Session, drive: Path) -> None:
    session.get("api/contents/drive/MyDrive/n.ipynb")  # what is new is written at once
    first = told(drive)["at"]
    wait_until(lambda: told(drive)["at"] > first, 8)
    assert abs(told(drive)["at"] - time.time()) < 7
    (drive / ".carrel/open").unlink()
    (drive / ".carrel/open").mkdir()  # cannot be replaced
    session.get("api/contents/drive/MyDrive/a%20b.txt")
    said = "which documents are open could not be told"
    wait_until(lambda: said in session.log.read_text(), 8)
    assert session.get("api/status")[0] == 200
    (drive / ".carrel/open").rmdir()
    session.get("api/contents/a%20new%20one")
    opened(drive, "n.ipynb", "a b.txt")


@pytest.mark.browser
def test_a_text_file_in_a_tab_of_jupyterlab_is_open_until_the_tab_is_closed(
    session: Session, drive: Path
) -> None:
    program = shutil.which("chromium")
    assert program, "chromium is missing; ./carrel test installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        try:
            page = browser.new_page(viewport={"width": 1200, "height": 800})
            page.set_default_timeout(60_000)
            expect.set_options(timeout=60_000)
            _open_and_close(page, session, drive)
        finally:
            browser.close()


def _open_and_close(page: Page, session: Session, drive: Path) -> None:
    page.goto(session.url + "lab/tree/drive/MyDrive/a%20b.txt")
    tab = page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text=re.compile("^a b.txt$"))
    expect(tab).to_be_visible()
    opened(drive, "a b.txt")
    # JupyterLab saves which tabs there are only some time after.
    name = "*.jupyterlab-workspace"
    wait_until(lambda: any("a b.txt" in f.read_text() for f in session.home.rglob(name)), 30)
    tab.locator(".lm-TabBar-tabCloseIcon").click()
    opened(drive, patience_s=30)
