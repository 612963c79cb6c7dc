"""The real proxy while the hub is down: a page that says so and comes back by itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, async_playwright, expect

from tests.images import proxy_program
from tests.images.proxy_program import RealProxy
from tests.spawner.fake_engine import free_port

pytestmark = pytest.mark.proxy
BEING_RESTARTED = "Carrel is being restarted"
LOOKS = [("light", 1200), ("dark", 1200), ("light", 320), ("dark", 320)]


@pytest.fixture
def hub_port() -> int:
    return free_port()


@pytest.fixture
async def proxy(tmp_path: Path, hub_port: int) -> AsyncIterator[RealProxy]:
    """With the hub's route, as before the hub went away."""
    async with proxy_program.running(tmp_path, hub_port) as proxy:
        await proxy.route("/", f"http://127.0.0.1:{hub_port}")
        yield proxy


@asynccontextmanager
async def hub_on(port: int) -> AsyncIterator[None]:
    """Something that answers as the hub does, as far as the proxy sees it."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=f"the hub: {request.method} {request.path_qs}")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def _ask(url: str, method: str = "GET", accept: str = "*/*") -> tuple[int, str, str]:
    async with (
        aiohttp.ClientSession(headers={"Accept": accept}) as http,
        http.request(method, url) as answer,
    ):
        return answer.status, answer.content_type, await answer.text()


async def test_with_the_hub_down_a_page_says_so(proxy: RealProxy) -> None:
    status, kind, text = await _ask(f"{proxy.url}/hub/home?a=b")
    assert (status, kind) == (503, "text/html")
    assert BEING_RESTARTED in text and 'data-sent="no"' in text
    assert "http://" not in text and "https://" not in text, "nothing from elsewhere"


async def test_the_page_after_a_form_does_not_try_again(proxy: RealProxy) -> None:
    status, _, text = await _ask(f"{proxy.url}/hub/login", "POST")
    assert status == 503
    assert 'data-sent="yes"' in text and "refresh" not in text


async def test_programs_are_told_in_json(proxy: RealProxy) -> None:
    status, kind, text = await _ask(f"{proxy.url}/hub/api/user", accept="application/json")
    assert (status, kind) == (503, "application/json")
    assert '"hint":"Try again in some seconds."' in text


async def test_a_proxy_that_was_restarted_too_has_no_routes_and_says_the_same(
    tmp_path: Path, hub_port: int
) -> None:
    async with proxy_program.running(tmp_path, hub_port) as proxy, hub_on(hub_port):
        status, _, text = await _ask(f"{proxy.url}/user/ada/lab")
    assert status == 503
    assert BEING_RESTARTED in text


async def test_of_a_session_that_does_not_answer_the_hub_speaks(
    proxy: RealProxy, hub_port: int
) -> None:
    """It knows whose it is and what became of it."""
    await proxy.route("/user/ada/", f"http://127.0.0.1:{free_port()}")
    async with hub_on(hub_port):
        status, _, text = await _ask(f"{proxy.url}/user/ada/lab")
        assert status == 503
        assert text.startswith("the hub: GET /hub/error/503?url=")
    status, _, text = await _ask(f"{proxy.url}/user/ada/lab")
    assert status == 503
    assert BEING_RESTARTED in text


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    program = shutil.which("chromium")
    assert program, "chromium is missing; ./carrel test installs it"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = await browser.new_page()
        yield page
        await browser.close()


@pytest.mark.browser
async def test_the_page_comes_back_by_itself_where_it_was(
    proxy: RealProxy, hub_port: int, page: Page
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    await page.goto(f"{proxy.url}/hub/open?path=a.ipynb")
    await expect(page.get_by_role("status")).to_have_text("This page tries again by itself.")
    for scheme, width in LOOKS:
        await page.emulate_media(color_scheme=scheme)
        await page.set_viewport_size({"width": width, "height": 740})
        if folder := os.environ.get("SHOTS"):
            await page.screenshot(path=f"{folder}/restarting-{scheme}-{width}.png")
        assert (await Axe().run(page)).response["violations"] == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    async with hub_on(hub_port):
        await expect(page.locator("body")).to_have_text(
            "the hub: GET /hub/open?path=a.ipynb", timeout=15_000
        )
    assert not [text for text in complaints if "503" not in text], "its own policy lets it work"


@pytest.mark.browser
async def test_whoever_sent_a_form_is_told_and_nothing_is_sent_again(
    proxy: RealProxy, hub_port: int, page: Page
) -> None:
    async with hub_on(hub_port):
        await page.goto(f"{proxy.url}/hub/login")
    await page.evaluate(
        """() => {
            const form = document.createElement('form');
            form.method = 'post';
            document.body.append(form);
            form.submit();
        }"""
    )
    await expect(page.get_by_text("What you just sent may not have arrived.")).to_be_visible()
    await expect(page.get_by_text("This page tries again")).to_be_hidden()
    if folder := os.environ.get("SHOTS"):
        await page.screenshot(path=f"{folder}/restarting-sent.png")
    async with hub_on(hub_port):
        await page.wait_for_timeout(6000)
        await expect(page.get_by_role("heading")).to_have_text(BEING_RESTARTED)
