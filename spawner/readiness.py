"""Asks a notebook server whether it answers yet."""

from __future__ import annotations

import aiohttp
from jupyterhub.httpclient import fetch

PROBE_TIMEOUT_S = 5.0
"""Generous: thirty servers that start at once on two cores are slow to their first answer."""


async def answers(url: str) -> bool:
    """Whether the server at ``url`` speaks HTTP; one question, at most PROBE_TIMEOUT_S long."""
    try:
        response = await fetch(
            url,
            raise_for_status=False,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=PROBE_TIMEOUT_S),
        )
    except (TimeoutError, aiohttp.ClientError, OSError):
        return False
    async with response:
        return bool(response.status < 500)
