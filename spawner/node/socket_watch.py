"""Notices that the engine's socket has been replaced, so that node begins anew with the new one.

Compose binds the socket as a file. An engine that restarts makes a new one; while containers live
through its restart (live-restore), node's bind would go on pointing at the old one, which nobody
answers any more. Only a start of the container looks the path up again: node ends, and the restart
policy starts it. Its firewall stays meanwhile, and sessions notice nothing.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

LOOK_EVERY_S = 5.0


def is_replaced(socket: Path) -> bool:
    """Whether there is a socket at that path which has no name any more on its file system.

    A path that leads nowhere is no bind: whatever is made there next will be found.
    """
    try:
        return socket.stat().st_nlink == 0
    except OSError:
        return False


async def until_replaced(socket: Path) -> None:
    while not is_replaced(socket):  # noqa: ASYNC110  the kernel tells nobody
        await asyncio.sleep(LOOK_EVERY_S)
