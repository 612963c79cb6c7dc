"""Real Chromium from Debian's package, and the steps that many tests take in it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
RAN = re.compile(r"\[\d+\]:")
READY_WITHIN_MS = 120_000


@pytest.fixture
def chromium() -> Iterator[Browser]:
    # For one test only: while Playwright runs, no other test could run an event loop.
    program = shutil.which("chromium")
    assert program, "chromium is missing; ./carrel test installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield browser
        browser.close()


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, browser: Browser, installation, **options) -> None:
        self.context = browser.new_context(viewport={"width": 1200, "height": 850}, **options)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.url = installation.url
        self.password = installation.password

    def login(self, name: str, password: str = "") -> None:
        self.page.goto(f"{self.url}/hub/login")
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password").fill(password or self.password)
        self.page.get_by_role("button", name="Log in").click()

    def start(self) -> None:
        """Presses the big Start and waits until JupyterLab is there."""
        self.page.goto(f"{self.url}/hub/spawn")
        self.page.locator("button.carrel-big").click()
        self.wait_for_lab()

    def wait_for_lab(self) -> None:
        """The first session opens with the Welcome notebook; Lab is one address away."""
        self.page.wait_for_url("**/user/**", timeout=READY_WITHIN_MS)
        self.page.goto(f"{self.url}/hub/open?in=lab")
        self.page.wait_for_url("**/user/**/lab**")
        expect(self.page.locator("#jp-main-dock-panel")).to_be_visible(timeout=60_000)

    def new_notebook(self) -> None:
        # What was open last time would stand in the launcher's place.
        self.page.goto(f"{self.page.url.split('/lab')[0]}/lab?reset")
        self.page.locator('.jp-LauncherCard[data-category="Notebook"]').first.click()
        expect(self.page.locator(".jp-Notebook")).to_be_visible()
        # Typing before the kernel is there would be lost.
        expect(self.page.locator(".jp-Toolbar-kernelName")).to_contain_text("Python 3")
        self.page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')

    def run(self, code: str, timeout_ms: int = 60_000) -> str:
        """Runs a cell at the end of the open notebook; returns the text of its output."""
        cell = self.page.locator(".jp-Notebook .jp-CodeCell").last
        count = self.page.locator(".jp-Notebook .jp-CodeCell").count()
        cell.locator(".cm-content").click()
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Shift+Enter")
        ran = self.page.locator(".jp-Notebook .jp-CodeCell").nth(count - 1)
        expect(ran.locator(".jp-InputPrompt")).to_have_text(RAN, timeout=timeout_ms)
        return ran.locator(".jp-Cell-outputWrapper").inner_text()

    def shot(self, name: str) -> None:
        """A screenshot for people to look at, into the folder SHOTS where that is set."""
        folder = os.environ.get("SHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{folder}/{name}.png")

    def leave(self) -> None:
        self.context.close()


@pytest.fixture
def person(chromium, installation) -> Iterator:
    """Makes people; their browsers are closed at the end."""
    people = []

    def make(**options) -> Person:
        people.append(Person(chromium, installation, **options))
        return people[-1]

    yield make
    for someone in people:
        someone.leave()
