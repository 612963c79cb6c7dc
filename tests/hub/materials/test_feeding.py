"""A thread reads what arrives in the event loop, neither faster nor for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub.materials.feeding import Feeding
from spawner.errors import CarrelError, Code


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        await asyncio.sleep(0)
        yield piece


async def test_all_bytes_come_in_order_and_then_the_end() -> None:
    feeding = Feeding(pieces(b"abc", b"", b"defg"))
    read = [await asyncio.to_thread(feeding.read, 2) for _ in range(6)]
    assert read == [b"ab", b"c", b"de", b"fg", b"", b""]


async def test_an_error_of_the_sender_is_the_readers() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise CarrelError(Code.UNAVAILABLE, "node is away.")

    feeding = Feeding(broken())
    assert await asyncio.to_thread(feeding.read, 9) == b"a"
    with pytest.raises(CarrelError, match="node is away"):
        await asyncio.to_thread(feeding.read, 9)


async def test_a_sender_that_says_nothing_is_not_waited_for() -> None:
    async def silent() -> AsyncIterator[bytes]:
        await asyncio.sleep(60)
        yield b"a"

    feeding = Feeding(silent(), stall_s=0.05)
    with pytest.raises(CarrelError, match="for a long time") as caught:
        await asyncio.to_thread(feeding.read, 9)
    assert caught.value.code is Code.UNAVAILABLE


async def test_the_sender_is_asked_only_as_fast_as_is_read() -> None:
    given = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(100):
            given += 1
            yield b"xx"

    feeding = Feeding(counted())
    await asyncio.to_thread(feeding.read, 1)
    await asyncio.to_thread(feeding.read, 1)
    assert given == 1
