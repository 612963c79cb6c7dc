"""What the data plane needs of policy, handed to it by the configuration."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from spawner.ending import Ending
from spawner.profiles import Grant, Request
from spawner.wait import Wait


class Policy(Protocol):
    """Who may start and when, and the record of what became of it."""

    async def leftover(self, user: str) -> str | None:
        """Id of a session of this user that began and is still on record as not ended.

        One that waits in the queue has not begun.
        """

    async def enqueue(self, request: Request, ready_images: Collection[str]) -> Grant:
        """A session on record, in the queue: a new one, or the place that was kept for it.

        Its grant holds from its turn on. Raises CarrelError, told to the user, when refused.
        """

    async def turn(self, session_id: str, told: Callable[[Wait], None]) -> None:
        """Waits for the session's turn, for as long as it takes; ``told`` hears of its place.

        Raises CarrelError when it lost its place. Whoever leaves settles the session.
        """

    async def running(self, session_id: str, container_id: str, url: str) -> None:
        """Records that the session's server answers at ``url``; said twice, the first counts."""

    async def settle(self, ending: Ending) -> None:
        """Records the end of a session; the first record stays.

        While the hub itself is being ended, a cancelled start keeps its place in the queue.
        """
