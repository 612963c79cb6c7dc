"""Measures a class in real browsers: everybody logs in to a demo, presses Start, arrives.

A demo of its own on this machine's engine, and one Chromium with a context for each person: with
its own cookies, as a browser of its own. All press Start in the same moment; who has arrived at
a notebook leaves the page, since thirty browsers on the server's own cores are not what is meant.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Error, Page, async_playwright, expect

from hub import demo
from tests.bench import carrel
from tests.bench.browsers_network import browser_program
from tests.bench.figures import Figure, Say, percentile

URL = f"http://127.0.0.1:{carrel.PORT}"
PATIENCE_MS = 600_000
SERVED = re.compile("/user/")
PLACE = re.compile(r"number (\d+) in the queue")
LOOK_EVERY_S = 0.5


@dataclass
class Pupil:
    """Somebody with a browser; times in seconds since everybody pressed Start."""

    person: demo.DemoPerson
    page: Page
    places: list[int] = field(default_factory=list)
    """In the queue, as their page told them live."""
    served: float | None = None
    """Their server answered the browser."""
    arrived: float | None = None
    """A notebook with its first cell, or Lab, is to be seen."""
    problem: str = ""
    broken: list[str] = field(default_factory=list)
    """Requests of the browser that failed, and how."""


async def measure(say: Say, options: argparse.Namespace) -> list[Figure]:
    """Raises SystemExit when it cannot be brought up."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise SystemExit("chromium is missing; ./carrel test installs it")
    if options.users > demo.STUDENTS:
        raise SystemExit(f"The demo's class has {demo.STUDENTS} students.")
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    async with (
        carrel.installed(say, {"CARREL_DEMO": "true"}),
        browser_program(program, carrel.PORT) as elsewhere,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=elsewhere, args=["--no-sandbox"])
        pupils = await _class(say, browser, options)
        await browser.close()
    for pupil in pupils:
        if pupil.problem:
            say(f"{pupil.person.name}: {pupil.problem} {pupil.broken[-3:]}")
    return _figures(pupils)


async def _class(say: Say, browser: Browser, options: argparse.Namespace) -> list[Pupil]:
    say(f"{options.users} browsers log in")
    pupils = []
    for person in demo.CLASS[: options.users]:
        pupils.append(await _log_in(browser, person, options.pictures))
    say("all press Start")
    began = time.monotonic()
    arriving = [asyncio.create_task(_arrive(one, began, options.pictures)) for one in pupils]
    if options.pictures:
        await asyncio.gather(_picture_queue(pupils[-1], options.pictures),
                             _picture_machine(browser, options.pictures))  # fmt: skip
    await asyncio.gather(*arriving)
    return pupils


async def _log_in(browser: Browser, person: demo.DemoPerson, pictures: Path | None) -> Pupil:
    context = await browser.new_context(viewport={"width": 1000, "height": 700})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    pupil = Pupil(person, page)
    page.on(
        "requestfailed", lambda request: pupil.broken.append(f"{request.failure} {request.url}")
    )
    await page.goto(f"{URL}/hub/login")
    if person.folded:
        await page.locator("details.carrel-class summary").click()
    if pictures and person.name == f"student{demo.BUTTONS + 1}":
        await page.screenshot(path=pictures / "class-login.png", full_page=True)
    await page.get_by_role("button", name=person.full_name, exact=True).click()
    await page.wait_for_url(re.compile("/hub/spawn"))
    await expect(page.locator("button.carrel-big")).to_be_visible()
    return pupil


async def _arrive(pupil: Pupil, began: float, pictures: Path | None) -> None:
    page = pupil.page
    watching = asyncio.create_task(_watch_place(pupil))
    try:
        await page.locator("button.carrel-big").click(no_wait_after=True)
        await page.wait_for_url(SERVED, wait_until="commit")
        pupil.served = time.monotonic() - began
        there = page.locator(".jp-Notebook .jp-Cell, #jp-main-dock-panel").first
        await expect(there).to_be_visible(timeout=PATIENCE_MS)
        await expect(page.locator(".jp-Spinner:visible")).to_have_count(0, timeout=PATIENCE_MS)
        pupil.arrived = time.monotonic() - began
        if pictures and pupil.person is demo.CLASS[0]:
            await page.screenshot(path=pictures / "class-arrived.png")
    except (Error, AssertionError) as error:
        pupil.problem = str(error).splitlines()[0]
        if pictures:
            await page.screenshot(path=pictures / f"class-{pupil.person.name}.png")
    finally:
        watching.cancel()
        await page.context.close()


async def _watch_place(pupil: Pupil) -> None:
    """Reads the page as its reader does."""
    while True:
        try:
            said = await pupil.page.locator("#place").text_content(timeout=1000) or ""
        except Error:
            said = ""  # on another page, or on the way to one
        if (found := PLACE.search(said)) and pupil.places[-1:] != [int(found[1])]:
            pupil.places.append(int(found[1]))
        await asyncio.sleep(LOOK_EVERY_S)


async def _picture_queue(pupil: Pupil, pictures: Path) -> None:
    """Of a page that tells a place, and again when it has moved up."""
    for number, places in enumerate((1, 4)):
        while len(pupil.places) < places and pupil.served is None and not pupil.problem:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        if pupil.served is None and not pupil.problem:
            await pupil.page.screenshot(path=pictures / f"class-queue-{number + 1}.png")


async def _picture_machine(browser: Browser, pictures: Path) -> None:
    """What the admin sees meanwhile."""
    page = await browser.new_page()
    await page.goto(f"{URL}/hub/login")
    await page.get_by_role("button", name="Demo Admin", exact=True).click()
    await page.wait_for_url(re.compile("/hub/"))
    await page.goto(f"{URL}/services/carrel/admin")
    await page.screenshot(path=pictures / "class-machine.png", full_page=True)
    await page.close()


def _figures(pupils: list[Pupil]) -> list[Figure]:
    served = [one.served for one in pupils if one.served is not None]
    arrived = [one.arrived for one in pupils if one.arrived is not None]
    queued = [one for one in pupils if one.places]
    upwards = [one for one in queued if one.places == sorted(one.places, reverse=True)]
    count = len(pupils)
    return [
        Figure(f"browsers of {count} that arrived at a notebook", len(arrived), ""),
        Figure("browsers that did not", count - len(arrived), "", 0),
        Figure("pages that told a place in the queue", len(queued), ""),
        Figure("places that went down instead of up", len(queued) - len(upwards), "", 0),
        Figure("Start to the server's first answer, median", percentile(served or [0], 0.5), "s"),
        Figure("Start to the server's first answer, last", max(served, default=0), "s"),
        Figure("Start to a notebook on the screen, median", percentile(arrived or [0], 0.5), "s"),
        Figure("Start to a notebook on the screen, last", max(arrived, default=0), "s"),
    ]
