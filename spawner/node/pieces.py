"""An answer that a thread makes piece by piece, only as fast as it is taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType


class Pieces:
    """``async with made as pieces: async for piece in pieces``.

    At the end, whatever the cause, ``stop`` is called, which makes the generator end soon, and
    ``done`` once it has. The generator yields nothing empty.
    """

    def __init__(
        self,
        content_type: str,
        pieces: Generator[bytes, None, None],
        stop: Callable[[], None],
        done: Callable[[], None],
    ) -> None:
        self.content_type = content_type
        self._pieces = pieces
        self._stop, self._done = stop, done
        # One thread of its own, so that the iterator never runs in two at once.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pieces")

    async def __aenter__(self) -> AsyncIterator[bytes]:
        return self._each()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._stop()
        # After whatever the thread is at: a generator that runs cannot be closed.
        self._thread.submit(self._finish)
        self._thread.shutdown(wait=False)

    def _finish(self) -> None:
        try:
            self._pieces.close()
        finally:
            self._done()

    async def _each(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        while piece := await loop.run_in_executor(self._thread, next, self._pieces, b""):
            yield piece
