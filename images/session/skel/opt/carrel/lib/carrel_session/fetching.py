"""Fetches one notebook from a public host and no other, within bounds of size and time."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urljoin, urlsplit

import aiohttp
import nbformat

from carrel_session.addresses import Shared
from carrel_session.errors import Code, SessionError
from carrel_session.settings import Settings

MOST_REDIRECTS = 4
CONNECT_S = 10.0
CHUNK_BYTES = 65536
_REDIRECTS = (301, 302, 303, 307, 308)


async def fetch(settings: Settings, wanted: Shared) -> bytes:
    """The notebook as the host sends it. Raises SessionError."""
    url = settings.notebook_url.format(
        owner=wanted.owner, repository=wanted.repository, rest=wanted.rest
    )
    try:
        async with asyncio.timeout(settings.notebook_s):
            content = await _follow(settings, url)
    except (TimeoutError, aiohttp.ClientError, OSError) as problem:
        raise SessionError(
            Code.UNAVAILABLE,
            f"{settings.notebook_site} could not be reached.",
            "Try again in a minute.",
        ) from problem
    # Big notebooks take a while, and other pages of this server wait meanwhile.
    await asyncio.to_thread(check, content)
    return content


async def _follow(settings: Settings, url: str) -> bytes:
    timeout = aiohttp.ClientTimeout(connect=CONNECT_S)
    # A packed answer could unpack to any size: it is asked for, and taken, as it is.
    headers = {"Accept-Encoding": "identity", "User-Agent": "Carrel"}
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(
        timeout=timeout, headers=headers, cookie_jar=jar, auto_decompress=False, trust_env=True
    ) as session:
        for _ in range(MOST_REDIRECTS + 1):
            _require_allowed(settings, url)
            async with session.get(url, allow_redirects=False) as answer:
                if answer.status not in _REDIRECTS:
                    return await _take(settings, answer)
                url = urljoin(url, answer.headers.get("Location", ""))
    raise SessionError(
        Code.UNAVAILABLE, f"{settings.notebook_site} sends the link round in circles."
    )


def _require_allowed(settings: Settings, url: str) -> None:
    parts, template = urlsplit(url), urlsplit(settings.notebook_url)
    if parts.scheme != template.scheme or parts.netloc != template.netloc:
        raise SessionError(
            Code.REFUSED,
            f"{settings.notebook_site} leads to another place: {parts.hostname or 'nowhere'}.",
            "Your administrator can name one host ([github] host).",
        )


async def _take(settings: Settings, answer: aiohttp.ClientResponse) -> bytes:
    # Hosts lead to a page to log in where a repository is not public.
    page = answer.status == 200 and answer.content_type == "text/html"
    if page or answer.status in (401, 404, 410):
        raise SessionError(
            Code.NOT_FOUND,
            f"{settings.notebook_site} has no such notebook.",
            "It may have been moved, or its repository is not public.",
        )
    if answer.status != 200:
        raise SessionError(
            Code.UNAVAILABLE,
            f"{settings.notebook_site} said no ({answer.status}).",
            "Try again in some minutes.",
        )
    content = bytearray()
    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
        content += chunk
        if len(content) > settings.notebook_bytes:
            raise SessionError(
                Code.TOO_LARGE,
                f"This notebook is larger than {settings.notebook_bytes // 1_000_000} MB.",
                "Clone its repository in a terminal instead.",
            )
    return bytes(content)


def check(content: bytes) -> None:
    """Raises SessionError for what Jupyter could not open as a notebook.

    What strays from the format in a detail is let through, as Jupyter does.
    """
    try:
        found = json.loads(content)
        if not isinstance(found, dict) or not isinstance(found.get("nbformat"), int):
            raise ValueError("no nbformat")
        notebook = nbformat.from_dict(found)
        notebook = nbformat.convert(notebook, 4)
        if not all(isinstance(cell.get("cell_type"), str) for cell in notebook["cells"]):
            raise ValueError("cells that are none")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise SessionError(
            Code.BAD_INPUT,
            "This is no notebook.",
            "The link names a file that Jupyter cannot open.",
        ) from problem
