"""When a proxy is taken for one that was restarted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web

from hub.proxy_watch import ProxyWatch, has_lost_routes
from spawner.errors import CarrelError, Code
from tests.hub.hub_process import ProxyApi
from tests.spawner.fake_engine import free_port

HUB = {"hub": True, "target": "http://10.203.0.2:8081"}
SESSION = {"user": "ada", "target": "http://10.203.8.1:8888"}


@dataclass
class FakeHub:
    """Counts how often it was told to compare."""

    checks: int = 0

    def check_proxy(self) -> None:
        self.checks += 1


@pytest.fixture
async def proxy() -> AsyncIterator[ProxyApi]:
    proxy = ProxyApi(free_port())
    await proxy.start()
    yield proxy
    await proxy.close()


@pytest.fixture
def watch(proxy: ProxyApi) -> ProxyWatch:
    return ProxyWatch(f"http://127.0.0.1:{proxy.port}", "secret", FakeHub())


@pytest.mark.parametrize(
    ("routes", "lost"),
    [
        ({}, True),
        ({"/user/ada": SESSION}, True),
        ({"/": HUB}, False),
        ({"/hub.example.org": HUB, "/ada.example.org": SESSION}, False),
    ],
)
def test_routes_are_lost_when_the_hub_itself_has_none(routes: dict, lost: bool) -> None:
    assert has_lost_routes(routes) is lost


async def test_the_hub_is_asked_only_if_they_are(proxy: ProxyApi, watch: ProxyWatch) -> None:
    proxy.routes = {"/": HUB}
    await watch.look()
    assert watch.hub.checks == 0
    proxy.routes = {"/user/ada": SESSION}
    await watch.look()
    assert watch.hub.checks == 1


async def test_a_proxy_that_cannot_be_asked_is_not_one_without_routes(
    proxy: ProxyApi, watch: ProxyWatch
) -> None:
    await proxy.close()
    with pytest.raises(CarrelError) as caught:
        await watch.look()
    assert caught.value.code is Code.UNAVAILABLE


async def test_a_proxy_that_refuses_the_token_is_not_one_without_routes() -> None:
    async def refuse(request: web.Request) -> web.Response:
        known = request.headers["Authorization"] == "token secret"
        return web.json_response({}, status=200 if known else 403)

    app = web.Application()
    app.router.add_get("/api/routes", refuse)
    runner, port = web.AppRunner(app, shutdown_timeout=0.1), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    hub = FakeHub()
    with pytest.raises(CarrelError):
        await ProxyWatch(f"http://127.0.0.1:{port}", "another", hub).look()
    assert hub.checks == 0
    await ProxyWatch(f"http://127.0.0.1:{port}", "secret", hub).look()
    assert hub.checks == 1
    await runner.cleanup()
