"""What the data plane needs of policy, handed to it by the configuration."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from spawner.ending import Ending
from spawner.profiles import Grant, Request


class Policy(Protocol):
    """Who may start, and the record of what became of it."""

    async def leftover(self, user: str) -> str | None:
        """Id of a session of this user that is still on record as not ended."""

    async def admit(self, request: Request, ready_images: Collection[str]) -> Grant:
        """A new session on record. Raises CarrelError, told to the user, when refused."""

    async def running(self, session_id: str, container_id: str, url: str) -> None:
        """Records that the session's server answers at ``url``; said twice, the first counts."""

    async def settle(self, ending: Ending) -> None:
        """Records the end of a session; the first record stays."""
