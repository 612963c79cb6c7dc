"""The proxy's part, without the proxy: a session's pages are answered here, all else by the hub.

Or, as a site's own front does, over https and by host name.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from tests.hub.hub_process import HubProcess

HOP_BY_HOP = {"transfer-encoding", "content-encoding", "content-length", "connection", "date"}
SESSION = "<!doctype html><title>the session</title><p>the session"
Lead = Callable[[web.Request, aiohttp.ClientSession], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def in_front_of(hub: HubProcess) -> AsyncIterator[str]:
    """Where a browser finds that hub, as long as this lasts."""

    async def lead(request: web.Request, http: aiohttp.ClientSession) -> web.StreamResponse:
        if request.path.startswith("/user/"):
            return web.Response(text=SESSION, content_type="text/html")
        return await _pass_on(request, http, hub.url.removesuffix("/hub"))

    async with _serving(lead, 0) as port:
        yield f"http://127.0.0.1:{port}/hub"


@asynccontextmanager
async def by_host(
    port: int, behind: Mapping[str, str], certificate: Path | None
) -> AsyncIterator[None]:
    """That port of loopback; ``behind`` maps the first label of a host to what answers.

    https with a ``certificate``: a file with the key in it too.
    """
    proto = "https" if certificate else "http"

    async def lead(request: web.Request, http: aiohttp.ClientSession) -> web.StreamResponse:
        to = behind[request.host.partition(".")[0]]
        return await _pass_on(request, http, to, **{"X-Forwarded-Proto": proto})

    tls = None
    if certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    async with _serving(lead, port, tls):
        yield


@asynccontextmanager
async def _serving(lead: Lead, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await lead(request, http)
        except aiohttp.ClientError:
            return web.Response(status=503)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=None)
    ) as http:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls)
        await site.start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()


async def _pass_on(
    request: web.Request, http: aiohttp.ClientSession, to: str, **more: str
) -> web.StreamResponse:
    async with http.request(
        request.method, URL(f"{to}{request.raw_path}", encoded=True),
        headers={**request.headers, **more}, data=await request.read(), allow_redirects=False,
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
