"""Ends logins, tokens and sessions of people through the hub, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tornado.log import app_log

from hub.enums import Reason
from hub.hub_api import HubApi, WantedEnd
from spawner.errors import CarrelError

AT_ONCE = 8
WAIT_S = 20
"""For how long the page waits for sessions to end; what takes longer goes on without it."""

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="leaving")


@dataclass(frozen=True)
class Leaver:
    """Whose logins end; ``session`` is the id of one that has not ended, if there is one."""

    name: str
    session: str | None
    why: str
    """For the record of that session."""


async def put_out(api: HubApi, leavers: Sequence[Leaver], stop_timeout_s: float) -> list[str]:
    """Ends all that stands under the names; returns whose is not over yet.

    Each session may take ``stop_timeout_s``. What is not over goes on in the background, and
    housekeeping looks again every minute, also when this process dies.
    """
    if not leavers:
        return []
    loop = asyncio.get_running_loop()
    ending = {
        loop.run_in_executor(_threads, _put_out, api, one, stop_timeout_s): one.name
        for one in leavers
    }
    done, waiting = await asyncio.wait(ending, timeout=WAIT_S)
    return sorted([ending[f] for f in waiting] + [ending[f] for f in done if not f.result()])


def _put_out(api: HubApi, one: Leaver, stop_timeout_s: float) -> bool:
    try:
        if one.session:
            ending = WantedEnd(one.name, one.session, Reason.ADMIN, one.why)
            api.end_session(ending, stop_timeout_s)
        api.remove_user(one.name, stop_timeout_s)
    except CarrelError as error:
        app_log.warning("Logins and session of %s are not ended yet: %s", one.name, error)
        return False
    return True
