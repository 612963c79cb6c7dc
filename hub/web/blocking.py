"""A few threads for what takes seconds: git, comparing, rendering.

Not the store's, which every page needs, and not the event loop. Who finds all of them taken waits
for a moment and is then told so.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from spawner.errors import CarrelError, Code

AT_ONCE, EACH = 4, 3
"""Altogether, and of one person, those who wait with them."""
WAIT_S = 8.0

P = ParamSpec("P")
T = TypeVar("T")


class Blocking:
    """Runs what blocks."""

    def __init__(self, at_once: int = AT_ONCE, each: int = EACH, wait_s: float = WAIT_S) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="blocking")
        self._free = asyncio.Semaphore(at_once)
        self._each, self._wait_s = each, wait_s
        self._of: Counter[str] = Counter()

    async def run(
        self, who: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """``function(...)`` in a thread, for that person.

        Raises CarrelError(UNAVAILABLE) where no thread gets free in time.
        """
        if self._of[who] >= self._each:
            raise _busy("Several things of yours are being done already.")
        self._of[who] += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError:
            self._leave(who)
            raise _busy("Others are being served, and it takes longer than usual.") from None
        except BaseException:
            self._leave(who)
            raise
        loop = asyncio.get_running_loop()
        working = loop.run_in_executor(self._threads, lambda: function(*args, **kwargs))
        working.add_done_callback(lambda _: self._end(who))
        # Whoever stops waiting does not stop the thread: its place is taken until it ends.
        return await asyncio.shield(working)

    def _end(self, who: str) -> None:
        self._free.release()
        self._leave(who)

    def _leave(self, who: str) -> None:
        self._of[who] -= 1
        if not self._of[who]:
            del self._of[who]


def _busy(message: str) -> CarrelError:
    return CarrelError(Code.UNAVAILABLE, message, "Try again in a moment.")
