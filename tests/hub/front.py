"""The proxy's part, without the proxy: a session's pages are answered here, all else by the hub."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

from tests.hub.hub_process import HubProcess

HOP_BY_HOP = {"transfer-encoding", "content-encoding", "content-length", "connection", "date"}
SESSION = "<!doctype html><title>the session</title><p>the session"


@asynccontextmanager
async def in_front_of(hub: HubProcess) -> AsyncIterator[str]:
    """Where a browser finds that hub, as long as this lasts."""

    async def lead(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/user/"):
            return web.Response(text=SESSION, content_type="text/html")
        try:
            return await _pass_on(request, http, hub.url.removesuffix("/hub"))
        except aiohttp.ClientError:
            return web.Response(status=503)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", lead)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=None)
    ) as http:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/hub"
        finally:
            await runner.cleanup()


async def _pass_on(
    request: web.Request, http: aiohttp.ClientSession, hub: str
) -> web.StreamResponse:
    async with http.request(
        request.method, URL(f"{hub}{request.raw_path}", encoded=True), headers=request.headers,
        data=await request.read(), allow_redirects=False,
    ) as answer:  # fmt: skip
        response = web.StreamResponse(status=answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in HOP_BY_HOP:
                response.headers.add(name, value)
        await response.prepare(request)
        # Piece by piece: the steps of a start come as they happen.
        async for piece in answer.content.iter_any():
            await response.write(piece)
        return response
