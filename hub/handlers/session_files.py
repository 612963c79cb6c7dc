"""Asks a running session whether it holds a file."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import aiohttp
from jupyterhub.httpclient import fetch

PATIENCE_S = 3.0
"""Somebody waits for a page meanwhile, and the server is their own: it may answer anything."""


async def holds(spawner: Any, path: str) -> bool:
    """Whether its contents API knows ``path``; False for a session that does not say."""
    if not spawner.api_token:
        return False  # a hub that was restarted has forgotten it
    url = f"{spawner.server.url}api/contents/{quote(path)}?content=0"
    try:
        answer = await fetch(
            url,
            headers={"Authorization": f"token {spawner.api_token}"},
            raise_for_status=False,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
        )
    except (TimeoutError, aiohttp.ClientError, OSError):
        return False
    async with answer:
        return bool(answer.status == 200)
