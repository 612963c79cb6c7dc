"""``./carrel screenshots``: the pictures of README and docs, from the running demo.

Every picture is the product as it is: a real browser clicks through the demo that
``./carrel demo`` brought up. A demo that was just reset gives the same pictures again.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
URL = os.environ.get("CARREL_DEMO_URL", "http://127.0.0.1:8100")
READY_WITHIN_MS = 120_000
DESK, PHONE = {"width": 1200, "height": 760}, {"width": 360, "height": 720}


def main() -> int:
    """Makes all pictures; returns the exit code."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        print("carrel screenshots: chromium is missing; ./carrel test installs it", file=sys.stderr)
        return 2
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            _teacher(browser)
            _student(browser)
        except Error as error:
            print(f"carrel screenshots: {str(error).splitlines()[0]}\n"
                  f"Is the demo up at {URL}? ./carrel demo --reset", file=sys.stderr)  # fmt: skip
            return 1
        finally:
            browser.close()
    return 0


def _teacher(browser: Browser) -> None:
    page = _page(browser)
    page.goto(f"{URL}/hub/login")
    _shot(page, "login")
    _log_in(page, "Demo Teacher")
    page.goto(f"{URL}/services/carrel/people")
    _shot(page, "people")
    page.goto(f"{URL}/services/carrel/roster")
    page.get_by_label("The list").fill("mia, Mia Example\njo@example.org, Jo Example\nKim Example")
    page.get_by_role("button", name="Look at it first").click()
    _shot(page, "roster")
    course = f"{URL}/services/carrel/courses/first-steps"
    page.goto(course)
    _shot(page, "course")
    page.goto(f"{course}/materials")
    _shot(page, "materials")
    page.goto(f"{course}/materials/versions/2/changes?path=lab1.ipynb")
    _shot(page, "materials-version")
    page.context.close()


def _student(browser: Browser) -> None:
    page = _page(browser)
    page.goto(f"{URL}/hub/login")
    _log_in(page, "Demo Student One")
    page.goto(f"{URL}/hub/spawn")
    _shot(page, "start")
    page.locator("button.carrel-big").click()
    expect(page.locator("#steps li").nth(1)).to_be_visible(timeout=READY_WITHIN_MS)
    _shot(page, "progress")
    page.wait_for_url(re.compile("/user/"), timeout=READY_WITHIN_MS)
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible(timeout=READY_WITHIN_MS)
    page.wait_for_timeout(3000)  # the kernel's state, fonts
    _shot(page, "welcome")
    page.goto(f"{URL}/hub/open?in=lab")
    expect(page.locator("#jp-main-dock-panel")).to_be_visible(timeout=READY_WITHIN_MS)
    page.wait_for_timeout(3000)
    _shot(page, "lab")
    page.goto(f"{URL}/c/first-steps/lab1.ipynb")
    shown = page.locator(".jp-RenderedMarkdown", has_text="Lab 1: a table")
    expect(shown.first).to_be_visible(timeout=READY_WITHIN_MS)
    page.wait_for_timeout(3000)
    _shot(page, "course-notebook")
    page.goto(f"{URL}/services/carrel/secrets")
    _shot(page, "secrets")
    _drive(page)
    phone = _page(browser, PHONE, page)
    phone.goto(f"{URL}/hub/home")
    _shot(phone, "home-phone")
    phone.get_by_role("button", name=re.compile("Stop")).click()
    expect(phone.locator("button.carrel-big")).to_be_visible(timeout=READY_WITHIN_MS)
    phone.context.close()


def _drive(page: Page) -> None:
    page.goto(f"{URL}/services/carrel/drive")
    page.get_by_role("button", name="Connect Google Drive").click()
    page.get_by_label("Demo Student One").check()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Choose folders")).to_be_visible()
    page.get_by_role("checkbox", name="Machine learning").check()
    _shot(page, "drive-choose")
    page.locator("button.go").click()
    expect(page.get_by_text("Both sides are the same.")).to_be_visible(timeout=READY_WITHIN_MS)
    page.goto(f"{URL}/services/carrel/drive")
    _shot(page, "drive")


def _page(browser: Browser, size: dict[str, int] = DESK, like: Page | None = None) -> Page:
    state = like.context.storage_state() if like else None
    context = browser.new_context(viewport=size, storage_state=state, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(30_000)
    return page


def _log_in(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_url(re.compile("/hub/(home|spawn)"))


def _shot(page: Page, name: str) -> None:
    page.screenshot(path=IMAGES / f"{name}.png")
    print(f"docs/images/{name}.png")


if __name__ == "__main__":
    sys.exit(main())
