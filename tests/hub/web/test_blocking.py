"""What takes seconds has a few threads: nobody takes them all, and who waits too long is told."""

from __future__ import annotations

import asyncio
import threading

import pytest

from hub.web.blocking import Blocking
from spawner.errors import CarrelError, Code


async def test_at_most_so_many_run_and_one_too_many_is_told() -> None:
    blocking = Blocking(at_once=2, each=2, wait_s=0.1)
    go = threading.Event()
    tasks = [asyncio.create_task(blocking.run(f"p{n}", go.wait, 10)) for n in range(2)]
    await asyncio.sleep(0.02)
    with pytest.raises(CarrelError) as caught:
        await blocking.run("late", int)
    assert caught.value.code is Code.UNAVAILABLE and "Others" in caught.value.message
    go.set()
    assert await asyncio.gather(*tasks) == [True, True]
    assert await blocking.run("late", int) == 0


async def test_one_person_takes_no_more_than_their_share() -> None:
    blocking = Blocking(at_once=4, each=2, wait_s=1)
    go = threading.Event()
    tasks = [asyncio.create_task(blocking.run("ada", go.wait, 10)) for _ in range(2)]
    await asyncio.sleep(0.02)
    with pytest.raises(CarrelError):
        await blocking.run("ada", int)
    assert await blocking.run("mia", int) == 0
    go.set()
    await asyncio.gather(*tasks)
    assert await blocking.run("ada", int) == 0


async def test_whoever_stops_waiting_frees_nothing_before_the_thread_ends() -> None:
    blocking = Blocking(at_once=1, each=1, wait_s=0.1)
    go = threading.Event()
    task = asyncio.create_task(blocking.run("ada", go.wait, 10))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(CarrelError):
        await blocking.run("mia", int)
    go.set()
    await asyncio.sleep(0.05)
    assert await blocking.run("mia", int) == 0


async def test_an_error_is_the_callers_and_frees_the_thread() -> None:
    blocking = Blocking(at_once=1, each=1, wait_s=0.1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await blocking.run("ada", divmod, 1, 0)
