"""Gives a thread what arrives in the event loop, piece by piece: neither runs ahead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import TimeoutError as LateError

from spawner.errors import CarrelError, Code

STALL_S = 120
"""Longest silence of a sender."""


class Feeding:
    """``read`` for a thread, of pieces that the loop makes. Made in the loop.

    An exception of the pieces' source comes out of ``read`` as it is.
    """

    def __init__(self, pieces: AsyncIterator[bytes], stall_s: float = STALL_S) -> None:
        self._pieces, self._stall_s = pieces, stall_s
        self._loop = asyncio.get_running_loop()
        self._held = memoryview(b"")

    def read(self, most: int) -> bytes:
        """At most so many bytes; none at the end. Not from the loop's own thread."""
        while not self._held:
            coming = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
            try:
                piece = coming.result(self._stall_s)
            except LateError as error:
                coming.cancel()
                raise CarrelError(
                    Code.UNAVAILABLE, "Nothing more was sent for a long time.", "Send it again."
                ) from error
            if piece is None:
                return b""
            self._held = memoryview(piece)
        given, self._held = self._held[:most], self._held[most:]
        return bytes(given)

    async def _next(self) -> bytes | None:
        return await anext(self._pieces, None)
