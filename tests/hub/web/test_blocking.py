"""What takes seconds has a few threads: one for each person, in turn, and who waits too long is
told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from hub.web.blocking import Blocking
from spawner.errors import CarrelError, Code


async def _settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0.01)


async def test_at_most_so_many_run_and_one_too_many_is_told() -> None:
    blocking = Blocking(at_once=2, waiting=2, wait_s=0.1)
    go = threading.Event()
    tasks = [asyncio.create_task(blocking.run(f"p{n}", go.wait, 10)) for n in range(2)]
    await _settled()
    with pytest.raises(CarrelError) as caught:
        await blocking.run("late", int)
    assert caught.value.code is Code.UNAVAILABLE and "Others" in caught.value.message
    go.set()
    assert await asyncio.gather(*tasks) == [True, True]
    assert await blocking.run("late", int) == 0


async def test_two_people_leave_threads_for_all_others() -> None:
    blocking = Blocking(at_once=4, waiting=3, wait_s=5)
    go = threading.Event()
    tasks = [asyncio.create_task(blocking.run(who, go.wait, 10)) for who in ("ada", "mia") * 4]
    await _settled()
    for who in ("ada", "mia"):
        with pytest.raises(CarrelError) as caught:
            await blocking.run(who, int)
        assert caught.value.code is Code.TOO_MANY and caught.value.hint
    for who in ("kim", "lea"):
        assert await blocking.run(who, int) == 0
    go.set()
    assert await asyncio.gather(*tasks) == [True] * 8
    assert await blocking.run("ada", int) == 0


async def test_those_who_wait_are_served_in_turn_and_nobody_twice_at_a_time() -> None:
    blocking = Blocking(at_once=1, waiting=3, wait_s=5)
    go, order = threading.Event(), []
    running: set[str] = set()

    def work(who: str) -> Callable[[], None]:
        def done() -> None:
            assert who not in running
            running.add(who)
            order.append(who)
            running.discard(who)

        return done

    first = asyncio.create_task(blocking.run("ada", go.wait, 10))
    await _settled()
    tasks = []
    for who in ("ada", "ada", "ada", "mia", "mia", "kim"):
        tasks.append(asyncio.create_task(blocking.run(who, work(who))))
        await _settled()
    go.set()
    await asyncio.gather(first, *tasks)
    assert order == ["ada", "mia", "kim", "ada", "mia", "ada"]


async def test_whoever_has_something_running_is_told_what_is_waited_for() -> None:
    blocking = Blocking(at_once=2, waiting=2, wait_s=0.1)
    go = threading.Event()
    task = asyncio.create_task(blocking.run("ada", go.wait, 10))
    await _settled()
    with pytest.raises(CarrelError, match="yours") as caught:
        await blocking.run("ada", int)
    assert caught.value.code is Code.UNAVAILABLE
    go.set()
    assert await task
    assert await blocking.run("ada", int) == 0


async def test_whoever_stops_waiting_frees_nothing_before_the_thread_ends() -> None:
    blocking = Blocking(at_once=1, waiting=1, wait_s=0.1)
    go = threading.Event()
    task = asyncio.create_task(blocking.run("ada", go.wait, 10))
    await _settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(CarrelError):
        await blocking.run("mia", int)
    go.set()
    await _settled()
    assert await blocking.run("mia", int) == 0


async def test_whoever_goes_away_while_waiting_leaves_their_place_to_others() -> None:
    blocking = Blocking(at_once=1, waiting=1, wait_s=5)
    go = threading.Event()
    first = asyncio.create_task(blocking.run("ada", go.wait, 10))
    await _settled()
    gone = asyncio.create_task(blocking.run("mia", int))
    await _settled()
    gone.cancel()
    go.set()  # at the same moment
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await first
    for who in ("mia", "ada", "kim"):
        assert await blocking.run(who, int) == 0


async def test_a_turn_that_comes_as_somebody_goes_away_is_not_lost() -> None:
    blocking = Blocking(at_once=1, waiting=1, wait_s=1)
    await blocking._turn("ada")
    gone = asyncio.create_task(blocking.run("mia", int))
    await _settled()
    blocking._end("ada")  # mia's turn, before mia hears of it
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await blocking.run("kim", int) == 0


async def test_an_error_is_the_callers_and_frees_the_thread() -> None:
    blocking = Blocking(at_once=1, waiting=1, wait_s=0.1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await blocking.run("ada", divmod, 1, 0)
