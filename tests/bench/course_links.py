"""Measures links to a course: one in a real browser, and a class that opens a new version at once.

A Carrel of its own on this machine's engine. Everybody's session runs; a version is published;
all open its link in the same moment, as a browser does: the page that brings the copy up to date
is looked at until it leads on. Meanwhile the hub is asked again and again, as by somebody else.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from pathlib import Path

import aiohttp
from playwright.async_api import async_playwright, expect

from tests.bench import carrel
from tests.bench.arriving import Target, arrive, client, enrol
from tests.bench.browsers_network import browser_program
from tests.bench.figures import Figure, Say, percentile

SLUG, TEACHER, READER = "bench", "tess", "reader"
PASSWORD = "correct horse battery"
INSIDE = Path(__file__).with_name("course_inside.py")
URL = f"http://127.0.0.1:{carrel.PORT}"
LINKS = 5
ERRAND = re.compile(r"errand=([\w-]+)")
PATIENCE_S, LOOK_EVERY_S, ASK_EVERY_S = 120.0, 1.0, 0.05
LINK_S, ALL_WITHIN_S, HUB_P99_MS = 2.0, 30.0, 1000.0
"""What is promised."""


async def measure(say: Say, students: int) -> list[Figure]:
    """Raises SystemExit when it cannot be brought up."""
    names = [f"link{number:03}" for number in range(students)]
    async with carrel.carrel(say, names) as target:
        await asyncio.to_thread(
            carrel.run, "user", "add", READER, "--password-stdin", stdin=PASSWORD
        )
        await _inside("make", TEACHER, *names, READER)
        await _inside("publish", TEACHER, "first version")
        async with client(target) as http:
            say(f"{students} sessions are started")
            await _start(http, target, [*names, READER])
            say("one link, in a browser")
            figures = await _one_link()
            tokens = {name: await _token(http, target, name) for name in names}
            for what in ("first", "new"):
                if what == "new":
                    await _inside("publish", TEACHER, "second version")
                say(f"{students} open the {what} version at once")
                figures += await _all_at_once(http, target, tokens, what)
        return figures


async def _start(http: aiohttp.ClientSession, target: Target, names: list[str]) -> None:
    for name in names:
        await enrol(http, target, name)
    ready = await asyncio.gather(*(arrive(http, target, name) for name in names))
    if None in ready:
        raise SystemExit(f"{ready.count(None)} of {len(names)} sessions did not start")


async def _one_link() -> list[Figure]:
    """Seconds from the link to the notebook on the screen: the first time, then again and again."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise SystemExit("chromium is missing; ./carrel test installs it")
    took = []
    async with browser_program(program, carrel.PORT) as elsewhere, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=elsewhere, args=["--no-sandbox"])
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        await page.goto(f"{URL}/hub/login")
        await page.get_by_label("User name").fill(READER)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        await page.wait_for_url(re.compile("/hub/(spawn|home)|/user/"))
        for number in range(LINKS + 1):
            began = time.monotonic()
            await page.goto(f"{URL}/c/{SLUG}/lab{number}.ipynb", wait_until="commit")
            shown = page.locator(".jp-RenderedMarkdown", has_text=f"Exercise 0 of lab {number}")
            await expect(shown.first).to_be_visible(timeout=PATIENCE_S * 1000)
            took.append(time.monotonic() - began)
        await browser.close()
    again = percentile(took[1:], 0.5)
    return [
        Figure("a link to a notebook on the screen, the very first", took[0], "s"),
        Figure(f"a link to a notebook on the screen, median of {LINKS}", again, "s", LINK_S),
    ]


async def _all_at_once(
    http: aiohttp.ClientSession, target: Target, tokens: dict[str, str], what: str
) -> list[Figure]:
    asked: list[float] = []
    asking = asyncio.create_task(_ask_the_hub(http, target, asked))
    try:
        found = await asyncio.gather(*(_open(name, token) for name, token in tokens.items()))
    finally:
        asking.cancel()
    took = [seconds for seconds in found if seconds is not None]
    count = len(tokens)
    return [
        Figure(f"{count} open the {what} version: failed", count - len(took), "", 0),
        Figure(f"{count} open the {what} version: median", percentile(took or [0], 0.5), "s"),
        Figure(f"{count} open the {what} version: last", max(took, default=0), "s", ALL_WITHIN_S),
        Figure(f"meanwhile, the hub's answer to somebody else: p99 of {len(asked)}",
               1000 * percentile(asked or [0], 0.99), "ms", HUB_P99_MS),
    ]  # fmt: skip


async def _ask_the_hub(http: aiohttp.ClientSession, target: Target, took: list[float]) -> None:
    while True:
        began = time.monotonic()
        async with http.get(f"{target.api}/users/{READER}") as answer:
            await answer.read()
        took.append(time.monotonic() - began)
        await asyncio.sleep(ASK_EVERY_S)


async def _open(name: str, token: str) -> float | None:
    """Seconds until the session has led to the notebook or its report; None for all else."""
    began = time.monotonic()
    address = f"{URL}/user/{name}/carrel/course/{SLUG}/lab0.ipynb"
    headers = {"Authorization": f"token {token}"}
    errand = ""
    async with aiohttp.ClientSession(headers=headers) as http:
        while time.monotonic() - began < PATIENCE_S:
            query = {"errand": errand} if errand else {}
            async with http.get(address, params=query, allow_redirects=False) as answer:
                said = await answer.text()
            if answer.status in (200, 303):
                return time.monotonic() - began
            if answer.status != 202 or not (found := ERRAND.search(said)):
                return None
            errand = found[1]
            await asyncio.sleep(LOOK_EVERY_S)
    return None


async def _token(http: aiohttp.ClientSession, target: Target, name: str) -> str:
    async with http.post(f"{target.api}/users/{name}/tokens", json={"note": "bench"}) as answer:
        return str((await answer.json())["token"])


async def _inside(verb: str, *arguments: str) -> None:
    command = ["docker", "exec", "--interactive", f"{carrel.PROJECT}-hub", "python", "-"]
    done = await asyncio.to_thread(
        subprocess.run, [*command, verb, SLUG, *arguments],
        input=INSIDE.read_bytes(), capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"{verb}: {done.stderr.decode()[-2000:]}")
