"""Ends logins, tokens and sessions of people through the hub, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tornado.log import app_log

from hub.hub_api import HubApi
from spawner.errors import CarrelError

AT_ONCE = 8
WAIT_S = 20
"""For how long the page waits for sessions to end; what takes longer goes on without it."""

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="leaving")


async def put_out(api: HubApi, names: Sequence[str], stop_timeout_s: float) -> list[str]:
    """Ends all that stands under the names; returns whose is not over yet.

    Each session may take ``stop_timeout_s``. What is not over goes on in the background, and
    housekeeping looks again every minute, also when this process dies.
    """
    if not names:
        return []
    loop = asyncio.get_running_loop()
    ending = {
        loop.run_in_executor(_threads, _put_out, api, name, stop_timeout_s): name for name in names
    }
    done, waiting = await asyncio.wait(ending, timeout=WAIT_S)
    return sorted([ending[f] for f in waiting] + [ending[f] for f in done if not f.result()])


def _put_out(api: HubApi, name: str, stop_timeout_s: float) -> bool:
    try:
        api.remove_user(name, stop_timeout_s)
    except CarrelError as error:
        app_log.warning("Logins and session of %s are not ended yet: %s", name, error)
        return False
    return True
