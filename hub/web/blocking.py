"""A few threads for what takes seconds: git, comparing, rendering.

Not the store's, which every page needs, and not the event loop. Each person has one at a time, and
those who wait are served in turn: two with many pages open keep nobody else waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from spawner.errors import CarrelError, Code

AT_ONCE, WAITING = 4, 3
"""Threads altogether, and how much of one person's may wait for the one they get."""
WAIT_S = 8.0

P = ParamSpec("P")
T = TypeVar("T")


class Blocking:
    """Runs what blocks."""

    def __init__(
        self, at_once: int = AT_ONCE, waiting: int = WAITING, wait_s: float = WAIT_S
    ) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="blocking")
        self._free = at_once
        self._most_waiting, self._wait_s = waiting, wait_s
        self._running: set[str] = set()
        # By person, whose turn comes first in front.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def run(
        self, who: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """``function(...)`` in a thread, for that person.

        Raises CarrelError: TOO_MANY where too much of theirs waits already, UNAVAILABLE where their
        turn does not come in time.
        """
        await self._turn(who)
        loop = asyncio.get_running_loop()
        working = loop.run_in_executor(self._threads, lambda: function(*args, **kwargs))
        working.add_done_callback(lambda _: self._end(who))
        # Whoever stops waiting does not stop the thread: its place is taken until it ends.
        return await asyncio.shield(working)

    async def _turn(self, who: str) -> None:
        """Waits for one of the threads."""
        mine = self._waiting.setdefault(who, deque())
        if len(mine) >= self._most_waiting:
            raise CarrelError(
                Code.TOO_MANY,
                "Several pages of yours are being made already.",
                "Wait until they are there, then try again.",
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        mine.append(turn)
        self._begin()
        try:
            async with asyncio.timeout(self._wait_s):
                await turn
        except TimeoutError:
            self._leave(who, turn)
            raise self._late(who) from None
        except BaseException:
            self._leave(who, turn)
            raise

    def _begin(self) -> None:
        """Gives free threads to those whose turn it is; who got one stands behind all others."""
        while self._free:
            who = next((one for one in self._waiting if one not in self._running), None)
            if who is None:
                return
            turns = self._waiting.pop(who)
            turn = turns.popleft()
            if turns:
                self._waiting[who] = turns
            if turn.done():  # whoever asked went away at this moment
                continue
            self._free -= 1
            self._running.add(who)
            turn.set_result(None)

    def _leave(self, who: str, turn: asyncio.Future[None]) -> None:
        """Of somebody who waits no longer; their turn may have come at the same moment."""
        if not turn.cancelled():
            self._end(who)
            return
        turns = self._waiting.get(who, deque())
        if turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[who]

    def _end(self, who: str) -> None:
        self._free += 1
        self._running.discard(who)
        self._begin()

    def _late(self, who: str) -> CarrelError:
        message = (
            "Something of yours is being done already, and it takes longer than usual."
            if who in self._running
            else "Others are being served, and it takes longer than usual."
        )
        return CarrelError(Code.UNAVAILABLE, message, "Try again in a moment.")
